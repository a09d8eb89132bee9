"""A case over HTTP, from three taps of the buyer to the ruling; evidence is read apart."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text
from tests.aftersales.world import World, a_world
from tests.infra.hostile_media import png_with_declared_size
from tests.web.accounts import a_person, a_session
from tests.web.site import Client

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.flows.keep_buyer_scores import keep_buyer_scores_at
from dougong.infra import clock, evidence_files
from dougong.infra.db import transaction
from dougong.infra.media import MediaRefused
from dougong.web.security import SESSION_COOKIE


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


class Desk:
    def __init__(self, client: Client, tokens: dict[str, str], store: UUID, order: UUID) -> None:
        self.client, self.tokens, self.store, self.order = client, tokens, store, order
        self.service = f"/merchant/stores/{store}/service"

    async def see(self, who: str, path: str, *, status: int = 200) -> str:
        self.client.cookies.set(SESSION_COOKIE, self.tokens[who])
        got = await self.client.get(path, follow_redirects=False)
        assert got.status_code == status, (path, got.status_code, got.text[:400])
        return str(got.text)

    async def send(
        self, who: str, path: str, *, status: int = 303, file: tuple[str, bytes] | None = None,
        **form: Any,
    ) -> Any:  # fmt: skip
        self.client.cookies.set(SESSION_COOKIE, self.tokens[who])
        csrf = self.client.cookies["csrftoken"]
        more: dict[str, Any] = {"files": {"file": file}} if file else {}
        got = await self.client.post(
            path, data={"_csrf_token": csrf, **form}, follow_redirects=False, **more
        )
        assert got.status_code == status, (path, got.status_code, got.text[:600])
        return got

    async def opened(self, kind: str, **more: str) -> str:
        page = f"/orders/{self.store}/{self.order}/case"
        assert kind in await self.see("buyer", page)
        assert 'name="reason"' in await self.see("buyer", f"{page}?kind={kind}")
        form = {"kind": kind, "reason": "damaged", "line_no": "1", "quantity": "1"} | more
        answer = await self.send("buyer", page, **form)
        return str(answer.headers["location"])


@pytest.fixture
async def desk(client: Client) -> Desk:
    operator = await a_person()
    async with transaction() as conn:
        world: World = await a_world(conn)
        world.now = await clock.refresh(conn)
        placed = await world.an_order(total=9_900)
        await world.shipped(placed, {1: 1})
        org = await conn.scalar(
            text("SELECT org_id FROM stores WHERE id = :s"), {"s": placed.store_id}
        )
        await give_role(
            conn, person_id=world.merchant, org_id=org, role=Role.MERCHANT, at=world.now
        )
    from tests.web.accounts import a_role

    await a_role(operator, Role.OPERATOR)
    tokens = {
        "buyer": await a_session(world.buyer.person_id),
        "merchant": await a_session(world.merchant),
        "operator": await a_session(operator),
    }
    return Desk(client, tokens, placed.store_id, placed.order_id)


async def test_three_taps_then_the_store_grants(desk: Desk) -> None:
    page = await desk.opened("refund_only")
    case_id = page.rpartition("/")[2]
    assert "待商家处理" in await desk.see("buyer", page)
    assert case_id in await desk.see("merchant", desk.service)
    one = f"{desk.service}/{case_id}"
    assert "btn-primary" in await desk.see("merchant", one)
    await desk.send("merchant", f"{one}/act", act="approve")
    assert "已退款" in await desk.see("buyer", page)
    await desk.see("buyer", f"/explain/{desk.store}/{desk.order}")
    late = await desk.send("merchant", f"{one}/act", status=409, act="refuse", note="晚了")
    assert "状态已变化" in late.text


async def test_only_what_can_be_asked_is_offered_and_the_rest_says_why(desk: Desk) -> None:
    page = f"/orders/{desk.store}/{desk.order}/case"
    first = await desk.see("buyer", page)
    assert "?kind=return_refund" in first and "?kind=refund_unshipped" not in first
    assert "已经发货。" in first and "没有降价。" in first and "最多退 ¥99.00。" in first
    other = await desk.see("buyer", f"{page}?kind=refund_unshipped")
    assert 'name="reason"' not in other and "?kind=return_refund" in other
    case = await desk.opened("refund_only")
    over = await desk.see("buyer", page)
    assert "目前不能申请售后" in over and case in over and "?kind=" not in over
    form = {"reason": "damaged", "line_no": "1", "quantity": "1"}
    await desk.send("buyer", page, status=422, kind="refund_only", **form)


async def test_what_was_typed_is_there_again_when_it_is_refused(desk: Desk) -> None:
    page = f"/orders/{desk.store}/{desk.order}/case"
    form = {"kind": "refund_only", "reason": "quality", "line_no": "1", "body": "有黑点"}
    refused = await desk.send("buyer", page, status=422, quantity="0", **form)
    assert "至少选择一件商品" in refused.text and "有黑点" in refused.text
    refused = await desk.send("buyer", page, status=422, quantity="1", amount="99.01", **form)
    assert '<option value="quality" selected>' in refused.text and "99.01" in refused.text


async def test_refused_then_ruled_and_appealed(desk: Desk) -> None:
    page = await desk.opened("refund_only")
    one = f"{desk.service}/{page.rpartition('/')[2]}"
    await desk.send("merchant", f"{one}/act", act="refuse", note="不认可")
    await desk.send("buyer", f"{page}/act", act="ask_platform", note="请裁决")
    await desk.send("buyer", f"{page}/say", body="图片已上传")
    assert page.removeprefix("/cases/") in await desk.see("operator", "/operator/cases")
    ruling = f"/operator{page}/ruling"
    await desk.see("operator", f"/operator{page}")
    form = {"question": "谁的错", "outcome": "refund", "bearer": "platform", "reason": "物流损坏"}
    await desk.send("operator", ruling, status=422, amount="99.01", **form)
    await desk.send("operator", ruling, amount="99.00", **form)
    await desk.send("merchant", f"{one}/act", act="appeal", note="有监控")
    await desk.send("operator", ruling, amount="50", **form)
    assert "50.00" in await desk.see("buyer", page)


async def test_more_time_is_asked_for_and_declined_on_the_page(desk: Desk) -> None:
    page = await desk.opened("return_refund")
    one = f"{desk.service}/{page.rpartition('/')[2]}"
    await desk.send("merchant", f"{one}/act", act="approve")
    await desk.send("buyer", f"{page}/act", act="more_time", note="周末才回家")
    assert "您已申请延期。对方同意之前，期限不变。" in await desk.see("buyer", page)
    assert page.rpartition("/")[2] in await desk.see("merchant", f"{desk.service}?show=time")
    seen = await desk.see("merchant", one)
    assert "买家申请延长期限。同意后期限延至" in seen and "周末才回家" in seen
    await desk.send("merchant", f"{one}/act", act="no_more_time", note="请按期寄回")
    seen = await desk.see("buyer", page)
    assert "延期未获同意，期限不变。" in seen and "请按期寄回" in seen
    assert 'value="more_time"' not in seen
    assert "您未同意延期，期限不变；您仍可主动给对方延期。" in await desk.see("merchant", one)


async def test_the_platform_asks_both_sides_and_rules_by_what_can_be(desk: Desk) -> None:
    page = await desk.opened("refund_only")
    one = f"{desk.service}/{page.rpartition('/')[2]}"
    ruled = f"/operator{page}"
    await desk.send("operator", f"{ruled}/say", status=409, body="早了")
    await desk.send("merchant", f"{one}/act", act="refuse", note="不认可")
    await desk.send("buyer", f"{page}/act", act="ask_platform", note="谁来赔？")
    await desk.send("operator", f"{ruled}/say", body="请双方补充开箱照片。")
    for who, path in (("buyer", page), ("merchant", one)):
        assert "请双方补充开箱照片。" in await desk.see(who, path)
    await desk.send("merchant", f"{one}/evidence", file=("装箱.jpg", a_picture()))
    seen = await desk.see("operator", ruled)
    assert "谁来赔？</textarea>" in seen and "装箱.jpg" in seen
    assert 'value="return_refund"' not in seen and 'value="creator"' not in seen
    form = {"question": "谁的错", "outcome": "refund", "amount": "10", "reason": "长长的理由"}
    refused = await desk.send("operator", f"{ruled}/ruling", status=422, bearer="creator", **form)
    assert "There is no creator" in refused.text and "长长的理由</textarea>" in refused.text


async def test_templates_and_the_return_address_are_used(desk: Desk) -> None:
    base = f"/merchant/stores/{desk.store}/service-desk"
    await desk.send("merchant", f"{base}/templates", name="安抚", body="抱歉给您带来不便")
    await desk.send(
        "merchant", f"{base}/address", recipient="仓库", phone="13800000001", line="西湖区 1 号"
    )
    page = await desk.opened("return_refund")
    one = f"{desk.service}/{page.rpartition('/')[2]}"
    assert "抱歉给您带来不便" in await desk.see("merchant", one)
    await desk.send("merchant", f"{one}/act", act="approve")
    assert "西湖区 1 号" in await desk.see("buyer", page)
    await desk.send("buyer", f"{page}/act", act="ship_back", carrier="顺丰", tracking_no="SF12345")
    await desk.send("merchant", f"{one}/act", act="receive")
    await desk.send("merchant", f"{one}/act", act="accept", inspection="damaged")
    assert "已退款" in await desk.see("buyer", page)


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 40, 30)).save(out, "JPEG")
    return out.getvalue()


async def test_evidence_is_kept_as_our_own_picture_and_for_both_sides(desk: Desk) -> None:
    page = await desk.opened("refund_only")
    await desk.send("buyer", f"{page}/evidence", file=("裂痕.jpg", a_picture()))
    await desk.send("buyer", f"{page}/evidence", file=("x.pdf", b"%PDF-1.4\n1 0 obj\n%%EOF\n"))
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT id, kind FROM case_evidence WHERE store_id = :s"), {"s": desk.store}
        )
        files = {row.kind: row.id for row in rows}
    for who in ("buyer", "merchant", "operator"):
        desk.client.cookies.set(SESSION_COOKIE, desk.tokens[who])
        got = await desk.client.get(f"{page}/evidence/{files['image']}/picture.webp")
        assert got.content[:4] == b"RIFF" and got.headers["x-content-type-options"] == "nosniff"
    got = await desk.client.get(f"{page}/evidence/{files['pdf']}/file.pdf")
    assert got.headers["content-disposition"].startswith("attachment")
    for name in ("..%2Ffile.pdf", "picture.webp%00", "other.webp"):
        got = await desk.client.get(f"{page}/evidence/{files['image']}/{name}")
        assert got.status_code == 404
    stranger = await a_session(await a_person())
    desk.client.cookies.set(SESSION_COOKIE, stranger)
    got = await desk.client.get(f"{page}/evidence/{files['image']}/picture.webp")
    assert got.status_code == 404


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.png", png_with_declared_size(60_000, 60_000)),
        ("cut.jpg", a_picture()[:300]),
        ("page.html", b"<script>alert(1)</script>"),
        ("acting.pdf", b"%PDF-1.4\n/OpenAction << /S /JavaScript >>\n%%EOF"),
        ("film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(200)),
    ],
)
async def test_evidence_that_is_a_bomb_harms_nothing(desk: Desk, name: str, data: bytes) -> None:
    page = await desk.opened("refund_only")
    answer = await desk.send("buyer", f"{page}/evidence", status=422, file=(name, data))
    assert 'role="alert"' in answer.text
    async with transaction() as conn:
        kept = await conn.scalar(
            text("SELECT count(*) FROM case_evidence WHERE store_id = :s"), {"s": desk.store}
        )
    assert kept == 0
    assert "待商家处理" in await desk.see("buyer", page)


async def test_what_is_too_big_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_files, "MAX_BYTES", 10)
    with pytest.raises(MediaRefused, match="too_big"):
        await evidence_files.keep(b"x" * 11, "s/x")


def a_rule(**more: str) -> dict[str, str]:
    return {
        "kind": "refund_only", "reason": "*", "category": "*", "order_state": "shipped",
        "up_to": "100", "order_no": "", "outcome": "approve", "says_zh": "小额退款无需审核",
        "says_en": "Small refunds need no look", "do": "make",
    } | more  # fmt: skip


async def test_a_rule_is_previewed_made_read_by_the_buyer_and_ended(desk: Desk) -> None:
    base = f"/merchant/stores/{desk.store}/service-rules"
    page = await desk.opened("refund_only")
    await desk.send("buyer", f"{page}/act", act="withdraw")
    assert "全部由人工处理" in await desk.see("merchant", base)
    shown = await desk.send("merchant", base, status=200, **a_rule(do="preview"))
    assert "会处理 1 单" in shown.text
    bad = await desk.send("merchant", base, status=422, **a_rule(up_to="0"))
    assert "error-up_to" in bad.text
    unknown = await desk.send("merchant", base, status=422, **a_rule(order_no="X1"))
    assert "error-order_no" in unknown.text
    made = await desk.send("merchant", base, **a_rule())
    one = made.headers["location"]
    again = await desk.send("merchant", base, status=409, **a_rule())
    assert "条件相同的规则" in again.text
    page = await desk.opened("refund_only")
    for who, where in (
        ("buyer", page),
        ("merchant", f"{desk.service}/{page.rpartition('/')[2]}"),
        ("operator", f"/operator{page}"),
    ):
        seen = await desk.see(who, where)
        assert 'data-answer="approve"' in seen
        assert ("小额退款无需审核" in seen) or ("Small refunds need no look" in seen)
    assert "已退款" in await desk.see("buyer", page)
    assert page.rpartition("/")[2] in await desk.see("merchant", one)
    await desk.send("merchant", f"{one}/end")
    assert "规则已经终止" in (await desk.send("merchant", f"{one}/end", status=409)).text
    assert one in await desk.see("merchant", f"{base}?show=over")
    async with transaction() as conn:
        acts = await conn.execute(
            text("""
                SELECT action FROM audit_log WHERE owner_id = :s AND action LIKE 'aftersales.rule%'
                ORDER BY at, action DESC
            """),
            {"s": desk.store},
        )
        assert list(acts.scalars()) == ["aftersales.rule_made", "aftersales.rule_ended"]


async def test_a_refusal_by_a_rule_says_that_the_platform_can_be_asked(desk: Desk) -> None:
    base = f"/merchant/stores/{desk.store}/service-rules"
    await desk.send("merchant", base, **a_rule(outcome="refuse", says_zh="拆封不退"))
    page = await desk.opened("refund_only")
    seen = await desk.see("buyer", page)
    assert "拆封不退" in seen
    assert "可申请平台介入" in seen
    await desk.send("buyer", f"{page}/act", act="ask_platform", note="请裁决")
    assert page.removeprefix("/cases/") in await desk.see("operator", "/operator/cases")


async def test_the_desk_goes_from_case_to_case(desk: Desk) -> None:
    first = (await desk.opened("refund_only")).rpartition("/")[2]
    seen = await desk.see("merchant", f"{desk.service}/{first}")
    assert "data-key-j" not in seen
    assert "data-key-k" not in seen


async def test_a_score_is_seen_by_who_decides_and_by_the_buyer_on_request(desk: Desk) -> None:
    page = await desk.opened("refund_only")
    await keep_buyer_scores_at(clock.now() + timedelta(seconds=1))
    one = f"{desk.service}/{page.rpartition('/')[2]}"
    assert "data-score" in await desk.see("merchant", one)
    assert "data-score" in await desk.see("operator", f"/operator{page}")
    assert "data-score" not in await desk.see("buyer", page)
    assert "data-score" in await desk.see("buyer", "/cases/about-me")
    assert "data-score" not in await desk.see("merchant", "/cases/about-me")
    async with transaction() as conn:
        name, person = (
            await conn.execute(
                text("SELECT p.name, p.id FROM cases c JOIN people p ON p.id = c.buyer_id "
                     "WHERE c.id = :id"),
                {"id": page.rpartition("/")[2]},
            )
        ).one()  # fmt: skip
    assert str(person) in await desk.see("operator", f"/operator/buyers?q={name}")
    assert str(person) in await desk.see("operator", f"/operator/buyers.csv?q={name}")
    assert str(person) not in await desk.see("operator", f"/operator/buyers?q={name}&least=60")
    assert page.removeprefix("/cases/") in await desk.see("operator", f"/operator/buyers/{person}")


async def test_a_formula_is_refused_in_the_past_and_set_from_a_date_on(
    own_database: None, desk: Desk
) -> None:
    form = {"days": "90", "most": ["10", "20", "30", "20", "20"], "reason": "试行"}
    where = "/operator/buyers/formula"
    await desk.send("operator", where, status=422, starts="2020-01-01T00:00", **form)
    await desk.send("operator", where, status=400, **form | {"days": "0"})
    await desk.send("operator", where, starts="2199-01-01T00:00", **form)
    late = await desk.send("operator", where, status=409, starts="2198-01-01T00:00", **form)
    assert "error-starts" in late.text

"""Sources: whose host it is, two never claim one, states by date are added in order."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import AT
from tests.links.outside_shop import a_kept_source, a_source

from dougong.base.errors import BadInput, NotFound
from dougong.links.source_commands import SourceDraft, add_source, change_source, set_source_state
from dougong.links.source_queries import source_at, sources_at, states_of
from dougong.links.source_rules import (
    HostTaken,
    SourceSettings,
    SourceState,
    SourceTaken,
    StateInPast,
    StateTaken,
    clean_hosts,
    source_of,
)


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("item.taobao.com", "taobao"),
        ("a.b.taobao.com", "taobao"),
        ("detail.taobao.com", "tmall"),
        ("x.detail.taobao.com", "taobao"),
        ("taobao.com", None),
        ("nottaobao.com", None),
        ("taobao.com.evil.example", None),
        ("shop.detail.tmall.com", "tmall"),
    ],
)
def test_the_most_specific_pattern_wins(host: str, code: str | None) -> None:
    taobao = a_source("*.taobao.com")
    tmall = a_source("*.tmall.com", "detail.taobao.com")
    names = {id(taobao): "taobao", id(tmall): "tmall"}
    for order in ([taobao, tmall], [tmall, taobao]):
        found = source_of(host, order)
        assert (names[id(found)] if found else None) == code


def test_hosts_are_kept_as_a_browser_reads_them() -> None:
    said = [" Item.TAOBAO.com ", "*.店.example", "item.taobao.com", "", "3.CN"]
    assert clean_hosts(said, loopback=False) == ("item.taobao.com", "*.xn--hxt.example", "3.cn")


BAD_HOSTS = [
    *("*", "*.com", "com", "127.0.0.1", "[::1]", "localhost", "a.example:8080", "a b.example"),
    *("http://a.example", "a.example/x", "u@a.example", "a.*.example", "1.2.3", "a.example."),
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(BadInput):
        clean_hosts([host], loopback=False)


async def test_two_sources_never_claim_one_host(conn: AsyncConnection) -> None:
    first = await a_kept_source(conn, "*.green.example", "go.green.example")
    with pytest.raises(HostTaken) as refused:
        await a_kept_source(conn, "apart.green-test.example", "*.green.example")
    assert refused.value.facts == {"host": "*.green.example", "source": first}
    await a_kept_source(conn, "shop.green.example")  # closer than the first one's
    draft = SourceDraft(
        code=first, name_zh="甲", name_en="A", hosts=["shop.green.example"], adapter="page"
    )
    with pytest.raises(HostTaken):
        await change_source(conn, draft=draft, at=AT)


async def test_a_source_is_changed_and_its_code_stays_its_own(conn: AsyncConnection) -> None:
    code = await a_kept_source(conn, "a.example")
    draft = SourceDraft(
        code=code,
        name_zh="乙",
        name_en="B",
        hosts=["b.example"],
        adapter="feed",
        settings=SourceSettings(alliance_fee_bp=1_000, item_params=("id",)),
        more={"shop": "x"},
        asks_before_leaving=True,
    )
    await change_source(conn, draft=draft, at=AT)
    with pytest.raises(SourceTaken):
        await add_source(conn, draft=draft, at=AT)
    found = await source_at(conn, code=code, at=AT)
    assert found and (found.hosts, found.name_en) == (("b.example",), "B")
    assert (found.terms.alliance_fee_bp, found.settings["shop"]) == (1_000, "x")
    with pytest.raises(NotFound):
        unknown = SourceDraft(
            code="nobody", name_zh="x", name_en="x", hosts=["n.example"], adapter="page"
        )
        await change_source(conn, draft=unknown, at=AT)


async def _set(conn: AsyncConnection, code: str, state: str, *, days: int) -> None:
    await set_source_state(
        conn,
        source=code,
        state=SourceState(state),
        starts=AT + timedelta(days=days),
        reason_zh="原因",
        reason_en="Because",
        at=AT,
    )


async def test_states_follow_one_another_in_time(conn: AsyncConnection) -> None:
    code = await a_kept_source(conn, "a.example")
    await _set(conn, code, "paused", days=1)
    await _set(conn, code, "closed", days=3)

    async def state(days: int) -> str:
        found = await source_at(conn, code=code, at=AT + timedelta(days=days))
        assert found
        return found.state

    assert [await state(days) for days in range(5)] == [
        "open",
        "paused",
        "paused",
        "closed",
        "closed",
    ]
    with pytest.raises(StateTaken):
        await _set(conn, code, "open", days=2)
    with pytest.raises(StateInPast):
        await _set(conn, code, "open", days=-1)
    spans = await states_of(conn, source=code)
    assert [span.ends for span in spans] == [spans[1].starts, None]
    assert code in {one.code for one in await sources_at(conn, at=AT)}


@pytest.mark.parametrize(
    "change",
    [{"alliance_fee_bp": 10_001}, {"refund_bp": -1}, {"currency": "yuan"}, {"feed_url": "ftp://x"},
     {"item_params": tuple("abcdef")}, {"sub_id_parameter": "a b"}],
)  # fmt: skip
async def test_settings_are_checked(conn: AsyncConnection, change: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        await a_kept_source(conn, "a.example", settings=SourceSettings(**change))  # type: ignore[arg-type]

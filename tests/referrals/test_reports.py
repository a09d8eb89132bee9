"""Reports of orders at other platforms: read, kept once, moved forward only, bad rows said."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.referrals.world import (
    ALink,
    a_row,
    a_source,
    an_outside_link,
    csv_bytes,
    refund,
    settled,
    xlsx_bytes,
)

from dougong.flows.report_arrived import ReportResult, import_report
from dougong.infra.db import transaction
from dougong.referrals.rules import BadReport


async def a_scene() -> ALink:
    async with transaction() as conn:
        return await an_outside_link(conn, source=await a_source(conn))


async def told(
    link: ALink,
    *rows: Mapping[str, str],
    data: bytes | None = None,
    mapping: str = "taobao_alliance",
) -> ReportResult:
    return await import_report(
        source=link.source,
        mapping=mapping,
        file_name="订单.csv",
        data=csv_bytes(rows) if data is None else data,
    )


def counts(result: ReportResult) -> tuple[int, int, int, int, int]:
    return result.applied, result.repeated, result.stale, result.parked, result.refused


def bad(result: ReportResult) -> list[tuple[int, str, str, str]]:
    return [(one.line, one.outcome, one.field, one.reason) for one in result.bad]


async def order(link: ALink, row: Mapping[str, str]) -> Any:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM referral_orders WHERE source = :s AND order_ref = :r"),
            {"s": link.source, "r": row["trade_id"]},
        )
        return found.one_or_none()


async def all_rows(link: ALink) -> Sequence[Any]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM report_rows WHERE source = :s ORDER BY told_at, line"),
            {"s": link.source},
        )
        return found.all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
async def test_a_file_is_read_in_any_encoding(encoding: str, delimiter: str) -> None:
    link = await a_scene()
    row = a_row(link)
    data = csv_bytes([row], encoding=encoding, delimiter=delimiter)
    assert counts(await told(link, data=data)) == (1, 0, 0, 0, 0)
    made = await order(link, row)
    assert (made.title, made.state, made.paid_minor) == ("面霜", "paid", 19_900)
    assert (made.estimated_gross_minor, made.estimated_minor) == (3_980, 3_383)


async def test_a_workbook_is_read_as_it_shows() -> None:
    link = await a_scene()
    row = a_row(link, alipay_total_price="199.00000000000003", tk_paid_time="44063.416666666664")
    numbers = ("alipay_total_price", "pub_share_pre_fee", "tk_status", "tk_paid_time")
    result = await told(link, data=xlsx_bytes([row], numbers=numbers))
    assert counts(result) == (1, 0, 0, 0, 0)
    made = await order(link, row)
    assert made.paid_minor == 19_900
    assert made.paid_at.isoformat() == "2020-08-20T02:00:00+00:00"


async def test_an_order_number_that_lost_its_digits_is_refused() -> None:
    link = await a_scene()
    row = a_row(link, trade_id="1234567890123456789")
    result = await told(link, data=xlsx_bytes([row], numbers=("trade_id",)))
    assert bad(result) == [(2, "refused", "order_ref", "digits_lost")]


async def test_an_order_moves_forward_and_never_back() -> None:
    link = await a_scene()
    row = a_row(link)
    states = []
    for step in (row, {**row, "tk_status": "14"}, row | {"item_num": "2"}, settled(row)):
        await told(link, step)
        states.append((await order(link, row)).state)
    assert states == ["paid", "received", "received", "settled"]
    late = {**row, "tk_status": "14", "item_num": "3"}
    assert counts(await told(link, late)) == (0, 0, 1, 0, 0)
    made = await order(link, row)
    assert (made.state, made.settled_minor, made.alliance_fee_minor) == ("settled", 3_383, 398)


async def test_the_same_report_again_changes_nothing() -> None:
    link = await a_scene()
    rows = [settled(a_row(link)) for _ in range(3)]
    assert counts(await told(link, *rows)) == (3, 0, 0, 0, 0)
    before = await all_rows(link)
    assert counts(await told(link, *rows)) == (0, 3, 0, 0, 0)
    assert await all_rows(link) == before


async def test_another_settled_amount_is_parked_as_a_difference() -> None:
    link = await a_scene()
    row = settled(a_row(link))
    await told(link, row)
    other = {**row, "pub_share_fee": "30.00", "alimama_share_fee": "3.00"}
    other |= {"total_commission_rate": "", "item_num": "9"}
    result = await told(link, other)
    assert bad(result) == [(2, "parked", "settled_gross", "settled_amount_changed")]
    assert (await order(link, row)).settled_minor == 3_383


async def test_closed_orders_stay_closed_and_settled_ones_settled() -> None:
    link = await a_scene()
    gone, row = a_row(link), settled(a_row(link))
    await told(link, gone, row)
    result = await told(link, {**gone, "tk_status": "13"}, {**row, "tk_status": "13"})
    assert bad(result) == [(3, "parked", "status", "closed_after_settled")]
    assert (await order(link, gone)).state == "closed"
    result = await told(link, settled(gone))
    assert bad(result) == [(2, "parked", "status", "settled_after_closed")]


BAD_ROWS = {
    "unknown_status": ({"tk_status": "77"}, "parked", "status"),
    "bad_amount": ({"pub_share_pre_fee": "39.8.0"}, "refused", "estimated_gross"),
    "negative_amount": ({"alipay_total_price": "-1.00"}, "refused", "paid"),
    "amounts_disagree": ({"pub_share_pre_fee": "49.80"}, "parked", "estimated_gross"),
    "bad_time": ({"tk_paid_time": "yesterday"}, "refused", "paid_at"),
    "bad_number": ({"item_num": "some"}, "refused", "quantity"),
    "missing": ({"trade_id": ""}, "refused", "order_ref"),
}


@pytest.mark.parametrize("reason", BAD_ROWS)
async def test_a_bad_row_is_said_and_the_good_ones_are_taken(reason: str) -> None:
    change, outcome, field = BAD_ROWS[reason]
    link = await a_scene()
    result = await told(link, a_row(link), a_row(link, **change), a_row(link))
    assert bad(result) == [(3, outcome, field, reason)]
    assert counts(result)[0] == 2
    assert len(await all_rows(link)) == 3  # nothing is lost
    again = await told(link, a_row(link, **change))
    assert bad(again) == [(2, outcome, field, reason)]


async def test_settled_amounts_must_agree_with_their_rates() -> None:
    link = await a_scene()
    row = settled(a_row(link), alimama_share_fee="9.99")
    assert bad(await told(link, row)) == [(2, "parked", "alliance_fee", "amounts_disagree")]


async def test_a_row_that_stands_twice_is_taken_once() -> None:
    link = await a_scene()
    row = a_row(link)
    result = await told(link, row, row, {**row, "item_num": "5"})
    assert counts(result) == (1, 1, 0, 1, 0)
    assert bad(result) == [
        (3, "repeated", "order_ref", "repeated_row"),
        (4, "parked", "order_ref", "told_twice"),
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xff\xff\x00\x81", "encoding"),
        (b"trade_id,item_id\n1,2\n", "missing_column"),
        (b"PK\x03\x04 no workbook", "bad_workbook"),
        (b"one,two\n", "missing_column"),
    ],
)
async def test_a_file_that_is_no_report_is_refused_whole(data: bytes, why: str) -> None:
    link = await a_scene()
    result = await told(link, data=data)
    assert (result.failure, result.rows) == (why, 0)


async def test_an_empty_file_and_an_unknown_mapping_are_refused() -> None:
    link = await a_scene()
    with pytest.raises(BadReport):
        await told(link, data=b"  \n")
    with pytest.raises(Exception, match="unknown_mapping"):
        await told(link, a_row(link), mapping="../secret")


async def test_an_order_that_nobody_clicked_is_parked_until_somebody_did() -> None:
    link = await a_scene()
    row = settled(a_row(link, sub_id="notours"))
    result = await told(link, row)
    assert bad(result) == [(2, "parked", "sub_id", "nobody_clicked")]
    made = await order(link, row)
    assert (made.state, made.booked_at, made.parked) == ("settled", None, "nobody_clicked")
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE clicks SET sub_id = 'notours' || :link WHERE link_id = :id"),
            {"link": str(link.link_id), "id": link.link_id},
        )
    named = {**row, "sub_id": f"notours{link.link_id}"}
    assert counts(await told(link, named)) == (1, 0, 0, 0, 0)
    assert (await order(link, row)).booked_at is not None


async def test_a_refund_may_come_before_its_order() -> None:
    link = await a_scene()
    row = settled(a_row(link))
    result = await told(link, refund(row, "33.83"))
    assert bad(result) == [(2, "parked", "order_ref", "unknown_order")]
    await told(link, row)
    made = await order(link, row)
    assert (made.settled_minor, made.refunded_minor) == (3_383, 3_383)
    assert {one.outcome for one in await all_rows(link)} == {"applied"}


async def owned(order_id: UUID) -> dict[str, int]:
    """What each purpose holds of one order."""
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT purpose, sum(amount)::bigint AS held FROM (
                  SELECT d.purpose, t.amount_minor AS amount FROM ledger_entries e
                  JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
                  JOIN ledger_accounts d ON d.store_id = t.store_id AND d.id = t.dst
                  WHERE e.order_id = :o
                  UNION ALL
                  SELECT s.purpose, -t.amount_minor FROM ledger_entries e
                  JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
                  JOIN ledger_accounts s ON s.store_id = t.store_id AND s.id = t.src
                  WHERE e.order_id = :o) m GROUP BY 1 HAVING sum(amount) <> 0
            """),
            {"o": order_id},
        )
        return {row.purpose: row.held for row in rows}


async def test_many_refunds_end_at_exactly_nothing() -> None:
    link = await a_scene()
    row = settled(a_row(link))
    await told(link, row)
    made = await order(link, row)
    assert (await owned(made.id))["partner_receivable"] == -3_383
    for total in ("0.07", "11.11", "20.02", "33.83"):
        await told(link, refund(row, total, case="12"))
        await told(link, refund(row, total, case="13"))
    assert await owned(made.id) == {}
    older = await told(link, refund(row, "20.02", case="15"))
    assert counts(older) == (0, 0, 1, 0, 0)
    too_much = await told(link, refund(row, "33.84"))
    assert bad(too_much) == [(2, "parked", "refund_commission", "refund_above_settled")]

"""A source with a creator's links and clicks, and reports as its console would export them."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, an_org

from dougong.base.ids import OrgId, new_id
from dougong.flows.take_reported import Told, take_rows
from dougong.infra.clock import wall_now
from dougong.referrals.mapping_rules import places_of, read_row
from dougong.referrals.mappings import mapping_of

TAOBAO = mapping_of("taobao_alliance")
SHANGHAI = ZoneInfo("Asia/Shanghai")
CLICKED = datetime(2020, 8, 19, 20, 0, tzinfo=SHANGHAI)


class ALink(msgspec.Struct, frozen=True):
    """A creator's link to a product of a source, and one click on it."""

    source: str
    creator_id: OrgId
    link_id: UUID
    item_id: str
    sub_id: str
    video_id: UUID


async def a_source(conn: AsyncConnection, *, code: str = "", partner_id: UUID | None = None) -> str:
    code = code or f"s{uuid4().hex[:12]}"
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, partner_id, created_at)
            VALUES (:code, '淘宝', 'Taobao', '{item.example}', 'page', :partner, :at)
            ON CONFLICT DO NOTHING
        """),
        {"code": code, "partner": partner_id, "at": CLICKED},
    )
    return code


async def a_task(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    source: str,
    service_fee_bp: int,
    agreed_at: datetime,
    rule_id: UUID | None = None,
    brand_id: UUID | None = None,
) -> UUID:
    task_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO task_agreements (id, brand_id, creator_id, surface, source, category,
              price_minor, currency, service_fee_bp, service_fee_rule_id, agreed_at, ends_at)
            VALUES (:id, :brand, :creator, 'live', :source, 'beauty', 100000, 'CNY', :fee, :rule,
              :at, :ends)
        """),
        {
            "id": task_id,
            "brand": brand_id or await an_org(conn, kind="advertiser"),
            "creator": creator_id,
            "source": source,
            "fee": service_fee_bp,
            "rule": rule_id or uuid4(),
            "at": agreed_at,
            "ends": agreed_at + timedelta(days=60),
        },
    )
    return task_id


async def an_outside_link(
    conn: AsyncConnection,
    *,
    source: str,
    creator_id: OrgId | None = None,
    surface: str = "video",
    task_id: UUID | None = None,
    clicked_at: datetime = CLICKED,
    person_id: UUID | None = None,
    validity: str = "valid",
) -> ALink:
    creator_id = creator_id or await an_org(conn, kind="creator")
    item_id, outside, video, link = uuid4().hex[:12], new_id(), new_id(), new_id()
    row = {"source": source, "creator": creator_id, "at": clicked_at - timedelta(days=1)}
    row |= {"outside": outside, "video": video, "link": link, "item": item_id, "task": task_id}
    await conn.execute(
        text("""
            INSERT INTO outside_products (id, source, item_id, url, seen_at, checked_at,
              check_after) VALUES (:outside, :source, :item, 'https://item.example/', :at, :at, :at)
        """),
        row,
    )
    await conn.execute(
        text("""
            INSERT INTO videos (id, creator_id, state, media, created_at, published_at)
            VALUES (:video, :creator, 'published', 'videos/x', :at, :at)
        """),
        row,
    )
    await conn.execute(
        text("""
            INSERT INTO product_links (id, video_id, creator_id, outside_product_id, source,
              surface, route, category, task_id, position, published_at)
            VALUES (:link, :video, :creator, :outside, :source,
              :surface, :route, 'beauty', :task, 0, :at)
        """),
        row | {"surface": surface, "route": "task" if task_id else "direct"},
    )
    sub_id = await a_click(
        conn, link_id=link, source=source, at=clicked_at, person_id=person_id, validity=validity
    )
    return ALink(source, creator_id, link, item_id, sub_id, video)


async def a_click(
    conn: AsyncConnection,
    *,
    link_id: UUID,
    source: str,
    at: datetime,
    person_id: UUID | None = None,
    validity: str = "valid",
) -> str:
    sub_id = uuid4().hex[:16]
    await conn.execute(
        text("""
            INSERT INTO clicks (id, link_id, person_id, at, validity, visitor, source, sub_id)
            VALUES (:id, :link, :person, :at, :validity, 'v', :source, :sub)
        """),
        {
            "id": new_id(),
            "link": link_id,
            "person": person_id,
            "at": at,
            "validity": validity,
            "source": source,
            "sub": sub_id,
        },
    )
    return sub_id


async def an_operator(conn: AsyncConnection) -> UUID:
    return await a_person(conn, name="陈值班")


# reports ------------------------------------------------------------------------------------------


def a_row(link: ALink | None = None, **changes: Any) -> dict[str, str]:
    """A row of Taobao Alliance's order details: 199.00 paid, 20 % commission of 39.80; when settled
    the alliance keeps 10 % of it and 1 % of the settled amount."""
    row = {
        "trade_id": uuid4().hex[:18],
        "trade_parent_id": "P1",
        "tk_status": "12",
        "item_id": link.item_id if link else "1",
        "item_title": "面霜",
        "item_num": "1",
        "alipay_total_price": "199.00",
        "total_commission_rate": "20.00",
        "pub_share_pre_fee": "39.80",
        "alimama_rate": "10.00",
        "tk_commission_rate_for_media_platform": "1.00",
        "tk_paid_time": "2020-08-20 10:00:00",
        "sub_id": link.sub_id if link else "",
    }
    return row | {key: str(value) for key, value in changes.items()}


def settled(row: Mapping[str, str], **changes: Any) -> dict[str, str]:
    """The same order, settled in full: 39.80 less 3.98 and 1.99 reaches us, 33.83."""
    more = {
        "tk_status": "3",
        "pay_price": row["alipay_total_price"],
        "pub_share_fee": row["pub_share_pre_fee"],
        "alimama_share_fee": "3.98",
        "tk_commission_fee_for_media_platform": "1.99",
        "tk_earning_time": "2020-09-05 03:00:00",
    }
    return {**row, **more, **{key: str(value) for key, value in changes.items()}}


def refund(row: Mapping[str, str], commission: str, *, case: str = "13") -> dict[str, str]:
    """A row of the refund export: all that the publisher has given back so far."""
    return {
        "tb_trade_id": row["trade_id"],
        "refund_status": case,
        "refund_fee": "10.00",
        "tk_commission_fee_refund_pub": commission,
        "tk_refund_suit_time": "2020-09-20 12:00:00",
    }


def csv_bytes(
    rows: Sequence[Mapping[str, str]], *, encoding: str = "utf-8", delimiter: str = ","
) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(rows: Sequence[Mapping[str, str]], *, numbers: Sequence[str] = ()) -> bytes:
    """A workbook as an export writes it: shared strings, and numbers where `numbers` says."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    strings: list[str] = []

    def cell(column: int, line: int, value: str, *, number: bool) -> str:
        place = f"{chr(65 + column)}{line}"
        if number:
            return f'<c r="{place}"><v>{value}</v></c>'
        if value not in strings:
            strings.append(value)
        return f'<c r="{place}" t="s"><v>{strings.index(value)}</v></c>'

    table = [dict(zip(names, names, strict=True)), *rows]
    body = "".join(
        f'<row r="{line}">'
        + "".join(
            cell(n, line, row.get(name, ""), number=line > 1 and name in numbers)
            for n, name in enumerate(names)
            if row.get(name)
        )
        + "</row>"
        for line, row in enumerate(table, start=1)
    )
    ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    shared = "".join(f"<si><t>{escape(one)}</t></si>" for one in strings)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {ns}><sheetData>{body}</sheetData></worksheet>"
        )
        book.writestr("xl/sharedStrings.xml", f"<sst {ns}>{shared}</sst>")
    return out.getvalue()


async def take(conn: AsyncConnection, link: ALink, rows: list[dict[str, str]]) -> None:
    """As a report's piece does, in the test's own transaction."""
    told = []
    for row in rows:
        places = places_of(TAOBAO, list(row))
        cells = {field: list(row.values())[place] for field, place in places.items()}
        told.append(Told(raw=cells, says=read_row(TAOBAO, cells)))
    await take_rows(
        conn,
        source=link.source,
        mapping=TAOBAO.name,
        report_id=None,
        rows=told,
        at=wall_now(),
    )

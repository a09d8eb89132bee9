"""A feed goes in once, twice, broken, half; its rows are counted and its stock respects orders."""

import asyncio
import base64
import io
import json
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import text
from tests.catalog.factories import AT, a_store
from tests.infra.test_http import a_server, said

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId, new_id
from dougong.catalog.feed_export import write_feed
from dougong.catalog.import_runs import run_of
from dougong.catalog.queries import store_of
from dougong.cli.import_command import command
from dougong.flows.feed_images import fetch_feed_images
from dougong.flows.import_feed import FeedReport, import_feed, run_import, start_import
from dougong.infra.db import transaction
from dougong.infra.feed_xml import FeedRefused
from dougong.reads.merchant_feed import feed_items, product_ids_by_code
from dougong.web.merchant.products import feed_file

HEAD = "id,item_group_id,title,price,sale_price,product_type,size,quantity,gtin,brand\n"
GOOD = (
    HEAD + "T-50,T,龙井,39.00 CNY,,food/tea,50g,7,2000000000015,山里\n"
    "T-100,T,龙井,69.00 CNY,59.00 CNY,food/tea,100g,3,,山里\n"
    "S,,衬衫,100.00 CNY,,Shirts,,5,,\n"
)


async def store() -> StoreId:
    async with transaction() as conn:
        return await a_store(conn)


def counts(report: FeedReport) -> tuple[int, int, int, int, int]:
    return (report.rows, report.created, report.updated, report.unchanged, report.bad_rows)


async def load(store_id: StoreId, feed: str, **how: object) -> FeedReport:
    return await import_feed(feed.encode(), store_id=store_id, at=AT, **how)


async def skus(store_id: StoreId) -> list[tuple[object, ...]]:
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT p.code, k.code, k.price_minor, k.list_price_minor, s.on_hand
                FROM skus k JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
                LEFT JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
                WHERE k.store_id = :id ORDER BY k.code
            """),
            {"id": store_id},
        )
        return [tuple(row) for row in found]


async def test_rows_of_a_group_become_one_product() -> None:
    store_id = await store()
    assert counts(await load(store_id, GOOD)) == (3, 3, 0, 0, 0)
    assert await skus(store_id) == [
        ("S", "S", 10000, None, 5),
        ("T", "T-100", 5900, 6900, 3),
        ("T", "T-50", 3900, None, 7),
    ]


async def test_the_same_feed_again_changes_nothing() -> None:
    store_id = await store()
    await load(store_id, GOOD)
    before = await skus(store_id)
    assert counts(await load(store_id, GOOD)) == (3, 0, 0, 3, 0)
    assert await skus(store_id) == before


async def test_only_what_differs_is_updated() -> None:
    store_id = await store()
    await load(store_id, GOOD)
    changed = GOOD.replace("39.00", "41.00").replace(",5,,", ",6,,")
    assert counts(await load(store_id, changed)) == (3, 0, 2, 1, 0)


async def test_good_rows_load_beside_bad_ones() -> None:
    store_id = await store()
    report = await load(store_id, GOOD + "X,,bad,free,,,,1,,\n")
    assert counts(report) == (4, 3, 0, 0, 1)
    assert [(p.line, p.field, p.reason, p.value) for p in report.bad] == [
        (5, "price", "bad_price", "free")
    ]


async def test_all_or_nothing_leaves_everything_as_it_was() -> None:
    store_id = await store()
    report = await load(store_id, GOOD + "X,,bad,free,,,,1,,\n", all_or_nothing=True)
    assert (report.refused, counts(report)) == ("bad_rows", (4, 0, 0, 0, 1))
    assert await skus(store_id) == []
    assert counts(await load(store_id, GOOD, all_or_nothing=True)) == (3, 3, 0, 0, 0)


@pytest.mark.parametrize("all_or_nothing", [False, True])
async def test_stock_never_goes_below_what_orders_hold(all_or_nothing: bool) -> None:
    store_id = await store()
    await load(store_id, GOOD)
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE stock SET reserved = 2 WHERE store_id = :id"), {"id": store_id}
        )
    report = await load(
        store_id,
        GOOD.replace("50g,7", "50g,1").replace("100.00", "90.00"),
        all_or_nothing=all_or_nothing,
    )
    assert [(p.line, p.field, p.reason) for p in report.bad] == [(2, "quantity", "below_reserved")]
    prices = [row[2] for row in await skus(store_id)]
    assert prices == ([10000, 5900, 3900] if all_or_nothing else [9000, 5900, 3900])


async def test_in_stock_without_a_quantity_is_assumed_once() -> None:
    store_id = await store()
    feed = "id,title,price,availability\nA,Tea,1.00,in stock\n"
    await load(store_id, feed, assumed_quantity=9)
    assert (await skus(store_id))[0][4] == 9
    report = await load(store_id, feed, assumed_quantity=50)
    assert (counts(report), (await skus(store_id))[0][4]) == ((1, 0, 0, 1, 0), 9)


async def test_fields_that_the_feed_lacks_stay() -> None:
    store_id = await store()
    await load(store_id, GOOD)
    short = "id,item_group_id,title,price\nT-50,T,龙井,39.00\n"
    assert counts(await load(store_id, short)) == (1, 0, 0, 1, 0)


async def test_another_stores_rows_are_its_own() -> None:
    mine, theirs = await store(), await store()
    await load(theirs, GOOD)
    before = await skus(theirs)
    await load(mine, GOOD.replace("39.00", "1.00"))
    assert await skus(theirs) == before


async def test_an_unknown_store_or_a_broken_file_changes_nothing() -> None:
    with pytest.raises(NotFound):
        await load(StoreId(new_id()), GOOD)
    with pytest.raises(FeedRefused):
        await load(await store(), "a,b\n1,2\n")


async def export(store_id: StoreId, how: str) -> bytes:
    async with transaction() as conn:
        items = await feed_items(conn, store_id=store_id)
    made = write_feed(items, how=how, currency="CNY", link_of=lambda i: "x", title="t")
    return b"".join(made)


@pytest.mark.parametrize("how", ["tsv", "csv", "xml"])
async def test_an_exported_row_links_to_its_product(how: str) -> None:
    store_id = await store()
    await load(store_id, GOOD)
    async with transaction() as conn:
        products = await product_ids_by_code(conn, store_id=store_id)
        made, _ = await feed_file(conn, store_id, how)
    for product_id in products.values():
        assert f"/p/{store_id}/{product_id}".encode() in made


@pytest.mark.parametrize("how", ["tsv", "csv", "xml"])
async def test_an_export_comes_back_unchanged_and_fills_another_store(how: str) -> None:
    first, second = await store(), await store()
    await load(first, GOOD)
    made = await export(first, how)
    assert counts(await import_feed(made, store_id=first, at=AT)) == (3, 0, 0, 3, 0)
    assert counts(await import_feed(made, store_id=second, at=AT)) == (3, 3, 0, 0, 0)
    assert await export(second, how) == made


def a_png(color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(out, "PNG")
    return out.getvalue()


async def test_pictures_come_from_beside_the_feed_or_inside_it(tmp_path: Path) -> None:
    store_id = await store()
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "a.png").write_bytes(a_png())
    (tmp_path / "outside.png").write_bytes(a_png())
    inside = "data:image/png;base64," + base64.b64encode(a_png()).decode()
    feed = "id,title,price,image_link\n" + "".join(
        f'{n},Tea,1.00,"{link}"\n'
        for n, link in enumerate(["a.png", inside, "../outside.png", "/etc/hostname", "b.png"])
    )
    report = await load(store_id, feed, beside=tmp_path / "feed")
    assert report.pictures == 2
    assert [(n.line, n.reason) for n in report.notes] == [
        (4, "image_not_found"),
        (5, "image_not_found"),
        (6, "image_not_found"),
    ]
    made = await export(store_id, "csv")
    assert b"/media/images/" in made
    assert counts(await import_feed(made, store_id=store_id, at=AT)) == (5, 0, 0, 5, 0)


async def test_outside_pictures_wait_for_a_job() -> None:
    store_id = await store()
    await load(store_id, "id,title,price,image_link\nA,Tea,1.00,https://example.org/a.png\n")
    async with transaction() as conn:
        waiting = await conn.scalar(
            text("""
                SELECT count(*) FROM procrastinate_jobs
                WHERE task_name = 'flows.fetch_feed_images' AND args->>'store_id' = :id
            """),
            {"id": str(store_id)},
        )
    assert waiting == 1


async def pictures(store_id: StoreId) -> list[str]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT file FROM product_images WHERE store_id = :id ORDER BY position"),
            {"id": store_id},
        )
        return [row.file for row in found]


async def test_a_new_outside_picture_takes_the_old_one_s_place() -> None:
    store_id = await store()

    def answer(head: str) -> bytes:
        if "/gone" in head.split("\r\n", maxsplit=1)[0]:
            return said("404 Not Found")
        return said("200 OK", a_png("red" if "/red" in head else "blue"))

    async with a_server(answer) as (port, _):

        async def name(*paths: str) -> list[str]:
            links = ",".join(f"http://127.0.0.1:{port}/{path}" for path in paths[1:])
            await load(
                store_id,
                "id,title,price,image_link,additional_image_link\n"
                f'A,Tea,1.00,http://127.0.0.1:{port}/{paths[0]},"{links}"\n',
            )
            async with transaction() as conn:
                products = await product_ids_by_code(conn, store_id=store_id)
            await fetch_feed_images(str(store_id), [str(products["A"])])
            return await pictures(store_id)

        red = await name("red")
        blue = await name("blue")
        assert len(red) == len(blue) == 1
        assert red != blue
        assert await name("red", "gone") == red + blue
        assert await name("gone", "blue") == blue + red


async def test_a_killed_import_goes_on_where_it_was(tmp_path: Path) -> None:
    store_id = await store()
    async with transaction() as conn:
        code = (await store_of(conn, store_id=store_id)).code
    feed = tmp_path / "feed.csv"
    feed.write_text(
        HEAD
        + "".join(f"K{n},K{n // 3},Tea {n},1.00 CNY,,food/tea,s{n},3,,b\n" for n in range(9_000))
    )
    command_line = [sys.executable, "-m", "dougong", "import", "feed", str(feed), "--store", code]
    running = await asyncio.create_subprocess_exec(
        *command_line, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(60):
        while not await skus(store_id):
            assert running.returncode is None
    running.kill()
    await running.wait()
    there = len(await skus(store_id))
    assert 0 < there < 9_000
    report = await import_feed(feed.read_bytes(), store_id=store_id, at=AT)
    assert counts(report) == (9_000, 9_000 - there, 0, there, 0)
    assert len(await skus(store_id)) == 9_000


async def test_a_run_tells_how_it_went() -> None:
    store_id = await store()
    async with transaction() as conn:
        run_id = await start_import(
            conn,
            store_id=store_id,
            file_name="茶.csv",
            data=(GOOD + "X,,bad,free,,,,1,,\n").encode(),
            started_by=None,
            at=AT,
            all_or_nothing=False,
            assumed_quantity=0,
        )
        assert (await run_of(conn, store_id=store_id, run_id=run_id)).state == "waiting"
    await run_import(str(store_id), str(run_id), False, 0)
    async with transaction() as conn:
        run = await run_of(conn, store_id=store_id, run_id=run_id)
    assert (run.state, run.rows_total, run.rows_done, run.rows_bad) == ("done", 4, 4, 1)
    assert run.report["bad"][0]["reason"] == "bad_price"


async def test_a_run_of_a_file_that_is_no_feed_fails_with_its_reason() -> None:
    store_id = await store()
    async with transaction() as conn:
        run_id = await start_import(
            conn,
            store_id=store_id,
            file_name="x",
            data=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
            started_by=None,
            at=AT,
            all_or_nothing=False,
            assumed_quantity=0,
        )
    await run_import(str(store_id), str(run_id), False, 0)
    async with transaction() as conn:
        run = await run_of(conn, store_id=store_id, run_id=run_id)
    assert (run.state, run.report["refused"]) == ("failed", "unsafe_xml")


async def test_five_thousand_rows_load_in_seconds() -> None:
    store_id = await store()
    feed = HEAD + "".join(
        f"R{n},G{n // 4},Tea {n},12.30 CNY,,food/tea,s{n},3,,brand\n" for n in range(5_000)
    )
    started = time.perf_counter()
    assert counts(await load(store_id, feed)) == (5_000, 5_000, 0, 0, 0)
    assert time.perf_counter() - started < 20  # 1 s on an idle machine


def test_the_command_reports_as_json(tmp_path: Path) -> None:
    import asyncio

    async def make() -> str:
        from dougong.infra.db import dispose

        async with transaction() as conn:
            store_id = await a_store(conn)
            found = await conn.scalar(
                text("SELECT code FROM stores WHERE id = :id"), {"id": store_id}
            )
        await dispose()
        return str(found)

    code = asyncio.run(make())
    file = tmp_path / "feed.csv"
    file.write_text(GOOD + "X,,bad,free,,,,1,,\n")
    for created, unchanged in ((3, 0), (0, 3)):
        done = CliRunner().invoke(command, ["feed", str(file), "--store", code, "--json"])
        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        assert (report["rows"], report["created"], report["unchanged"]) == (4, created, unchanged)
        assert report["bad"] == [
            {"line": 5, "field": "price", "reason": "bad_price", "value": "free"}
        ]
    missing = CliRunner().invoke(command, ["feed", str(file), "--store", "no-such", "--json"])
    assert (missing.exit_code, json.loads(missing.stderr)["code"]) == (1, "not_found")

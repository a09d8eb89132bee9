"""How long each screen of the consoles takes with a million orders, beside an empty page."""

import http.client
import statistics
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from bench.million import Platform, a_year
from bench.server import data_dir, server
from dougong.base.time import local_day
from dougong.infra.clock import wall_now
from dougong.infra.settings import settings

TARGET_MS = 100.0
ROUNDS = 5
WARMING = 12  # so many that a prepared statement has its lasting plan
EMPTY = "/operator/unallocated"  # signed in, the whole frame of a page, and no row on it


def fulfilment(store: str) -> dict[str, str]:
    """The boards of packages, of which a hundred thousand are open, and the service desk."""
    return {
        "merchant orders by promise": f"{store}/fulfilment",
        "merchant packages stuck": f"{store}/fulfilment?tab=stuck",
        "merchant packages on the way": f"{store}/fulfilment?tab=on_the_way",
        "merchant package by number": f"{store}/fulfilment?q=SF000000050000",
        "merchant waves": f"{store}/fulfilment/waves",
        "merchant packed parcels": f"{store}/fulfilment/packed",
        "merchant service desk": f"{store}/service",
        "merchant cases closed": f"{store}/service?show=all",
        "merchant case by number": f"{store}/service?q=C000000015",
    }


def screens(made: Platform) -> dict[str, str]:
    """Name to address: what the roles open first, and the filters that have to look far."""
    from zoneinfo import ZoneInfo

    store, creator = f"/merchant/stores/{made.store_id}", f"/creator/{made.creator_id}"
    today = local_day(wall_now(), ZoneInfo(settings().timezone))
    month, past = today - timedelta(days=30), today - timedelta(days=300)
    old, old_end = f"since={past}", f"until={past + timedelta(days=6)}"
    number, words = f"D{made.orders // 2:012d}", quote("王小明77")
    return {
        "merchant stores": "/merchant/stores",
        "merchant today": f"{store}/today",
        "merchant orders to ship": f"{store}/orders",
        "merchant orders": f"{store}/orders?tab=all",
        "merchant orders done": f"{store}/orders?tab=done",
        "merchant orders closed": f"{store}/orders?tab=closed",
        "merchant orders of a week": f"{store}/orders?tab=all&{old}&{old_end}",
        "merchant orders by name": f"{store}/orders?tab=all&q={words}",
        "merchant orders by number": f"{store}/orders?tab=all&q={number}",
        "merchant orders by no word": f"{store}/orders?tab=all&q=nothing-like-it",
        "merchant refunds": f"{store}/refunds",
        "merchant refunds by word": f"{store}/refunds?q=nothing-like-it",
        "merchant money": f"{store}/money",
        "merchant money settled": f"{store}/money?track=settled",
        "merchant money estimated": f"{store}/money?track=estimated",
        "merchant money of a week": f"{store}/money?{old}&{old_end}",
        "merchant money by number": f"{store}/money?q={number}",
        **fulfilment(store),
        "merchant stock": f"{store}/stock",
        "merchant products": f"{store}/products",
        "operator overview": "/operator/overview",
        "operator overview of a week": f"/operator/overview?{old}&{old_end}",
        "operator orders": "/operator/orders",
        "operator orders by state": "/operator/orders?status=refunded",
        "operator orders of a buyer": f"/operator/orders?q={quote('Buyer 77')}",
        "operator orders by number": f"/operator/orders?q={number}",
        "operator orders by no word": "/operator/orders?q=nothing-like-it",
        "operator orders since a month": f"/operator/orders?until={month}",
        "operator ledger": "/operator/ledger",
        "operator audit": "/operator/audit",
        "operator people": "/operator/people",
        "operator jobs": "/operator/jobs",
        "creator earnings": f"{creator}/earnings",
        "creator videos": f"{creator}/videos",
        "creator links": f"{creator}/links",
        "creator live board": f"{creator}/live/{made.room_id}/board",
        "creator live figures": f"{creator}/live/{made.room_id}/board/figures",
        "operator live wall": "/operator/live",
    }


class Browser:
    """One signed-in connection."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._headers = {"Cookie": f"dougong_session={token}", "Accept": "text/html"}

    def ms(self, path: str) -> float:
        """How long the whole answer took. Raises RuntimeError for any other status than 200."""
        started = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        took = (time.perf_counter() - started) * 1_000
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return took

    def median_ms(self, path: str) -> float:
        """Of five, once it is warm."""
        for _ in range(WARMING):
            self.ms(path)
        return statistics.median(self.ms(path) for _ in range(ROUNDS))


def measured(address: str, made: Platform) -> tuple[dict[str, float], float]:
    """Median milliseconds of every screen, and of the empty page before and after them."""
    browser = Browser(address, made.token)
    floors = [browser.median_ms(EMPTY)]
    found = {name: browser.median_ms(path) for name, path in screens(made).items()}
    floors.append(browser.median_ms(EMPTY))
    return found, statistics.median(floors)


def console_times(orders: int = 1_000_000) -> tuple[dict[str, float], float, dict[str, Any]]:
    """(milliseconds by screen, those of an empty page, facts)."""
    with data_dir() as home:
        started = time.perf_counter()
        made = a_year(orders=orders)
        prepared = time.perf_counter() - started
        with server(home, workers=1) as address:
            found, floor = measured(address, made)
    return found, floor, {"orders": made.orders, "prepared_s": round(prepared, 1)}

"""The tables of live rooms among those whose every constraint is tried: what was shown, sold."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

from tests import constraint_settlement as other
from tests.constraint_shapes import AT, NOBODY, Ids, Row, Wrong, fresh, once, row_with

LATER = AT + timedelta(hours=1)
ROOM, LINK, OTHER_LINK, OFFER, DROP, DRAW = (uuid4() for _ in range(6))
VIEWER, SECOND = uuid4(), uuid4()
SOURCE = fresh("s")


def _room(ids: Ids) -> Row:
    return {"id": uuid4(), "creator_id": ids.org, "title_zh": "直播", "state": "ended",
            "announced_for": AT, "started_at": AT, "ended_at": LATER, "end_reason": "creator",
            "keep_until": LATER, "made_at": AT}  # fmt: skip


def _explanation(ids: Ids) -> Row:
    return {"id": uuid4(), "room_id": ROOM, "link_id": LINK, "source": "own",
            "store_id": ids.store, "product_id": ids.product, "route": "direct",
            "price_minor": 500, "currency": "CNY", "stock": 3, "viewers": 1, "started_at": AT,
            "ended_at": LATER, "end_reason": "next"}  # fmt: skip


def _shelf_fact(ids: Ids) -> Row:
    return {"id": uuid4(), "room_id": ROOM, "link_id": OTHER_LINK, "allowed": True,
            "price_minor": 500, "currency": "CNY", "stock": 3, "started_at": AT}  # fmt: skip


def _offer(ids: Ids) -> Row:
    return {"store_id": ids.store, "id": uuid4(), "room_id": ROOM, "link_id": LINK,
            "product_id": ids.product, "sku_id": ids.sku, "price_minor": 400, "currency": "CNY",
            "quota": 10, "sold": 0, "per_buyer": 1, "starts_at": AT, "ends_at": LATER}  # fmt: skip


def _drop(ids: Ids) -> Row:
    return {"id": uuid4(), "room_id": ROOM, "store_id": ids.store, "coupon_id": ids.coupon,
            "quota": 5, "taken": 0, "dropped_at": AT, "ends_at": LATER}  # fmt: skip


def _draw(ids: Ids) -> Row:
    return {"id": uuid4(), "room_id": ROOM, "prize_zh": "杯子", "winners": 1,
            "seed_hash": sha256(b"seed").digest(), "seed": b"seed", "entropy": b"e",
            "opens_at": AT, "closes_at": LATER, "drawn_at": LATER, "entrants": 1}  # fmt: skip


LIVE: Mapping[str, Callable[[Ids], Row]] = {
    "live_rooms": _room,
    "live_explanations": _explanation,
    "live_shelf_facts": _shelf_fact,
    "live_offers": _offer,
    "live_offer_uses": lambda ids: {"store_id": ids.store, "offer_id": OFFER,
                                    "order_id": uuid4(), "buyer_id": uuid4(), "quantity": 1},
    "live_coupon_drops": _drop,
    "live_coupon_claims": lambda ids: {"drop_id": DROP, "person_id": VIEWER, "at": AT},
    "live_draws": _draw,
    "live_draw_entries": lambda ids: {"draw_id": DRAW, "person_id": VIEWER, "at": AT},
    "live_seals": lambda ids: {"room_id": ROOM, "number": 2, "sealed_at": AT, "upto": AT,
                               "facts": 1, "contents": b"x" * 32, "hash": b"x" * 32},
}  # fmt: skip
FRESH = {**other.FRESH, **LIVE}
FACTS = other.FACTS
EVIDENCE = ["live_explanations", "live_shelf_facts"]
FOR_ITS_TIME = [*EVIDENCE, "live_draws"]


def _person(person_id: object) -> tuple[str, Row]:
    return "people", {"id": person_id, "email": f"{fresh()}@example.org", "name": "n",
                      "password_hash": "", "locale": "zh", "created_at": AT}  # fmt: skip


def _link(ids: Ids, link_id: object) -> tuple[str, Row]:
    return "product_links", {"id": link_id, "creator_id": ids.org, "store_id": ids.store,
                             "product_id": ids.product, "surface": "live", "position": 0,
                             "published_at": AT, "removed_at": LATER}  # fmt: skip


def world(ids: Ids) -> list[tuple[str, Row]]:
    """Also a room on air that shows a product, with an offer, a coupon drop and a draw."""
    before = [_person(VIEWER), _person(SECOND), _link(ids, LINK), _link(ids, OTHER_LINK)]
    fixed: dict[str, Row] = {
        "live_rooms": {"id": ROOM, "state": "live", "ended_at": None, "end_reason": None},
        "live_explanations": {"ended_at": None, "end_reason": None},
        "live_shelf_facts": {"link_id": LINK},
        "live_offers": {"id": OFFER},
        "live_coupon_drops": {"id": DROP},
        "live_draws": {"id": DRAW},
        "live_coupon_claims": {"person_id": SECOND},
        "live_draw_entries": {"person_id": SECOND},
        "live_seals": {"number": 1},
    }
    rows = [(table, row(ids) | fixed.get(table, {})) for table, row in LIVE.items()]
    return [*other.world(ids), *before, *rows]


_OPEN = {"ended_at": None, "end_reason": None}

WRONG: Mapping[str, Mapping[str, Wrong]] = {
    **other.WRONG,
    "live_rooms": {
        "live_rooms_cancelled": row_with(end_reason="cancelled"),
        "live_rooms_chat_check": row_with(chat="loud"),
        "live_rooms_creator_id_fkey": row_with(creator_id=NOBODY),
        "live_rooms_end_reason_check": row_with(end_reason="bored"),
        "live_rooms_ended": row_with(end_reason=None),
        "live_rooms_forgotten": row_with(forgotten_at=AT),
        "live_rooms_kept": row_with(keep_until=AT),
        "live_rooms_one_on_air": row_with(state="live", **_OPEN),
        "live_rooms_paused": Wrong({"state": "paused", **_OPEN}, (), ("live_rooms_one_on_air",)),
        "live_rooms_pkey": once("id"),
        "live_rooms_replay_video_id_fkey": row_with(replay_video_id=NOBODY),
        "live_rooms_slow_mode_s_check": row_with(slow_mode_s=301),
        "live_rooms_started": row_with(state="scheduled", **_OPEN),
        "live_rooms_state_check": row_with(state="lost", **_OPEN),
        "live_rooms_title": row_with(title_zh=""),
        "live_rooms_title_en_check": row_with(title_en="x" * 121),
        "live_rooms_title_zh_check": row_with(title_zh="x" * 121),
    },
    "live_explanations": {
        "live_explanations_end_reason_check": row_with(end_reason="bored"),
        "live_explanations_ended": row_with(end_reason=None),
        "live_explanations_link_id_fkey": row_with(link_id=NOBODY),
        "live_explanations_one": row_with(**_OPEN),
        "live_explanations_outside_product_id_fkey": row_with(
            store_id=None, product_id=None, outside_product_id=NOBODY
        ),
        "live_explanations_own_or_outside": row_with(store_id=None, product_id=None),
        "live_explanations_pkey": once("id"),
        "live_explanations_price": row_with(currency=None),
        "live_explanations_price_minor_check": row_with(price_minor=-1),
        "live_explanations_product": row_with(product_id=NOBODY),
        "live_explanations_room_id_fkey": row_with(room_id=NOBODY),
        "live_explanations_route_check": row_with(route="bought"),
        "live_explanations_source": row_with(source=""),
        "live_explanations_stock_check": row_with(stock=-1),
        "live_explanations_store_id_fkey": Wrong(
            {"store_id": NOBODY}, (), ("live_explanations_product",)
        ),
        "live_explanations_store_product": row_with(product_id=None),
        "live_explanations_task": row_with(task_id=NOBODY),
        "live_explanations_viewers_check": row_with(viewers=-1),
    },
    "live_shelf_facts": {
        "live_shelf_facts_ended": row_with(ended_at=AT - timedelta(1)),
        "live_shelf_facts_link_id_fkey": row_with(link_id=NOBODY),
        "live_shelf_facts_one": once("link_id"),
        "live_shelf_facts_pkey": once("id"),
        "live_shelf_facts_price": row_with(currency=None),
        "live_shelf_facts_price_minor_check": row_with(price_minor=-1),
        "live_shelf_facts_room_id_fkey": row_with(room_id=NOBODY),
        "live_shelf_facts_stock_check": row_with(stock=-1),
    },
    "live_offers": {
        "live_offers_link_id_fkey": row_with(link_id=NOBODY),
        "live_offers_per_buyer_check": row_with(per_buyer=0),
        "live_offers_pkey": once("id"),
        "live_offers_price_minor_check": row_with(price_minor=0),
        "live_offers_product": row_with(product_id=NOBODY),
        "live_offers_quota_check": row_with(quota=0),
        "live_offers_room_id_fkey": row_with(room_id=NOBODY),
        "live_offers_sku": row_with(sku_id=NOBODY),
        "live_offers_window": row_with(ends_at=AT),
        "live_offers_within_quota": row_with(sold=11),
    },
    "live_offer_uses": {
        "live_offer_uses_offer": row_with(offer_id=NOBODY),
        "live_offer_uses_pkey": once("order_id"),
        "live_offer_uses_quantity_check": row_with(quantity=0),
    },
    "live_coupon_drops": {
        "live_coupon_drops_coupon": row_with(coupon_id=NOBODY),
        "live_coupon_drops_pkey": once("id"),
        "live_coupon_drops_quota_check": row_with(quota=0),
        "live_coupon_drops_room_id_fkey": row_with(room_id=NOBODY),
        "live_coupon_drops_window": row_with(ends_at=AT),
        "live_coupon_drops_within_quota": row_with(taken=6),
    },
    "live_coupon_claims": {
        "live_coupon_claims_drop_id_fkey": row_with(drop_id=NOBODY),
        "live_coupon_claims_person_id_fkey": row_with(person_id=NOBODY),
        "live_coupon_claims_pkey": once("person_id"),
    },
    "live_draws": {
        "live_draws_drawn": row_with(drawn_at=AT),
        "live_draws_entrants_check": row_with(entrants=-1),
        "live_draws_pkey": once("id"),
        "live_draws_prize": row_with(prize_zh=""),
        "live_draws_room_id_fkey": row_with(room_id=NOBODY),
        "live_draws_seed": row_with(seed=b"another"),
        "live_draws_seed_hash": row_with(seed_hash=b"x", seed=None, drawn_at=None),
        "live_draws_window": Wrong({"closes_at": AT}),
        "live_draws_winners_check": row_with(winners=0),
    },
    "live_draw_entries": {
        "live_draw_entries_draw_id_fkey": row_with(draw_id=NOBODY),
        "live_draw_entries_person_id_fkey": row_with(person_id=NOBODY),
        "live_draw_entries_pkey": once("person_id"),
    },
    "live_seals": {
        "live_seals_facts_check": row_with(facts=-1),
        "live_seals_contents_check": row_with(contents=b"x"),
        "live_seals_hash_check": row_with(hash=b"x"),
        "live_seals_number_check": row_with(number=0),
        "live_seals_pkey": once("number"),
        "live_seals_room_id_fkey": row_with(room_id=NOBODY),
    },
}

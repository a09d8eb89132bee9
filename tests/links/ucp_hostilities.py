"""What no shop may do: each one thing, named, with the reason that the client must give.

A hostility is a shop's traits and a function that spoils one of its answers (`what`: profile,
metadata, authorize, token, search, cart, create, update, complete, order).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.links.ucp_shop import HANDLER, Shop
from tests.links.ucp_shops import serving
from tests.links.ucp_spoils import (
    Body,
    Change,
    add,
    after_signing,
    another_line,
    deep,
    double,
    drop,
    escalating,
    line,
    more_at_the_end,
    more_pieces,
    named,
    only_version,
    other_key,
    other_type,
    put,
    raise_all,
    redirect,
    signing,
    stale,
    wrong_handler,
)

ELSEWHERE = "https://evil.example"


class Hostility(NamedTuple):
    reason: str
    traits: tuple[str, ...]
    what: str
    change: Change


def spoiling(hostility: Hostility) -> Callable[[Shop, str, Body], None]:
    def spoil(shop: Shop, what: str, body: Body) -> None:
        if what == hostility.what:
            hostility.change(shop, body)

    return spoil


@contextmanager
def a_hostile_shop(name: str) -> Iterator[Shop]:
    hostility = HOSTILITIES[name]
    with serving(Shop(*hostility.traits, spoil=spoiling(hostility))) as shop:
        yield shop


FULL = ("cart", "delivery", "discounts", "fees", "keys", "order")
SHOPPING = "dev.ucp.shopping"
CHECKOUT = "dev.ucp.shopping.checkout"

TOTALS = {
    f"totals_{kind}_off_by_one": Hostility("totals_sum", FULL, "update", add(kind))
    for kind in ("total", "items_discount", "discount", "fulfillment", "tax")
} | {
    "totals_subtotal_off_by_one": Hostility("totals_sum", FULL, "create", add("subtotal")),
    "totals_fee_off_by_one": Hostility("totals_parts", FULL, "update", add("fee")),
    "fee_parts": Hostility("totals_parts", FULL, "update", add("fee", with_total=True)),
    "subtotal_and_total": Hostility("subtotal_sum", (), "create", add("subtotal", with_total=True)),
    "line_off_by_one": Hostility(
        "line_sum", (), "create", line(lambda x: [row.update(amount=12901) for row in x["totals"]])
    ),
    "line_total_off_by_one": Hostility(
        "totals_sum", (), "create", line(lambda x: x["totals"][1].update(amount=12901))
    ),
    "line_discount_kept": Hostility(
        "discount_sum", ("discounts",), "create", add("items_discount", 400, with_total=True)
    ),
    "positive_discount": Hostility("totals_sign", (), "create", more_at_the_end("discount")),
    "negative_tax": Hostility("totals_sign", FULL, "create", add("tax", -9000, with_total=True)),
    "two_totals": Hostility("totals_malformed", (), "create", double("total")),
    "two_subtotals": Hostility("totals_malformed", (), "create", double("subtotal")),
    "no_total": Hostility("totals_malformed", (), "create", drop("totals", 1)),
    "no_totals": Hostility("answer_malformed", (), "create", drop("totals")),
    "amount_is_text": Hostility(
        "answer_malformed", (), "create", put("totals", 1, "amount", value="12900")
    ),
    "amount_is_broken": Hostility(
        "answer_malformed", (), "create", put("totals", 1, "amount", value=129.5)
    ),
    "cart_off_by_one": Hostility("totals_sum", ("cart",), "cart", add("total")),
    "completed_off_by_one": Hostility("totals_sum", (), "complete", add("total")),
    "order_off_by_one": Hostility("totals_sum", ("order",), "order", add("total")),
    "delivery_dearer_than_chosen": Hostility(
        "delivery_raised", ("delivery",), "update", add("fulfillment", 200, with_total=True)
    ),
    "dearer_when_completed": Hostility("total_raised", (), "complete", more_at_the_end("fee")),
    "dearer_in_the_order": Hostility("total_raised", ("order",), "order", more_at_the_end("fee")),
}
GOODS = {
    "currency_switched": Hostility("currency_switched", (), "create", put("currency", value="USD")),
    "currency_switched_at_the_end": Hostility(
        "currency_switched", (), "complete", put("currency", value="USD")
    ),
    "currency_unreadable": Hostility(
        "currency_malformed", (), "create", put("currency", value="$")
    ),
    "quantity_raised": Hostility("quantity_raised", (), "create", more_pieces),
    "quantity_raised_at_the_end": Hostility("quantity_raised", (), "complete", more_pieces),
    "price_raised": Hostility("price_raised", (), "create", raise_all(100)),
    "price_raised_after_the_cart": Hostility("price_raised", ("cart",), "create", raise_all(1)),
    "price_raised_at_the_end": Hostility("price_raised", (), "complete", raise_all(100)),
    "line_added": Hostility("line_added", (), "create", another_line),
    "item_switched": Hostility(
        "item_switched", (), "create", put("line_items", 0, "item", "id", value="var_other")
    ),
    "no_lines": Hostility("subtotal_sum", (), "create", put("line_items", value=[])),
    "half_a_piece": Hostility(
        "answer_malformed", (), "create", put("line_items", 0, "quantity", value=0.5)
    ),
    "no_piece": Hostility(
        "line_malformed", (), "create", put("line_items", 0, "quantity", value=0)
    ),
}
SIGNATURES = {
    "signed_by_another_key": Hostility("signature_invalid", ("keys",), "complete", other_key),
    "created_signed_by_another_key": Hostility("signature_invalid", ("keys",), "create", other_key),
    "unpublished_key": Hostility(
        "key_not_found", ("keys",), "profile", put("signing_keys", 0, "kid", value="other")
    ),
    "unsigned_at_the_end": Hostility(
        "signature_missing", ("keys",), "complete", signing(**{"not": True})
    ),
    "signature_stale": Hostility("signature_stale", ("keys",), "complete", stale),
    "signature_expired": Hostility(
        "signature_expired", ("keys",), "complete", signing(parameters=";expires=1700000000")
    ),
    "body_changed": Hostility("digest_mismatch", ("keys",), "complete", after_signing),
    "status_changed": Hostility("signature_invalid", ("keys",), "complete", signing(status=201)),
    "signature_garbled": Hostility(
        "signature_invalid",
        ("keys",),
        "complete",
        lambda shop, body: body.update(HEADERS={"Signature": "sig1=:AAAA:"}),
    ),
    "signature_input_gone": Hostility(
        "signature_missing",
        ("keys",),
        "complete",
        lambda shop, body: body.update(SIGNING={"not": True}, HEADERS={"Signature": "sig1=:AAAA:"}),
    ),
    "digest_alone_wrong": Hostility(
        "digest_mismatch",
        (),
        "create",
        lambda shop, body: body.update(HEADERS={"Content-Digest": "sha-256=:AAAA:"}),
    ),
    "key_of_unknown_kind": Hostility(
        "algorithm_unsupported", ("keys",), "profile", put("signing_keys", 0, "crv", value="P-521")
    ),
    "key_off_the_curve": Hostility(
        "key_malformed", ("keys",), "profile", put("signing_keys", 0, "y", value="AAAA")
    ),
    "private_key_shown": Hostility(
        "private_key_published", ("keys",), "profile", put("signing_keys", 0, "d", value="AAAA")
    ),
}
LINKING = {
    "issuer_of_metadata": Hostility(
        "issuer_wrong", ("linking",), "metadata", put("issuer", value=ELSEWHERE)
    ),
    "issuer_with_a_slash": Hostility(
        "issuer_wrong",
        ("linking",),
        "metadata",
        lambda shop, body: body.update(issuer=f"{shop.url}/"),
    ),
    "issuer_of_answer": Hostility(
        "issuer_wrong", ("linking",), "authorize", put("iss", value=ELSEWHERE)
    ),
    "issuer_missing": Hostility("issuer_missing", ("linking",), "authorize", drop("iss")),
    "state_wrong": Hostility("state_wrong", ("linking",), "authorize", put("state", value="x")),
    "state_missing": Hostility("state_wrong", ("linking",), "authorize", drop("state")),
    "state_wrong_where_gated": Hostility(
        "state_wrong", ("linking", "gated"), "authorize", put("state", value="x")
    ),
    "code_missing": Hostility("linking_malformed", ("linking",), "authorize", drop("code")),
    "sent_elsewhere": Hostility(
        "linking_elsewhere", ("linking",), "authorize", put("WHERE", value=f"{ELSEWHERE}/cb")
    ),
    "metadata_unreadable": Hostility(
        "linking_unreadable", ("linking",), "metadata", put("RAW", value=b"<html>")
    ),
    "plain_pkce_only": Hostility(
        "linking_malformed",
        ("linking",),
        "metadata",
        put("code_challenge_methods_supported", value=["plain"]),
    ),
    "authorize_without_tls": Hostility(
        "insecure",
        ("linking",),
        "metadata",
        put("authorization_endpoint", value="http://evil.example/authorize"),
    ),
    "token_of_another_kind": Hostility(
        "linking_malformed", ("linking",), "token", put("token_type", value="mac")
    ),
    "token_with_a_line_break": Hostility(
        "linking_malformed", ("linking",), "token", put("access_token", value="a\r\nx: y")
    ),
}
PAYING = {
    "handler_not_declared": Hostility("handler_not_declared", (), "create", wrong_handler),
    "handler_id_not_declared": Hostility(
        "handler_not_declared",
        (),
        "create",
        put("ucp", "payment_handlers", HANDLER, 0, "id", value="tokenizer_2"),
    ),
    "instrument_not_declared": Hostility("instrument_not_offered", (), "create", other_type),
    "instrument_not_offered": Hostility(
        "instrument_not_offered", (), "create", named(type="gift_card")
    ),
    "instrument_of_another_handler": Hostility(
        "instrument_not_offered", (), "create", named(handler_id="evil")
    ),
    "no_instrument_offered": Hostility(
        "instrument_not_offered",
        (),
        "create",
        put("ucp", "payment_handlers", HANDLER, 0, "available_instruments", value=[]),
    ),
    "paid_with_another": Hostility(
        "instrument_not_offered", (), "complete", named(type="store_credit")
    ),
    "paid_with_another_kind_unmarked": Hostility(
        "instrument_switched",
        ("any_instrument",),
        "complete",
        named(type="wallet", selected=False),
    ),
    "paid_with_another_kind": Hostility(
        "instrument_switched", ("any_instrument",), "complete", named(type="wallet")
    ),
}
PROFILES = {
    "profile_not_json": Hostility(
        "profile_unreadable", (), "profile", put("RAW", value=b"<html>a shop</html>")
    ),
    "profile_not_an_object": Hostility(
        "profile_unreadable", (), "profile", put("RAW", value=b"[]")
    ),
    "profile_empty": Hostility("profile_unreadable", (), "profile", put("RAW", value=b"{}")),
    "profile_without_version": Hostility(
        "profile_unreadable", (), "profile", drop("ucp", "version")
    ),
    "profile_deep": Hostility("profile_unreadable", (), "profile", deep),
    "profile_huge": Hostility(
        "profile_unreachable", (), "profile", put("RAW", value=b" " * 3_000_000)
    ),
    "profile_gone": Hostility("profile_unreachable", (), "profile", put("STATUS", value=404)),
    "profile_broken": Hostility("profile_unreachable", (), "profile", put("STATUS", value=500)),
    "profile_redirects": Hostility(
        "profile_redirects", (), "profile", redirect(f"{ELSEWHERE}/.well-known/ucp")
    ),
    "version_newer": Hostility("version_unsupported", (), "profile", only_version("2027-01-01")),
    "version_older": Hostility("version_unsupported", (), "profile", only_version("2026-01-11")),
    "version_draft": Hostility("version_unsupported", (), "profile", only_version("draft")),
    "version_of_answers": Hostility("version_switched", (), "create", only_version("2026-01-23")),
    "service_of_another_version": Hostility(
        "version_unsupported",
        (),
        "profile",
        put("ucp", "services", SHOPPING, 0, "version", value="2026-01-11"),
    ),
    "no_service": Hostility("no_rest_service", (), "profile", put("ucp", "services", value={})),
    "endpoint_without_tls": Hostility(
        "insecure",
        (),
        "profile",
        put("ucp", "services", SHOPPING, 0, "endpoint", value="http://shop.example/ucp"),
    ),
    "endpoint_is_private": Hostility(
        "unsafe_address",
        (),
        "profile",
        put("ucp", "services", SHOPPING, 0, "endpoint", value="https://10.0.0.1/ucp"),
    ),
    "endpoint_is_a_file": Hostility(
        "unsafe_address",
        (),
        "profile",
        put("ucp", "services", SHOPPING, 0, "endpoint", value="file:///etc/passwd"),
    ),
}
ANSWERS = {
    "capability_of_another_authority": Hostility(
        "version_unsupported",
        (),
        "profile",
        put("ucp", "capabilities", CHECKOUT, 0, "spec", value=f"{ELSEWHERE}/specification"),
    ),
    "checkout_of_another_version": Hostility(
        "version_unsupported",
        (),
        "profile",
        put("ucp", "capabilities", CHECKOUT, 0, "version", value="2026-01-11"),
    ),
    "order_missing": Hostility("order_missing", (), "complete", drop("order")),
    "order_without_id": Hostility("order_missing", (), "complete", put("order", "id", value="")),
    "another_checkout": Hostility(
        "checkout_switched", (), "complete", put("id", value="chk_other")
    ),
    "order_of_another_checkout": Hostility(
        "order_switched", ("order",), "order", put("checkout_id", value="chk_other")
    ),
    "another_order": Hostility("order_switched", ("order",), "order", put("id", value="ord_other")),
    "completed_unasked": Hostility("order_unasked", (), "create", put("status", value="completed")),
    "status_unknown": Hostility("answer_malformed", (), "create", put("status", value="paid")),
    "answer_redirects": Hostility("answer_redirects", (), "create", redirect(f"{ELSEWHERE}/x")),
    "answer_not_json": Hostility("answer_unreadable", (), "create", put("RAW", value=b"ok")),
    "answer_not_an_object": Hostility("answer_unreadable", (), "create", put("RAW", value=b"[1]")),
    "continue_elsewhere": Hostility(
        "continue_url_elsewhere", (), "create", escalating(f"{ELSEWHERE}/checkout")
    ),
    "continue_at_a_like_name": Hostility(
        "continue_url_elsewhere", (), "create", escalating("http://127.0.0.1.evil.example/c")
    ),
    "continue_with_script": Hostility(
        "continue_url_elsewhere", (), "create", escalating("javascript:alert(1)")
    ),
}
HOSTILITIES: dict[str, Hostility] = (
    TOTALS | GOODS | SIGNATURES | LINKING | PAYING | PROFILES | ANSWERS
)

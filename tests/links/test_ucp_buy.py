"""`dougong ucp buy`: well-behaved shops are bought from, and each hostile one ends with exit code 3
and its own reason."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.links.ucp_hostilities import HOSTILITIES, a_hostile_shop
from tests.links.ucp_shop import HANDLER, Shop
from tests.links.ucp_shops import a_shop, serving

from dougong.cli.ucp_command import command

FULL = ("cart", "delivery", "discounts", "fees", "order", "keys", "linking", "picky")


def bought(*arguments: str, code: int = 0) -> Any:
    """What `dougong ucp buy … --json` says, in this process."""
    done = CliRunner().invoke(command, ["buy", *arguments, "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = json.loads(done.stdout)
    assert done.exit_code == code, said
    return said


@pytest.mark.parametrize(
    "traits",
    [
        (),
        ("keys",),
        ("keys", "signs_all"),
        ("keys", "signs_nothing"),
        ("keys", "big_key"),
        ("linking",),
        ("linking", "gated"),
        ("linking", "sign_in"),
        ("cart",),
        ("delivery",),
        ("discounts",),
        ("fees",),
        ("order",),
        ("picky",),
        ("slow",),
        ("busy",),
        ("free",),
        ("any_instrument",),
        ("no_search",),
        FULL,
    ],
    ids=lambda traits: "+".join(traits) or "minimal",
)
def test_a_well_behaved_shop_is_bought_from(traits: tuple[str, ...]) -> None:
    with a_shop(*traits) as shop:
        said = bought(shop.url)
    assert said["outcome"] == "bought"
    assert said["order_id"] in shop.orders
    assert said["item_id"] == "var_lantern_red"
    order = shop.orders[said["order_id"]]
    assert said["total_minor"] == order["totals"][-1]["amount"]
    assert said["linked"] == ("linking" in traits and "sign_in" not in traits)
    assert said["order_confirmed"] == ("order" in traits)
    assert (said["signed_answers"] > 0) == ("keys" in traits and "signs_nothing" not in traits)
    assert said["remarks"] == []


def test_the_cheapest_delivery_every_discount_and_every_fee_are_in_the_total() -> None:
    with a_shop(*FULL) as shop:
        said = bought(shop.url)
    rows = [(row["type"], row["amount_minor"]) for row in said["totals"]]
    assert rows == [
        ("subtotal", 12900),
        ("items_discount", -1000),
        ("discount", -500),
        ("fulfillment", 800),
        ("fee", 299),
        ("tax", 1677),
        ("total", 14176),
    ]
    assert said["paid_with"] == {"handler_id": "tokenizer_1", "type": "card"}


def test_every_request_says_who_asks_and_every_change_has_a_key_of_its_own() -> None:
    with a_shop(*FULL) as shop:
        bought(shop.url)
    api = [one for one in shop.asked if one[1].startswith("/ucp/v1/")]
    assert all(one[2]["ucp-agent"].startswith('profile="https://') for one in api)
    assert all(one[2]["authorization"] == "Bearer tok_shopper" for one in api)
    assert len({one[2]["request-id"] for one in api}) == len(api)
    keys = [one[2]["idempotency-key"] for one in api if "checkout-sessions" in one[1]]
    assert len(set(keys)) == len(keys) >= 3


@pytest.mark.parametrize("name", sorted(HOSTILITIES))
def test_a_hostile_shop_is_not_trusted(name: str) -> None:
    with a_hostile_shop(name) as shop:
        said = bought(shop.url, code=3)
    assert (said["outcome"], said["reason"]) == ("not_trusted", HOSTILITIES[name].reason)
    assert said["detail"]


@pytest.mark.parametrize("name", [n for n, one in HOSTILITIES.items() if one.what != "complete"])
def test_nothing_is_ordered_where_it_could_be_seen_before(name: str) -> None:
    with a_hostile_shop(name) as shop:
        bought(shop.url, code=3)
    late = HOSTILITIES[name].what == "order" or HOSTILITIES[name].reason == "key_not_found"
    assert late or not shop.orders


def test_a_shop_that_wants_its_shopper_says_where() -> None:
    with a_shop("escalates") as shop:
        said = bought(shop.url, code=4)
        assert said["continue_url"].startswith(f"{shop.url}/checkout/")
    assert said["outcome"] == "handed_over"
    assert "age_check" in said["why"]


def test_a_shop_that_sells_to_members_only_is_not_a_hostile_one() -> None:
    with a_shop("linking", "gated", "sign_in") as shop:
        said = bought(shop.url, code=1)
    assert (said["outcome"], said["reason"]) == ("not_bought", "identity_required")


def test_a_shop_that_is_sold_out_is_not_a_hostile_one() -> None:
    def sold_out(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == "create":
            body.clear()
            note = {"type": "error", "code": "out_of_stock", "content": "All gone"}
            body.update(ucp={"version": "2026-04-08", "status": "error"}, messages=[note])

    with serving(Shop(spoil=sold_out)) as shop:
        said = bought(shop.url, code=1)
    assert (said["outcome"], said["reason"]) == ("not_bought", "out_of_stock")


def test_an_older_profile_is_read_where_the_newer_one_points_to_it() -> None:
    def newer(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == "profile":
            older = {"2026-04-08": f"{shop.url}/.well-known/ucp/older"}
            body["ucp"] |= {"version": "2026-08-25", "supported_versions": older}

    with serving(Shop(spoil=newer)) as shop:
        assert bought(shop.url)["outcome"] == "bought"


def test_an_older_profile_elsewhere_is_not_read() -> None:
    def newer(shop: Shop, what: str, body: dict[str, Any]) -> None:
        older = {"2026-04-08": "https://evil.example/profile"}
        body["ucp"] |= {"version": "2026-08-25", "supported_versions": older}

    with serving(Shop(spoil=newer)) as shop:
        assert bought(shop.url, code=3)["reason"] == "profile_elsewhere"


def test_unsigned_answers_are_refused_when_asked_to() -> None:
    with a_shop("keys", "signs_nothing") as shop:
        said = bought(shop.url, "--only-signed", code=3)
    assert said["reason"] == "signature_missing"


def test_a_wrong_signature_without_keys_to_hold_it_against_proves_nothing() -> None:
    def odd(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == "create":
            body["HEADERS"] = {"Signature": "sig1=:AAAA:", "Signature-Input": 'sig1=();keyid="x"'}

    with serving(Shop(spoil=odd)) as shop:
        assert bought(shop.url)["outcome"] == "bought"


def test_fewer_pieces_at_a_lower_price_are_taken() -> None:
    def fewer(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what in ("create", "complete"):
            body["line_items"][0] |= {"quantity": 1}
            body["line_items"][0]["item"]["price"] = 100
            rows = [{"type": "subtotal", "amount": 100}, {"type": "total", "amount": 100}]
            body["totals"] = body["line_items"][0]["totals"] = rows

    with serving(Shop(spoil=fewer)) as shop:
        assert bought(shop.url, "--quantity", "3")["total_minor"] == 100


def test_a_named_item_and_a_limit_are_kept_to() -> None:
    with a_shop() as shop:
        assert bought(shop.url, "--item", "var_lantern_red", "--most", "12900")["total_minor"]
        assert bought(shop.url, "--most", "12899", code=1)["reason"] == "too_dear"
        assert bought(shop.url, "--item", "var_lantern_gone", code=1)["reason"] == "no_product"


def test_the_payer_of_a_file_pays(tmp_path: Path) -> None:
    file = tmp_path / "buyer.json"
    file.write_text('{"handler_id": "tokenizer_1", "credential": {"type": "t", "token": "x"}}')
    with a_shop() as shop:
        assert bought(shop.url, "--buyer", str(file))["outcome"] == "bought"
        file.write_text('{"handler_id": "mine"}')
        said = bought(shop.url, "--buyer", str(file), code=3)
    assert said["reason"] == "instrument_not_offered"


def without(*names: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: [body.pop(name, None) for name in names] and None


def bare(body: dict[str, Any]) -> None:
    """Only what is new: the status and the order."""
    for name in set(body) - {"id", "status", "order"}:
        del body[name]


def no_handlers(body: dict[str, Any]) -> None:
    body["ucp"]["payment_handlers"] = {}


def no_versions(body: dict[str, Any]) -> None:
    for found in (*body["ucp"]["services"].values(), *body["ucp"]["capabilities"].values()):
        for one in found:
            for name in ("version", "spec", "schema"):
                one.pop(name, None)


def no_variants(body: dict[str, Any]) -> None:
    for product in body["products"]:
        product["id"] = product.pop("variants")[1]["id"]


def no_prices(body: dict[str, Any]) -> None:
    for product in body["products"]:
        del product["price_range"]
        for variant in product["variants"]:
            variant.pop("price"), variant.pop("availability"), variant.pop("description")
        del product["variants"][0]


def bare_totals(body: dict[str, Any]) -> None:
    body["totals"] = [row for row in body["totals"] if row["type"] == "total"]
    for line in body["line_items"]:
        line["totals"] = []


def failing(body: dict[str, Any]) -> None:
    body.clear()
    body["STATUS"] = 500


@pytest.mark.parametrize(
    ("what", "change", "traits"),
    [
        ("profile", no_handlers, ()),
        ("profile", no_versions, ("cart",)),
        ("profile", lambda body: body["ucp"].pop("capabilities"), ()),
        ("profile", lambda body: body["ucp"].pop("payment_handlers"), ()),
        ("profile", lambda body: body["ucp"].update(anything={"else": [1]}), ()),
        ("profile", lambda body: body.update(signing_keys=[{"kid": "x", "kty": "OKP"}]), ()),
        ("metadata", failing, ("linking",)),
        ("metadata", without("scopes_supported", "code_challenge_methods_supported"), ("linking",)),
        ("authorize", lambda body: body.update(error=body.pop("code")), ("linking",)),
        ("token", failing, ("linking",)),
        ("search", no_variants, ()),
        ("search", no_prices, ()),
        ("cart", failing, ("cart",)),
        ("cart", without("links", "continue_url"), ("cart",)),
        ("create", bare_totals, ()),
        ("create", without("links", "continue_url", "ucp"), ()),
        ("create", lambda body: body["ucp"].pop("payment_handlers"), ()),
        ("create", lambda body: body.update(continue_url="https://shop.example/c"), ()),
        ("complete", bare, ()),
        ("complete", without("payment"), ()),
        ("order", failing, ("order",)),
    ],
)
def test_a_shop_that_leaves_out_what_harms_nobody_is_bought_from(
    what: str, change: Callable[[dict[str, Any]], object], traits: tuple[str, ...]
) -> None:
    def leaves_out(shop: Shop, name: str, body: dict[str, Any]) -> None:
        if name == what:
            change(body)

    with serving(Shop(*traits, spoil=leaves_out)) as shop:
        assert bought(shop.url)["order_id"] in shop.orders


def test_a_test_token_comes_from_the_profile_where_the_checkout_says_nothing() -> None:
    def lists_tokens(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == "profile":
            handler = body["ucp"]["payment_handlers"][HANDLER][0]
            handler["config"] = {"supported_tokens": ["fail_token", "success_token"]}

    with serving(Shop(spoil=lists_tokens)) as shop:
        bought(shop.url)
    (sent,) = (json.loads(body) for body in shop.bodies if b"credential" in body)
    assert sent["payment"]["instruments"][0]["credential"]["token"] == "success_token"


@pytest.mark.parametrize("inputs", [{"query"}, {"filters"}])
def test_a_search_is_tried_until_the_shop_takes_it(inputs: set[str]) -> None:
    class Strict(Shop):
        def act(self, method: str, path: str, asked: dict[str, Any]) -> Any:
            if path.endswith("/search") and not all(asked.get(name) for name in inputs):
                return "search", 400, {"code": "invalid", "content": "no"}
            return super().act(method, path, asked)

    with serving(Strict()) as shop:
        assert bought(shop.url)["outcome"] == "bought"


def test_what_departs_from_the_models_is_a_remark_and_no_refusal() -> None:
    def careless(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what in ("create", "complete"):
            del body["links"], body["ucp"]

    with serving(Shop(spoil=careless)) as shop:
        said = bought(shop.url)
    assert any("links" in remark for remark in said["remarks"])


@pytest.mark.parametrize(
    "url",
    ["http://shop.example", "ftp://shop.example", "https://10.0.0.1", "https://u@shop.example"],
)
def test_other_addresses_are_refused(url: str) -> None:
    assert bought(url, code=3)["reason"] in ("insecure", "unsafe_address")


def test_a_typed_loopback_address_opens_no_other_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(shop: Shop, what: str, body: dict[str, Any]) -> None:
        if what == "profile":
            service = body["ucp"]["services"]["dev.ucp.shopping"][0]
            service["endpoint"] = f"http://127.0.0.1:{shop.port + 1}/ucp/v1"

    monkeypatch.setattr("dougong.infra.http.loopback_allowed", lambda: False)
    with a_shop() as shop:
        assert bought(shop.url)["outcome"] == "bought"
    with serving(Shop(spoil=elsewhere)) as shop:
        assert bought(shop.url, code=3)["reason"] == "unsafe_address"


@pytest.mark.parametrize(
    ("traits", "hostility", "code"),
    [((), None, 0), (FULL, None, 0), ((), "currency_switched", 3), ((), "state_wrong", 3)],
)
def test_the_command_itself(traits: tuple[str, ...], hostility: str | None, code: int) -> None:
    """The real command in a process of its own, with no setting at all: production mode."""
    program = str(Path(sys.executable).with_name("dougong"))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DOUGONG_")}
    with a_hostile_shop(hostility) if hostility else a_shop(*traits) as shop:
        done = subprocess.run(
            [program, "ucp", "buy", shop.url, "--json"],
            env=plain,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    said = json.loads(done.stdout)
    assert done.returncode == code, done.stderr
    if hostility:
        assert said["reason"] == HOSTILITIES[hostility].reason
        assert HOSTILITIES[hostility].reason in done.stderr
    else:
        assert said["outcome"] == "bought"

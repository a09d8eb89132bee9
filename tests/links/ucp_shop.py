"""Shops of the Universal Commerce Protocol on loopback, written from its specification.

`a_shop("keys", "linking")` (ucp_shops.py) behaves well and has these traits; `a_hostile_shop(name)`
does one thing that no shop may do (ucp_hostilities.py). They share no code with the client: totals,
signatures and linking are made here from the specification's words.
"""

import copy
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.links.ucp_keys import Key

VERSION = "2026-04-08"
SPEC = f"https://ucp.dev/{VERSION}"
HANDLER = "com.example.processor_tokenizer"
Body = dict[str, Any]
Spoil = Callable[["Shop", str, Body], None]


class Shop:
    """A shop with one product. What it was asked is kept in `asked` as (method, path, headers)."""

    def __init__(self, *traits: str, spoil: Spoil | None = None) -> None:
        self.traits = set(traits)
        self.spoil = spoil
        self.key = Key("shop-2026", big="big_key" in traits)
        self.other_key = Key("shop-2026")
        self.port = 0
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.sessions: dict[str, Body] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.codes: dict[str, Body] = {}
        self.orders: dict[str, Body] = {}
        self.polls = 0
        self.platform_keys: list[Body] = []  # as the platform's profile has them
        self.currency, self.price, self.item = "CNY", 12900, "var_lantern_red"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # discovery -----------------------------------------------------------------------------------

    def capability(self, name: str, page: str, **more: Any) -> list[Body]:
        path = name.removeprefix("dev.ucp.").replace(".", "/")
        documents = {
            "spec": f"{SPEC}/specification/{page}",
            "schema": f"{SPEC}/schemas/{path}.json",
        }
        return [{"version": VERSION} | documents | more]

    def profile(self) -> Body:
        checkout = "dev.ucp.shopping.checkout"
        found = {checkout: self.capability(checkout, "checkout")}
        if "no_search" not in self.traits:
            name = "dev.ucp.shopping.catalog.search"
            found[name] = self.capability(name, "catalog/search")
            name = "dev.ucp.shopping.catalog.lookup"
            found[name] = self.capability(name, "catalog/lookup")
        for trait in ("cart", "order"):
            if trait in self.traits:
                name = f"dev.ucp.shopping.{trait}"
                found[name] = self.capability(name, trait)
        if "delivery" in self.traits:
            name = "dev.ucp.shopping.fulfillment"
            found[name] = self.capability(name, "fulfillment", extends=checkout)
        if "linking" in self.traits:
            scope = (
                f"{checkout}:manage" if "gated" in self.traits else "dev.ucp.shopping.order:read"
            )
            name = "dev.ucp.common.identity_linking"
            config = {"scopes": {scope: {}}}
            found[name] = self.capability(name, "identity-linking", config=config)
        body: Body = {
            "ucp": {
                "version": VERSION,
                "services": {
                    "dev.ucp.shopping": [
                        {
                            "version": VERSION,
                            "transport": "rest",
                            "spec": f"{SPEC}/specification/overview",
                            "schema": f"{SPEC}/services/shopping/rest.openapi.json",
                            "endpoint": f"{self.url}/ucp/v1",
                        }
                    ]
                },
                "capabilities": found,
                "payment_handlers": self.handlers(),
            }
        }
        if "keys" in self.traits:
            body["signing_keys"] = [self.key.jwk()]
        return body

    def handlers(self) -> Body:
        if "free" in self.traits:
            return {}
        handler: Body = {"id": "tokenizer_1", "version": VERSION}
        if "any_instrument" not in self.traits:
            handler["available_instruments"] = [
                {"type": "card", "constraints": {"brands": ["visa", "mastercard"]}}
            ]
        return {HANDLER: [handler]}

    def metadata(self) -> Body:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/oauth2/authorize",
            "token_endpoint": f"{self.url}/oauth2/token",
            "scopes_supported": [
                "dev.ucp.shopping.order:read",
                "dev.ucp.shopping.checkout:manage",
            ],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
            "authorization_response_iss_parameter_supported": True,
        }

    # catalogue, cart and checkout ----------------------------------------------------------------

    def envelope(self, *, paying: bool = False) -> Body:
        made: Body = {"version": VERSION, "status": "success"}
        return made | ({"payment_handlers": self.handlers()} if paying else {})

    def products(self) -> list[Body]:
        price = {"amount": self.price, "currency": self.currency}
        variants = [
            {
                "id": "var_lantern_gone",
                "title": "Blue",
                "description": {"plain": "A blue lantern."},
                "price": price,
                "availability": {"available": False},
            },
            {
                "id": self.item,
                "title": "Red",
                "description": {"plain": "A red lantern."},
                "price": price,
                "availability": {"available": True},
            },
        ]
        return [
            {
                "id": "prod_lantern",
                "title": "Silk lantern",
                "description": {"plain": "A lantern."},
                "price_range": {"min": price, "max": price},
                "variants": variants,
            }
        ]

    def lines(self, asked: list[Body]) -> list[Body]:
        made = []
        for number, one in enumerate(asked, 1):
            quantity = int(one["quantity"])
            whole = self.price * quantity
            totals = [{"type": "subtotal", "amount": whole}]
            if "discounts" in self.traits:
                totals.append({"type": "items_discount", "amount": -1000})
                whole -= 1000
            totals.append({"type": "total", "amount": whole})
            item = {"id": one["item"]["id"], "title": "Silk lantern", "price": self.price}
            made.append(
                {"id": f"li_{number}", "item": item, "quantity": quantity, "totals": totals}
            )
        return made

    def totals(self, session: Body) -> list[Body]:
        subtotal = sum(one["item"]["price"] * one["quantity"] for one in session["line_items"])
        rows: list[Body] = [{"type": "subtotal", "amount": subtotal}]
        if "discounts" in self.traits:
            rows += [
                {"type": "items_discount", "amount": -1000 * len(session["line_items"])},
                {"type": "discount", "display_text": "Welcome", "amount": -500},
            ]
        chosen = self.chosen_delivery(session)
        if chosen is not None:
            rows.append({"type": "fulfillment", "amount": chosen})
        if "fees" in self.traits:
            parts = [
                {"display_text": "Service", "amount": 199},
                {"display_text": "Packing", "amount": 100},
            ]
            rows.append({"type": "fee", "display_text": "Fees", "amount": 299, "lines": parts})
            rows.append({"type": "tax", "display_text": "VAT", "amount": 1677})
        rows.append({"type": "total", "amount": sum(one["amount"] for one in rows)})
        return rows

    def chosen_delivery(self, session: Body) -> int | None:
        for method in session.get("fulfillment", {}).get("methods", []):
            for group in method["groups"]:
                for option in group["options"]:
                    if option["id"] == group.get("selected_option_id"):
                        return int(option["totals"][0]["amount"])
        return None

    def delivery(self, asked: Body, lines: list[Body]) -> Body:
        sent = (asked.get("fulfillment") or {}).get("methods") or [{}]
        places = [{"id": "dest_1"} | one for one in sent[0].get("destinations", [])]
        options = [
            {
                "id": name,
                "title": name.title(),
                "totals": [{"type": "total", "amount": price}],
            }
            for name, price in (("express", 2000), ("standard", 800))
        ]
        group = {"id": "package_1", "line_item_ids": [x["id"] for x in lines], "options": options}
        for one in sent[0].get("groups", []):
            group["selected_option_id"] = one["selected_option_id"]
        method: Body = {"id": "method_1", "type": "shipping", "groups": [group]}
        method |= {"line_item_ids": [x["id"] for x in lines], "destinations": places}
        method["selected_destination_id"] = sent[0].get("selected_destination_id")
        return {"methods": [method]}

    def session(self, asked: Body, session_id: str) -> Body:
        """A checkout as this request makes it; the buyer and the delivery must be there."""
        lines = self.lines(asked["line_items"])
        made: Body = {
            "ucp": self.envelope(paying=True),
            "id": session_id,
            "status": "ready_for_complete",
            "currency": self.currency,
            "line_items": lines,
            "links": [{"type": "terms_of_service", "url": "https://shop.example/terms"}],
            "continue_url": f"{self.url}/checkout/{session_id}",
        }
        problems = []
        if "picky" in self.traits and session_id not in self.sessions:
            problems.append(("$.buyer.email", "Please confirm the buyer's address"))
        if "delivery" in self.traits:
            made["fulfillment"] = self.delivery(asked, lines)
            method = made["fulfillment"]["methods"][0]
            if not method["selected_destination_id"]:
                problems.append(("$.fulfillment.methods[0].selected_destination_id", "Where to?"))
            elif "selected_option_id" not in method["groups"][0]:
                problems.append(("$.fulfillment.methods[0].groups[0]", "How?"))
        made["totals"] = self.totals(made)
        if problems:
            made["status"] = "incomplete"
            made["messages"] = [
                {
                    "type": "error",
                    "code": "missing",
                    "path": path,
                    "content": content,
                    "severity": "recoverable",
                }
                for path, content in problems
            ]
        if "escalates" in self.traits:
            made["status"] = "requires_escalation"
            made["messages"] = [
                {
                    "type": "error",
                    "code": "age_check",
                    "content": "The buyer must show an age.",
                    "severity": "requires_buyer_input",
                }
            ]
        return made

    def completed(self, session_id: str, asked: Body) -> Body:
        made = copy.deepcopy(self.sessions[session_id])
        named = asked["payment"]["instruments"]
        made["payment"] = {
            "instruments": [{k: v for k, v in x.items() if k != "credential"} for x in named]
        }
        made.pop("continue_url", None)
        if "slow" in self.traits and self.polls < 2:
            self.sessions[session_id] = copy.deepcopy(made)
            return made | {"status": "complete_in_progress"}
        order_id = f"ord_{session_id}"
        made["status"] = "completed"
        made["order"] = {"id": order_id, "permalink_url": f"{self.url}/orders/{order_id}"}
        self.sessions[session_id] = made
        self.orders[order_id] = self.order(made)
        return copy.deepcopy(made)

    def order(self, session: Body) -> Body:
        lines = [
            {
                "id": one["id"],
                "item": one["item"],
                "quantity": {"original": one["quantity"], "total": one["quantity"], "fulfilled": 0},
                "totals": one["totals"],
                "status": "processing",
            }
            for one in session["line_items"]
        ]
        return {
            "ucp": self.envelope(),
            "id": session["order"]["id"],
            "checkout_id": session["id"],
            "permalink_url": session["order"]["permalink_url"],
            "currency": session["currency"],
            "line_items": lines,
            "fulfillment": {"expectations": [], "events": []},
            "totals": session["totals"],
        }

    # one request ---------------------------------------------------------------------------------

    def act(self, method: str, path: str, asked: Body) -> tuple[str, int, Body]:
        """The operation's name, the status and the answer."""
        parts = path.removeprefix("/ucp/v1/").split("/")
        match method, *parts:
            case "POST", "catalog", "search":
                if not (asked.get("query") or asked.get("filters")):
                    return "search", 400, {"code": "invalid", "content": "no input"}
                return "search", 200, {"ucp": self.envelope(), "products": self.products()}
            case "POST", "catalog", "lookup":
                return "lookup", 200, {"ucp": self.envelope(), "products": self.products()}
            case "POST", "carts":
                cart = self.session(asked, f"cart_{uuid4().hex}")
                for name in ("status", "messages", "fulfillment"):
                    cart.pop(name, None)
                cart["ucp"] = self.envelope()
                cart["totals"] = self.totals(cart)
                return "cart", 201, cart
            case "POST", "checkout-sessions":
                session_id = f"chk_{uuid4().hex}"
                made = self.session(asked, session_id)
                self.sessions[session_id] = copy.deepcopy(made)
                return "create", 201, made
            case "PUT", "checkout-sessions", session_id if session_id in self.sessions:
                made = self.session(asked, session_id)
                self.sessions[session_id] = copy.deepcopy(made)
                return "update", 200, made
            case "POST", "checkout-sessions", session_id, "complete" if session_id in self.sessions:
                return "complete", 200, self.completed(session_id, asked)
            case "GET", "checkout-sessions", session_id if session_id in self.sessions:
                self.polls += 1
                session = self.sessions[session_id]
                return "complete", 200, self.completed(session_id, {"payment": session["payment"]})
            case "GET", "orders", order_id if order_id in self.orders:
                return "order", 200, copy.deepcopy(self.orders[order_id])
        return "unknown", 404, {"code": "not_found", "content": "no such thing"}

"""`dougong ucp`: shops of the Universal Commerce Protocol, from the command line."""

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from dougong.base.money import decimal_text
from dougong.infra.http import loopback_port, named_loopback
from dougong.links.adapters.ucp import Purchase, Wish, buy
from dougong.links.adapters.ucp_agent import agent_url, link_client
from dougong.links.adapters.ucp_keys import add_key
from dougong.links.adapters.ucp_payment import Payer
from dougong.links.ucp_rules import ShopNotTrusted, ShopRefused

NOT_BOUGHT, NOT_TRUSTED, HANDED_OVER = 1, 3, 4
BUYER = {
    "first_name": "Dou",
    "last_name": "Gong",
    "email": "buyer@dougong.example",
    "phone_number": "+14155550100",
}
ADDRESS = {
    "first_name": "Dou",
    "last_name": "Gong",
    "street_address": "1 Market Street",
    "address_locality": "San Francisco",
    "address_region": "CA",
    "postal_code": "94105",
    "address_country": "US",
    "phone_number": "+14155550100",
}


class BuyerFile(msgspec.Struct, forbid_unknown_fields=True):
    """`--buyer`: who buys, where it goes and what pays; each part may be left out."""

    buyer: dict[str, Any] = msgspec.field(default_factory=BUYER.copy)
    address: dict[str, Any] = msgspec.field(default_factory=ADDRESS.copy)
    credential: dict[str, Any] | None = None
    handler_id: str | None = None


class Ended(msgspec.Struct):
    """What --json says when nothing was bought. `outcome`: not_trusted, or not_bought."""

    outcome: str
    shop: str
    reason: str
    detail: str


def payer_from(path: Path | None) -> Payer:
    try:
        found = msgspec.json.decode(path.read_bytes() if path else b"{}", type=BuyerFile)
    except msgspec.DecodeError as error:
        raise click.BadParameter(str(error), param_hint="--buyer") from error
    return Payer(found.buyer, found.address, found.credential, found.handler_id)


async def run(url: str, wish: Wish) -> Purchase:
    """A shop on this machine may be called when its address was typed as such: its port, no other,
    whatever the shop says."""
    port = named_loopback(url)
    with nullcontext() if port is None else loopback_port(port):
        return await buy(url, wish)


def say(purchase: Purchase) -> None:
    console = Console()
    currency = purchase.currency or ""
    total = decimal_text(purchase.total_minor or 0, currency)
    if purchase.outcome == "bought":
        console.print(f"bought {purchase.quantity} × {purchase.title or purchase.item_id}")
        console.print(f"order {purchase.order_id}, {total} {currency}")
    else:
        console.print(f"the shopper goes on at {purchase.continue_url}: {purchase.why}")
    for remark in purchase.remarks:
        console.print(f"[dim]{remark}[/dim]")


@click.group()
def command() -> None:
    """Discover a shop of the Universal Commerce Protocol (2026-04-08), and buy there."""


@command.command("make-key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kid", required=True, help="The key's id, new in the file: platform-2026.")
def make_key_command(file: Path, kid: str) -> None:
    """Add a key to FILE, a JWK set for the setting `ucp_signing_keys`; prints its public half.

    The first key of the file signs; the others are only published.
    """
    try:
        public = add_key(file, kid=kid)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(msgspec.json.encode(public).decode())


@command.command("buy")
@click.argument("shop_url")
@click.option("--item", "item_id", help="The item to buy, by the shop's id [default: any].")
@click.option("--query", "words", help="Search for these words, and buy what comes first.")
@click.option("--quantity", type=click.IntRange(1, 99), default=1, show_default=True)
@click.option("--most", "most_minor", type=int, help="Not for more than this, in minor units.")
@click.option(
    "--buyer",
    "buyer_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON: buyer, address, credential, handler_id [default: a test buyer and token].",
)
@click.option("--guest", is_flag=True, help="Link no account, even where the shop offers it.")
@click.option("--only-signed", is_flag=True, help="Take no unsigned answer where keys are shown.")
@click.option("--profile", "profile_url", help="Our own profile's address [default: this site's].")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def buy_command(
    shop_url: str,
    item_id: str | None,
    words: str | None,
    quantity: int,
    most_minor: int | None,
    buyer_file: Path | None,
    guest: bool,
    only_signed: bool,
    profile_url: str | None,
    as_json: bool,
) -> None:
    """Buy one thing at SHOP_URL, and check everything that the shop says.

    Exit code 0: bought. 1: the shop does not sell it. 3: the shop must not be trusted. 4: the
    shopper must go on at the shop. The reason is said in each case.
    """
    wish = Wish(
        payer=payer_from(buyer_file),
        client=link_client(),
        agent_url=profile_url or agent_url(),
        item_id=item_id,
        words=words,
        quantity=quantity,
        most_minor=most_minor,
        linking=not guest,
        only_signed=only_signed,
    )
    try:
        purchase = asyncio.run(run(shop_url, wish))
    except (ShopNotTrusted, ShopRefused) as refusal:
        untrusted = isinstance(refusal, ShopNotTrusted)
        ended = Ended(
            "not_trusted" if untrusted else "not_bought",
            shop_url,
            str(refusal.facts["reason"]),
            str(refusal.facts["detail"]),
        )
        if as_json:
            click.echo(msgspec.json.encode(ended).decode())
        click.echo(f"{ended.outcome}: {ended.reason}: {ended.detail}", err=True)
        sys.exit(NOT_TRUSTED if untrusted else NOT_BOUGHT)
    if as_json:
        click.echo(msgspec.json.encode(purchase).decode())
    else:
        say(purchase)
    sys.exit(0 if purchase.outcome == "bought" else HANDED_OVER)

"""What the screens show beside orders: each piece is written once, whole or not at all."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from dougong.cli.demo.agreement_cases import write_agreements
from dougong.cli.demo.case_cases import write_cases
from dougong.cli.demo.gift_cases import write_gifts
from dougong.cli.demo.insurance_cases import write_insurance
from dougong.cli.demo.live_cases import write_live
from dougong.cli.demo.market import Market
from dougong.cli.demo.money_cases import write_refunds, write_unallocated
from dougong.cli.demo.parcel_cases import write_parcels
from dougong.cli.demo.payout_cases import write_payouts
from dougong.cli.demo.purchase_cases import write_purchases
from dougong.cli.demo.reconciliation_cases import write_partner_month, write_reconciliation
from dougong.cli.demo.rule_cases import write_rules
from dougong.cli.demo.shop_cases import write_imports, write_invitation, write_stock
from dougong.cli.demo.shopper_cases import write_shopper
from dougong.cli.demo.source_cases import write_sources
from dougong.cli.demo.standing_cases import write_standing
from dougong.cli.demo.task_cases import write_tasks
from dougong.cli.demo.video_cases import write_reports, write_uploads
from dougong.cli.demo.warehouse_cases import write_warehouses
from dougong.cli.demo.webhook_cases import write_webhooks


class Piece(Protocol):
    def __call__(self, market: Market, *, now: datetime) -> Awaitable[None]: ...


# In the order of their dates, by which the audit log is written; and the stock counted after all
# orders says what is sold out. The partner's month is told today.
PIECES: tuple[Piece, ...] = (
    write_unallocated,
    write_refunds,
    write_webhooks,
    write_reports,
    write_uploads,
    write_imports,
    write_rules,
    write_agreements,
    write_tasks,
    write_shopper,
    write_invitation,
    write_sources,
    write_gifts,
    write_insurance,
    write_cases,
    write_purchases,
    write_live,
    write_stock,
    write_warehouses,
    write_parcels,
    write_partner_month,
    write_reconciliation,
    write_standing,
    write_payouts,
)


async def write_pieces(market: Market, *, now: datetime, done: Callable[[], None]) -> None:
    """Passes over what an earlier run has written."""
    for write in PIECES:
        await write(market, now=now)
        done()

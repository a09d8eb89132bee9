"""`dougong seed demo` makes the whole market, also after a stop in the middle, and only once."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.browser.market import DemoServer

from dougong.aftersales.rules import CaseState
from dougong.infra.embedded_postgres import APP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = ("-m", "dougong", "seed", "demo")
FIND = {
    "stores": "SELECT count(*) FROM stores",
    "products": "SELECT count(*) FROM products WHERE state = 'active'",
    "creators": "SELECT count(*) FROM organisations WHERE kind = 'creator'",
    "videos": "SELECT count(*) FROM videos WHERE state = 'published'",
    "clips": "SELECT count(DISTINCT media) FROM videos WHERE state = 'published'",
    "days": "SELECT extract(day FROM max(placed_at) - min(placed_at))::int FROM orders",
}
AT_LEAST = {"stores": 20, "products": 300, "creators": 40, "videos": 80, "clips": 24, "days": 55}
STATES = {
    *("placed", "paid", "part_shipped", "shipped", "received", "final", "cancelled", "refunded"),
}
# What every desk has to show, each as an SQL condition of rows that must be there.
DESKS = {
    "late money": "unallocated_money WHERE reason = 'order_closed' AND resolved_at IS NULL",
    "wrong amount": "unallocated_money WHERE reason = 'wrong_amount' AND resolved_at IS NULL",
    "money paid twice": "unallocated_money WHERE reason = 'paid_twice'",
    "money sent back": "unallocated_money WHERE resolution = 'sent_back'",
    "money kept": "unallocated_money WHERE resolution = 'kept_for_claim'",
    "refund done": "refunds WHERE state = 'done'",
    "refund under way": "refunds WHERE state = 'sent'",
    "refund tried again": "refunds WHERE state = 'failed' AND attempt = 1",
    "refund failed for good": "refunds WHERE state = 'failed' AND attempt = 4",
    "open report": "reports WHERE resolved_at IS NULL",
    "removed video": "reports WHERE resolution = 'removed' AND resolution_reason <> ''",
    "kept video": "reports WHERE resolution = 'kept' AND resolution_reason <> ''",
    "failed upload": "videos WHERE state = 'failed'",
    "video to publish": "videos WHERE state = 'ready'",
    "rule that waits": "fee_rules WHERE approver_id IS NULL",
    "rule announced": "fee_rules WHERE approver_id IS NOT NULL AND lower(in_force) > now()",
    "rule that is over": "fee_rules WHERE upper(in_force) < now()",
    "round that runs": "partner_rounds WHERE state = 'signed'",
    "round that is over": "partner_statements s JOIN partner_statement_lines l"
    " ON l.statement_id = s.id WHERE l.what = 'shortfall'",
    "amount reported": "partner_amounts WHERE kind = 'reported' AND is_about",
    "offer on the table": "partner_proposals WHERE state = 'offered'",
    "shortfall expected": "partner_alarms WHERE cleared_at IS NULL",
    "dispute": "partner_disputes WHERE closed_at IS NULL",
    "partner's report": "referral_reports WHERE state = 'done' AND rows_applied >= 25"
    " AND rows_refused = 0",
    "order elsewhere earned": "referral_orders WHERE booked_at IS NOT NULL",
    "reconciled month": "reconciliation_runs WHERE state = 'done' AND differences = 8",
    **{
        f"case {state}": f"reconciliation_cases WHERE state = '{state}'"
        for state in ("open", "explained", "claimed", "to_approve", "accepted", "closed")
    },
    **{
        f"task {state}": f"task_works WHERE state = '{state}'"
        for state in (
            "agreed",
            "delivered",
            "redo",
            "part_offered",
            "disputed",
            "accepted",
            "part_accepted",
            "ruled",
            "cancelled",
            "lapsed",
        )
    },
    **{
        f"brief {one}": f"task_briefs WHERE state = '{one}'"
        for one in ("draft", "posted", "closed")
    },
    **{
        f"application {one}": f"task_applications WHERE state = '{one}'"
        for one in ("invited", "applied", "declined", "agreed")
    },
    **{f"after-sales {state}": f"cases WHERE state = '{state}'" for state in CaseState},
    "case granted by a rule": "case_moves WHERE side = 'rule' AND to_state = 'done'",
    "case refused by a rule": "case_moves WHERE side = 'rule' AND to_state = 'refused'",
    "rule that asks a person": "case_rules WHERE outcome = 'ask'",
    "price protected": "cases WHERE kind = 'price_protection' AND granted_minor > 0",
    "repair": "cases WHERE kind = 'repair'",
    "buyer with a score": "buyer_scores WHERE score >= 40",
    "evidence of a case": "case_evidence WHERE kind = 'image'",
    "room with a replay": "live_rooms r JOIN videos v ON v.id = r.replay_video_id"
    " WHERE r.state = 'ended' AND v.seconds >= 300",
    "room announced": "live_rooms r JOIN live_reminders m ON m.room_id = r.id"
    " WHERE r.state = 'scheduled'",
    "evidence": "live_seals s JOIN live_explanations e ON e.room_id = s.room_id"
    " WHERE s.facts >= 5 AND e.end_reason = 'room_ended'",
    "flash offer sold": "live_offers WHERE sold > 0",
    "draw": "live_draw_entries WHERE won",
    "chat": "live_messages",
    "order of a room": "order_lines l JOIN product_links p ON p.id = l.link_id"
    " WHERE p.surface = 'live'",
    "gift": "gifts WHERE platform_minor > 0 AND creator_minor > 0",
    "coins of an earlier month": "coin_lots WHERE bought_at < now() - interval '40 days'",
    "other apps": "app_revenue_rows",
    "rated task": "task_ratings",
    "funds": "pay_ins WHERE purpose = 'funds' AND booked_at IS NOT NULL",
    "partner's word": "reconciliation_notes WHERE side = 'partner'",
    "endpoint off": "webhook_endpoints WHERE disabled_at IS NOT NULL",
    "delivered": "webhook_deliveries WHERE delivered",
    "delivered later": "webhook_deliveries WHERE delivered AND attempts > 1",
    "given up": "webhook_deliveries WHERE done_at IS NOT NULL AND NOT delivered",
    "clean import": "import_runs WHERE state = 'done' AND rows_bad = 0 AND rows_done > 10",
    "import with faults": "import_runs WHERE state = 'done' AND rows_bad = 6",
    "key": "api_keys WHERE revoked_at IS NULL",
    "revoked key": "api_keys WHERE revoked_at IS NOT NULL",
    "invitation": "invitations WHERE closed_at IS NULL",
    "colleague": "invitations WHERE used_by IS NOT NULL",
    **{
        f"payout {state}": f"payouts WHERE state = '{state}'"
        for state in ("booked", "held", "sent", "confirmed", "returned")
    },
    "payout tried again": "payouts WHERE retry_of IS NOT NULL AND state = 'confirmed'",
    "payouts to approve": "payout_runs WHERE state = 'waiting' AND checked_by IS NOT NULL",
    "account to verify": "payout_accounts WHERE verified_at IS NULL AND closed_at IS NULL",
    "account refused": "payout_accounts WHERE why <> ''",
    "bank's answers": "payout_files WHERE kind = 'answers' AND rows_refused = 1 AND rows_taken > 3",
    "audit": "audit_log WHERE action = 'policy.approve'",
    "saved addresses": "addresses a JOIN people p ON p.id = a.person_id"
    " WHERE p.email LIKE 'xu.jia@%' AND NOT a.is_default",
}
COUNTS = {
    "SELECT count(DISTINCT c.funder) FROM coupon_uses u"
    " JOIN coupons c ON c.store_id = u.store_id AND c.id = u.coupon_id": 3,
    "SELECT count(DISTINCT store_id) FROM cart_items": 3,
}
# A rule that names a category which the market does not have would decide nothing.
IDLE_RULES = """
    SELECT category FROM fee_rules r
    WHERE kind = 'platform_service_fee' AND approver_id IS NOT NULL AND lower(in_force) < now()
      AND route <> 'task' -- nobody has agreed on a task yet
      AND NOT EXISTS (SELECT FROM order_lines l WHERE l.service_fee_rule_id = r.id)
"""
# The log is read by its numbers: what is dated later was written later.
# Rules, rooms, purchases, insurance, cases and payouts tell of dates before what was told already.
OUT_OF_ORDER = """
    SELECT id, at, action FROM (
      SELECT *, lag(at) OVER (ORDER BY id) AS before FROM audit_log
      WHERE action !~ '^(policy|live|gifts|supply|cases|standing|insurance|settlement)[.]') l
    WHERE at < before
"""
SOLD_OUT = """
    SELECT k.product_id FROM skus k JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
    GROUP BY k.product_id HAVING sum(s.on_hand - s.reserved) = 0
"""


@pytest.fixture
def market(tmp_path: Path) -> Iterator[DemoServer]:
    server = DemoServer(tmp_path)
    yield server
    server.postgres.stop(mode="immediate")


def ask(server: DemoServer, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.postgres.url(APP)) as conn:
        return conn.execute(question).fetchall()


def orders_so_far(server: DemoServer) -> int:
    try:
        return int(str(ask(server, "SELECT count(*) FROM orders")[0][0]))
    except psycopg.Error:  # the database, or the table, is not there yet
        return 0


def kill_in_the_middle(server: DemoServer) -> None:
    """Start the seeding, and kill it when some orders are there."""
    seeding = subprocess.Popen([sys.executable, *SEED], env=server.environment())
    try:
        while orders_so_far(server) < 100:
            assert seeding.poll() is None, "done before anybody could stop it"
            time.sleep(0.2)
    finally:
        seeding.kill()
        seeding.wait()


def test_a_market_is_whole_also_after_a_stop(market: DemoServer) -> None:
    kill_in_the_middle(market)
    done = market.run(*SEED)
    assert done.returncode == 0, done.stderr[-4000:]

    found = {name: ask(market, question)[0][0] for name, question in FIND.items()}
    assert {name: found[name] for name in found if int(str(found[name])) < AT_LEAST[name]} == {}
    assert {row[0] for row in ask(market, "SELECT DISTINCT state FROM orders")} == STATES
    empty = [name for name in DESKS if not ask(market, f"SELECT FROM {DESKS[name]} LIMIT 1")]
    assert empty == []
    assert {question: ask(market, question)[0][0] for question in COUNTS} == COUNTS
    assert ask(market, IDLE_RULES) == []
    assert ask(market, OUT_OF_ORDER) == []
    assert len(ask(market, SOLD_OUT)) == 1
    assert market.doctor_finds() == {}

    orders = orders_so_far(market)
    again = market.run(*SEED)
    assert (again.returncode, orders_so_far(market)) == (0, orders)
    assert "already there" in again.stderr

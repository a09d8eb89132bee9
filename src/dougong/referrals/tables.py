"""Tables of the referrals area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CHAR, JSONB, TSTZRANGE

from dougong.infra.db import metadata

claim_rules = Table(
    "claim_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("claim", Text, nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("window_days", Integer, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("approver_id", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)


referral_reports = Table(
    "referral_reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_done", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_applied", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_repeated", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_stale", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_parked", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_refused", Integer, server_default=FetchedValue(), nullable=False),
    Column("failure", Text, server_default=FetchedValue(), nullable=False),
    Column("failure_field", Text, server_default=FetchedValue(), nullable=False),
    Column("started_by", Uuid),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)


referral_orders = Table(
    "referral_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("order_ref", Text, nullable=False),
    Column("parent_ref", Text, server_default=FetchedValue(), nullable=False),
    Column("item_id", Text, server_default=FetchedValue(), nullable=False),
    Column("title", Text, server_default=FetchedValue(), nullable=False),
    Column("quantity", Integer, server_default=FetchedValue(), nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("state", Text, nullable=False),
    Column("status", Text, server_default=FetchedValue(), nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("estimated_gross_minor", BigInteger, nullable=False),
    Column("estimated_minor", BigInteger, nullable=False),
    Column("settled_base_minor", BigInteger),
    Column("settled_gross_minor", BigInteger),
    Column("alliance_fee_minor", BigInteger),
    Column("media_fee_minor", BigInteger),
    Column("settled_minor", BigInteger),
    Column("refunded_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("paid_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("first_reported_at", DateTime(timezone=True), nullable=False),
    Column("last_reported_at", DateTime(timezone=True), nullable=False),
    Column("receivable_owner_id", Uuid),
    Column("ruling_id", Uuid),
    Column("booked_at", DateTime(timezone=True)),
    Column("parked", Text, server_default=FetchedValue(), nullable=False),
)


report_rows = Table(
    "report_rows",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report_id", Uuid),
    Column("line", Integer),
    Column("source", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("facts_hash", LargeBinary, nullable=False),
    Column("raw", JSONB, nullable=False),
    Column("order_ref", Text, server_default=FetchedValue(), nullable=False),
    Column("status", Text, server_default=FetchedValue(), nullable=False),
    Column("state", Text),
    Column("currency", CHAR(3)),
    Column("paid_minor", BigInteger),
    Column("estimated_gross_minor", BigInteger),
    Column("settled_base_minor", BigInteger),
    Column("settled_gross_minor", BigInteger),
    Column("alliance_fee_minor", BigInteger),
    Column("media_fee_minor", BigInteger),
    Column("settled_minor", BigInteger),
    Column("refund_case", Text, server_default=FetchedValue(), nullable=False),
    Column("refund_minor", BigInteger),
    Column("paid_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("field", Text, server_default=FetchedValue(), nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("value", Text, server_default=FetchedValue(), nullable=False),
    Column("order_id", Uuid),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Uuid),
    Column("resolution", Text, server_default=FetchedValue(), nullable=False),
)


referral_claims = Table(
    "referral_claims",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("claim", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("creator_id", Uuid),
    Column("link_id", Uuid),
    Column("click_id", Uuid),
    Column("task_id", Uuid),
    Column("surface", Text, server_default=FetchedValue(), nullable=False),
    Column("route", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("validity", Text, server_default=FetchedValue(), nullable=False),
    Column("is_self", Boolean, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)


referral_rulings = Table(
    "referral_rulings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("claim_id", Uuid),
    Column("claim_rule_id", Uuid),
    Column("creator_id", Uuid),
    Column("judged_at", DateTime(timezone=True), nullable=False),
    Column("service_fee_bp", Integer, nullable=False),
    Column("service_fee_rule_id", Uuid),
    Column("commission_cut_bp", Integer, nullable=False),
    Column("commission_cut_rule_id", Uuid),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("made_by", Uuid),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
)


referral_losers = Table(
    "referral_losers",
    metadata,
    Column("ruling_id", Uuid, primary_key=True),
    Column("claim_id", Uuid, primary_key=True),
    Column("why", Text, nullable=False),
)


referral_refunds = Table(
    "referral_refunds",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("refund_case", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("row_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

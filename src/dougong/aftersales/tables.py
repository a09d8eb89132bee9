"""Tables of the aftersales area, as the migrations make them (SQL first; drift is tested)."""

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

return_addresses = Table(
    "return_addresses",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("province", Text, server_default=FetchedValue(), nullable=False),
    Column("city", Text, server_default=FetchedValue(), nullable=False),
    Column("line", Text, nullable=False),
    Column("is_default", Boolean, server_default=FetchedValue(), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

reply_templates = Table(
    "reply_templates",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
)

case_rules = Table(
    "case_rules",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("buyer", Text, server_default=FetchedValue(), nullable=False),
    Column("kind", Text, server_default=FetchedValue(), nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("order_state", Text, server_default=FetchedValue(), nullable=False),
    Column("up_to_minor", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("says_zh", Text, nullable=False),
    Column("says_en", Text, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", Uuid),
    Column("ended_at", DateTime(timezone=True)),
    Column("withdrawn", Boolean, server_default=FetchedValue(), nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("buyer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("waiting_for", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, server_default=FetchedValue(), nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("asked_minor", BigInteger, nullable=False),
    Column("offered_minor", BigInteger),
    Column("granted_minor", BigInteger),
    Column("was_final", Boolean, nullable=False),
    Column("bearer", Text, server_default=FetchedValue(), nullable=False),
    Column("borne_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("held_at", DateTime(timezone=True)),
    Column("released_at", DateTime(timezone=True)),
    Column("refund_id", Uuid),
    Column("rule_id", Uuid),
    Column("outcome", Text),
    Column("return_address", JSONB),
    Column("return_carrier", Text, server_default=FetchedValue(), nullable=False),
    Column("return_tracking_no", Text, server_default=FetchedValue(), nullable=False),
    Column("inspection", Text),
    Column("extended", Integer, server_default=FetchedValue(), nullable=False),
    Column("extension_asked_by", Text),
    Column("extension_declined_at", DateTime(timezone=True)),
    Column("idempotency_key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("due_kind", Text),
    Column("closed_at", DateTime(timezone=True)),
)

case_lines = Table(
    "case_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("sku_id", Uuid),
    Column("category", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
)

case_units = Table(
    "case_units",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("bought", Integer, nullable=False),
    Column("shipped", Integer, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("in_case", Integer, server_default=FetchedValue(), nullable=False),
    Column("asked_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("came_back", Integer, server_default=FetchedValue(), nullable=False),
)

case_moves = Table(
    "case_moves",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("n", SmallInteger, primary_key=True),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("person_id", Uuid),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("facts", JSONB, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

case_messages = Table(
    "case_messages",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("side", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("about", Text, server_default=FetchedValue(), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("at", DateTime(timezone=True), nullable=False),
)

case_evidence = Table(
    "case_evidence",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("side", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

case_rulings = Table(
    "case_rulings",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("instance", SmallInteger, primary_key=True),
    Column("question", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("granted_minor", BigInteger, nullable=False),
    Column("bearer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

case_holds = Table(
    "case_holds",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("owner_id", Uuid, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
)

resend_lines = Table(
    "resend_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("case_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("sku_id", Uuid),
    Column("quantity", Integer, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_no", Text, nullable=False),
    Column("from_stock", Boolean, nullable=False),
    Column("cost_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("back_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

insurance_products = Table(
    "insurance_products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("currency", CHAR(3), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("near_minor", BigInteger, nullable=False),
    Column("far_minor", BigInteger, nullable=False),
    Column("bands", JSONB, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)

insured_stores = Table(
    "insured_stores",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("since", DateTime(timezone=True), primary_key=True),
    Column("until", DateTime(timezone=True)),
    Column("counted", Integer, nullable=False),
    Column("came_back", Integer, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
    Column("taken_by", Uuid, nullable=False),
)

insurance_policies = Table(
    "insurance_policies",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("product_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("premium_minor", BigInteger, nullable=False),
    Column("cover_minor", BigInteger, nullable=False),
    Column("route", Text, nullable=False),
    Column("return_bp", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("charged_at", DateTime(timezone=True)),
)

insurance_claims = Table(
    "insurance_claims",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("case_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

buyer_score_formulas = Table(
    "buyer_score_formulas",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("formula", JSONB, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

buyer_scores = Table(
    "buyer_scores",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("score", Integer, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("formula_id", Uuid),
    Column("counted_at", DateTime(timezone=True), nullable=False),
)

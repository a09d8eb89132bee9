"""Tables of packages, carriers and what is told of parcels, as the migrations make them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE

from dougong.infra.db import metadata

carriers = Table(
    "carriers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

carrier_rates = Table(
    "carrier_rates",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("carrier", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("from_province", Text, server_default=FetchedValue(), nullable=False),
    Column("to_province", Text, server_default=FetchedValue(), nullable=False),
    Column("first_g", Integer, nullable=False),
    Column("first_minor", BigInteger, nullable=False),
    Column("further_g", Integer, nullable=False),
    Column("further_minor", BigInteger, nullable=False),
    Column("divisor", Integer, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("carrier", Text),
    Column("tracking_no", Text),
    Column("shipped_at", DateTime(timezone=True)),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("state_at", DateTime(timezone=True), nullable=False),
    Column("heard_at", DateTime(timezone=True), nullable=False),
    Column("watch_at", DateTime(timezone=True)),
    Column("warehouse_id", Uuid),
    Column("weight_g", Integer),
    Column("size_mm", ARRAY(Integer)),
    Column("packed_at", DateTime(timezone=True)),
    Column("packed_by", Uuid),
    Column("planned_carrier", Text),
    Column("planned_minor", BigInteger),
)

package_lines = Table(
    "package_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("package_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("quantity", Integer, nullable=False),
)

tracking_events = Table(
    "tracking_events",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("package_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("raw", Text, server_default=FetchedValue(), nullable=False),
    Column("place", Text, server_default=FetchedValue(), nullable=False),
    Column("province", Text, server_default=FetchedValue(), nullable=False),
    Column("source", Text, nullable=False),
    Column("by_id", Uuid),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
)

stray_events = Table(
    "stray_events",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("tracking_no", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("raw", Text, server_default=FetchedValue(), nullable=False),
    Column("place", Text, server_default=FetchedValue(), nullable=False),
    Column("province", Text, server_default=FetchedValue(), nullable=False),
    Column("source", Text, nullable=False),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
    Column("taken_at", DateTime(timezone=True)),
)

waybills = Table(
    "waybills",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("package_id", Uuid, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("number", Text),
    Column("cost_minor", BigInteger),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("asked_by", Uuid, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("answered_at", DateTime(timezone=True)),
)

hand_overs = Table(
    "hand_overs",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("taken_by", Text, server_default=FetchedValue(), nullable=False),
)

hand_over_packages = Table(
    "hand_over_packages",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("hand_over_id", Uuid, primary_key=True),
    Column("package_id", Uuid, primary_key=True),
    Column("outcome", Text, server_default=FetchedValue(), nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
)

pick_bins = Table(
    "pick_bins",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("warehouse_id", Uuid, primary_key=True),
    Column("bin", Text, nullable=False),
)

waves = Table(
    "waves",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("warehouse_id", Uuid, nullable=False),
    Column("lines", Text, server_default=FetchedValue(), nullable=False),
    Column("province", Text, server_default=FetchedValue(), nullable=False),
    Column("carrier", Text),
    Column("is_cheapest", Boolean, server_default=FetchedValue(), nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

wave_lines = Table(
    "wave_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("wave_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("warehouse_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("picked", Integer, server_default=FetchedValue(), nullable=False),
    Column("packed", Integer, server_default=FetchedValue(), nullable=False),
    Column("bin", Text, server_default=FetchedValue(), nullable=False),
    Column("is_open", Boolean, server_default=FetchedValue(), nullable=False),
)

picks = Table(
    "picks",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("wave_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("line_no", SmallInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("undoes", Text),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

ship_promises = Table(
    "ship_promises",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("promised_by", DateTime(timezone=True), nullable=False),
    Column("rule_id", Uuid),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("kept_at", DateTime(timezone=True)),
    Column("late_at", DateTime(timezone=True)),
    Column("late_units", Integer),
)

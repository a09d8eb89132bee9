"""Tables of the catalog area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE

from dougong.infra.db import metadata

categories = Table(
    "categories",
    metadata,
    Column("path", Text, primary_key=True),
    Column("parent", Text),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("position", Integer, server_default=FetchedValue(), nullable=False),
)

stores = Table(
    "stores",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, server_default=FetchedValue(), nullable=False),
    Column("tagline_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("tagline_en", Text, server_default=FetchedValue(), nullable=False),
    Column("logo_file", Text),
    Column("currency", CHAR(3), nullable=False),
    Column("merchant_class", Text, server_default=FetchedValue(), nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("shipping_fee_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("free_shipping_from_minor", BigInteger),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, server_default=FetchedValue(), nullable=False),
    Column("description_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("description_en", Text, server_default=FetchedValue(), nullable=False),
    Column("brand", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("commission_bp", Integer),
    Column("image_links", JSONB, server_default=FetchedValue(), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("purchase_url", Text),
    Column("purchase_source", Text, server_default=FetchedValue(), nullable=False),
)

product_images = Table(
    "product_images",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("product_id", Uuid, primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("file", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
)

skus = Table(
    "skus",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("product_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("options", JSONB, server_default=FetchedValue(), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("list_price_minor", BigInteger),
    Column("gtin", Text),
    Column("attributes", JSONB, server_default=FetchedValue(), nullable=False),
    Column("weight_g", Integer, server_default=FetchedValue(), nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("position", SmallInteger, server_default=FetchedValue(), nullable=False),
)

coupons = Table(
    "coupons",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, server_default=FetchedValue(), nullable=False),
    Column("funder", Text, nullable=False),
    Column("funder_org_id", Uuid, nullable=False),
    Column("amount_off_minor", BigInteger),
    Column("percent_off_bp", Integer),
    Column("min_spend_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("usable", TSTZRANGE, nullable=False),
    Column("quota", Integer, nullable=False),
    Column("used", Integer, server_default=FetchedValue(), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

coupon_uses = Table(
    "coupon_uses",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("coupon_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("discount_minor", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("released_at", DateTime(timezone=True)),
)

import_runs = Table(
    "import_runs",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_done", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_bad", Integer, server_default=FetchedValue(), nullable=False),
    Column("report", JSONB, server_default=FetchedValue(), nullable=False),
    Column("started_by", Uuid),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

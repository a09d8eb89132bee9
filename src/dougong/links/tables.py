"""Tables of the links area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import Column, DateTime, FetchedValue, SmallInteger, Table, Text, Uuid

from dougong.infra.db import metadata

product_links = Table(
    "product_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("video_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("surface", Text, server_default=FetchedValue(), nullable=False),
    Column("route", Text, server_default=FetchedValue(), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("link_id", Uuid, nullable=False),
    Column("person_id", Uuid),
    Column("at", DateTime(timezone=True), nullable=False),
)

"""Tables of the content area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    FetchedValue,
    Integer,
    Table,
    Text,
    Uuid,
)

from dougong.infra.db import metadata

uploads = Table(
    "uploads",
    metadata,
    Column("creator_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("started_by", Uuid, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("bytes_total", BigInteger, nullable=False),
    Column("bytes_received", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)

videos = Table(
    "videos",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("creator_id", Uuid, nullable=False),
    Column("upload_id", Uuid),
    Column("caption_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("caption_en", Text, server_default=FetchedValue(), nullable=False),
    Column("state", Text, nullable=False),
    Column("progress_bp", Integer, server_default=FetchedValue(), nullable=False),
    Column("failure", Text),
    Column("media", Text),
    Column("seconds", Double),
    Column("width", Integer),
    Column("height", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
)

likes = Table(
    "likes",
    metadata,
    Column("video_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("video_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
)

follows = Table(
    "follows",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("creator_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

hidden_videos = Table(
    "hidden_videos",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("video_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("video_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolution", Text),
    Column("resolved_by", Uuid),
    Column("resolution_reason", Text, server_default=FetchedValue(), nullable=False),
)

video_views = Table(
    "video_views",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("video_id", Uuid, primary_key=True),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("watched_ms", BigInteger, server_default=FetchedValue(), nullable=False),
)

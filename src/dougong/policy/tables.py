"""Tables of the policy area, as the migrations make them (SQL first; drift is tested)."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE

from dougong.infra.db import metadata

MATCHED = ("source", "surface", "category", "route", "party_class", "party", "merchant_class")


def _rules(name: str, value: "Column[Any]", *more: "Column[Any]") -> Table:
    """A table of dated rules: the same columns around what its rows say."""
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        *(Column(one, Text, server_default=FetchedValue(), nullable=False) for one in MATCHED),
        Column("announced_at", DateTime(timezone=True), nullable=False),
        Column("in_force", TSTZRANGE, nullable=False),
        Column("rollout_bp", Integer, server_default=FetchedValue(), nullable=False),
        value,
        Column("reason_zh", Text, nullable=False),
        Column("reason_en", Text, nullable=False),
        Column("citation", Text, server_default=FetchedValue(), nullable=False),
        Column("author_id", Uuid, nullable=False),
        Column("approver_id", Uuid),
        Column("approved_at", DateTime(timezone=True)),
        *more,
    )


fee_rules = _rules(
    "fee_rules", Column("rate_bp", Integer, nullable=False), Column("round_id", Uuid)
)
term_rules = _rules("term_rules", Column("seconds", BigInteger, nullable=False))
link_rules = _rules(
    "link_rules", Column("allowed", Boolean, nullable=False), Column("round_id", Uuid)
)

"""Compares whole reports at once, in DuckDB: the same verdicts as `rules.judge`, set-based.

Reads three CSV files without touching the database; needs no network and loads no extension.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec

from dougong.settlement.rules import EXACT, Terms, Verdict, within

THREADS = 2
MEMORY = "1GB"
FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    return (at - FIRST) // timedelta(microseconds=1)


def instant_of(us: int) -> datetime:
    return FIRST + timedelta(microseconds=us)


class Sum(msgspec.Struct, frozen=True):
    """All orders of one currency and outcome."""

    currency: str
    outcome: str
    orders: int
    ours_minor: int
    theirs_minor: int
    received_minor: int
    gap_minor: int


class Side(msgspec.Struct, frozen=True):
    """What one side says of one currency in one phase (money: `received`)."""

    side: str
    currency: str
    phase: str
    orders: int
    amount_minor: int


OURS = {
    "order_ref": "VARCHAR",
    "currency": "VARCHAR",
    "phase": "VARCHAR",
    "amount_minor": "BIGINT",
    "booked_minor": "BIGINT",
    "at_us": "BIGINT",
}
THEIRS = {
    "order_ref": "VARCHAR",
    "currency": "VARCHAR",
    "phase": "VARCHAR",
    "amount_minor": "BIGINT",
    "refunded_minor": "BIGINT",
    "at_us": "BIGINT",
    "settled_us": "BIGINT",
    "told": "BIGINT",
    "problem": "VARCHAR",
}
RECEIVED = {
    "order_ref": "VARCHAR",
    "currency": "VARCHAR",
    "amount_minor": "BIGINT",
    "at_us": "BIGINT",
    "is_mine": "BOOLEAN",
}

REPORT = """
    CREATE TEMP TABLE report AS
    WITH told AS (
      SELECT order_ref,
        arg_max({'currency': currency, 'phase': phase, 'amount': amount_minor, 'at_us': at_us,
            'settled_us': settled_us, 'problem': problem},
          told::HUGEINT + CASE WHEN amount_minor IS NULL THEN 0::HUGEINT
            ELSE 18446744073709551616::HUGEINT END) AS row_,
        max(refunded_minor) AS refunded
      FROM theirs GROUP BY order_ref
    )
    SELECT order_ref, row_.currency AS currency, row_.phase AS phase,
      CASE WHEN row_.phase = 'settled' THEN row_.amount - refunded ELSE row_.amount END AS amount,
      row_.at_us AS at_us, row_.settled_us AS settled_us, row_.problem AS problem
    FROM told
"""
VERDICTS = """
    CREATE TEMP TABLE verdicts AS
    WITH money AS (
      SELECT order_ref, min(currency) AS currency, count(DISTINCT currency) > 1 AS is_mixed,
        sum(amount_minor)::BIGINT AS amount, min(at_us) AS at_us, bool_or(is_mine) AS is_mine
      FROM received WHERE order_ref <> '' GROUP BY order_ref
    ), joined AS (
      SELECT coalesce(o.order_ref, t.order_ref, r.order_ref) AS order_ref,
        coalesce(t.currency, o.currency, r.currency) AS currency,
        coalesce(o.currency <> t.currency, false) OR coalesce(o.currency <> r.currency, false)
          OR coalesce(t.currency <> r.currency, false) OR coalesce(r.is_mixed, false) AS is_mixed,
        o.order_ref IS NOT NULL AS has_ours, t.order_ref IS NOT NULL AS has_theirs,
        r.order_ref IS NOT NULL AS has_money,
        o.phase AS our_phase, o.amount_minor AS ours, coalesce(o.booked_minor, 0) AS booked,
        t.phase AS phase, t.amount AS theirs, coalesce(t.problem, '') AS problem,
        r.amount AS got, coalesce(o.at_us, t.at_us, r.at_us) AS at_us, o.at_us AS our_us,
        coalesce(t.settled_us, t.at_us) AS due_us, t.settled_us AS settled_us
      FROM ours o FULL JOIN report t ON t.order_ref = o.order_ref
      FULL JOIN money r ON r.order_ref = coalesce(o.order_ref, t.order_ref)
      WHERE o.order_ref IS NOT NULL OR t.order_ref IS NOT NULL OR r.is_mine
    ), looked AS (
      SELECT j.*, l.amount_minor IS NOT NULL AS has_lump,
        $as_of - coalesce(s.patience_days, 0)::BIGINT * 86400000000 AS patient_until,
        CASE WHEN phase = 'settled' THEN theirs ELSE 0 END AS due,
        abs(theirs - ours) <= greatest(coalesce(s.tolerance_minor, 0),
          greatest(abs(theirs), abs(ours))::HUGEINT * coalesce(s.tolerance_bp, 0) // 10000)
          AS same_amount,
        abs(got - due) <= greatest(coalesce(s.tolerance_minor, 0),
          greatest(abs(got), abs(due))::HUGEINT * coalesce(s.tolerance_bp, 0) // 10000)
          AS same_money
      FROM joined j LEFT JOIN terms s ON s.currency = j.currency
      LEFT JOIN lumps l ON l.currency = j.currency
    ), said AS (
      SELECT *, CASE
        WHEN is_mixed THEN {'outcome': 'different', 'reason': 'currency', 'gap': 0}
        WHEN NOT has_theirs AND has_money
          THEN {'outcome': 'unreported', 'reason': 'not_reported', 'gap': got - coalesce(ours, 0)}
        WHEN NOT has_theirs AND our_phase = 'closed'
          THEN {'outcome': 'matched', 'reason': '', 'gap': 0}
        WHEN NOT has_theirs AND our_us >= patient_until
          THEN {'outcome': 'waiting', 'reason': 'not_in_report', 'gap': 0}
        WHEN NOT has_theirs
          THEN {'outcome': 'only_ours', 'reason': 'not_in_report', 'gap': -ours}
        WHEN NOT has_ours THEN {'outcome': 'only_theirs', 'reason': 'unknown_order',
          'gap': coalesce(theirs, 0)}
        WHEN theirs IS NULL THEN {'outcome': 'different', 'reason': 'unreadable', 'gap': 0}
        WHEN our_phase <> phase
          THEN {'outcome': 'different', 'reason': 'phase', 'gap': theirs - ours}
        WHEN NOT same_amount
          THEN {'outcome': 'different', 'reason': 'amount', 'gap': theirs - ours}
        WHEN has_money AND NOT same_money
          THEN {'outcome': 'different', 'reason': 'received', 'gap': got - due}
        WHEN phase = 'open' THEN {'outcome': 'waiting', 'reason': 'not_settled', 'gap': 0}
        WHEN has_money OR due <= 0 OR has_lump
          THEN {'outcome': 'matched', 'reason': '', 'gap': 0}
        WHEN due_us >= patient_until THEN {'outcome': 'waiting', 'reason': 'not_due', 'gap': 0}
        ELSE {'outcome': 'unpaid', 'reason': 'overdue', 'gap': -due} END AS verdict
      FROM looked
    )
    SELECT order_ref, currency, verdict.outcome AS outcome, verdict.reason AS reason,
      problem AS detail, ours AS ours_minor, booked AS booked_minor, theirs AS theirs_minor,
      got AS received_minor, verdict.gap::BIGINT AS gap_minor, at_us,
      CASE WHEN verdict.outcome = 'unpaid' THEN coalesce(settled_us, at_us) ELSE at_us END
        AS since_us,
      has_lump AND outcome = 'matched' AND NOT has_money AND due > 0 AS is_covered
    FROM said
"""
LUMPS = """
    SELECT l.currency, l.amount_minor, coalesce(sum(v.theirs_minor), 0)::BIGINT AS due
    FROM lumps l LEFT JOIN verdicts v ON v.currency = l.currency AND v.is_covered
    GROUP BY l.currency, l.amount_minor ORDER BY l.currency
"""
SUMS = """
    SELECT currency, outcome, count(*), coalesce(sum(ours_minor), 0)::BIGINT,
      coalesce(sum(theirs_minor), 0)::BIGINT, coalesce(sum(received_minor), 0)::BIGINT,
      sum(gap_minor)::BIGINT
    FROM verdicts GROUP BY currency, outcome ORDER BY currency, outcome
"""
SIDES = """
    SELECT 'ours' AS side, currency, phase, count(*), sum(amount_minor)::BIGINT FROM ours
    GROUP BY ALL
    UNION ALL
    SELECT 'theirs', currency, phase, count(*), coalesce(sum(amount), 0)::BIGINT FROM report
    GROUP BY ALL
    UNION ALL
    SELECT 'received', currency, 'received', count(DISTINCT nullif(order_ref, '')),
      sum(amount_minor)::BIGINT FROM received WHERE is_mine GROUP BY ALL
    ORDER BY ALL
"""
DIFFERENCES = """
    SELECT order_ref, currency, outcome, reason, detail, ours_minor, booked_minor, theirs_minor,
      received_minor, gap_minor, at_us, since_us
    FROM verdicts WHERE $every OR outcome NOT IN ('matched', 'waiting') ORDER BY at_us, order_ref
"""
# As `reconciliation_rows` takes them. The id of a case follows from source and order alone.
ROWS = """
    SELECT $run_id AS run_id, CAST(md5($source || chr(31) || order_ref) AS UUID) AS case_id,
      order_ref, currency, outcome, reason, detail, ours_minor, booked_minor, theirs_minor,
      received_minor, gap_minor, make_timestamp(at_us), make_timestamp(since_us),
      greatest(0, ($as_of - since_us) // 86400000000)
    FROM verdicts WHERE outcome NOT IN ('matched', 'waiting') ORDER BY order_ref
"""
PUT_LUMP = "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, false)"


class Comparison:
    """What came of comparing three sides; alive inside `compared`."""

    def __init__(self, inside: duckdb.DuckDBPyConnection, as_of_us: int) -> None:
        self._inside = inside
        self._as_of_us = as_of_us

    def sums(self) -> list[Sum]:
        """By currency and outcome; their orders together are all that was compared."""
        return [Sum(*row) for row in self._inside.execute(SUMS).fetchall()]

    def sides(self) -> list[Side]:
        return [Side(*row) for row in self._inside.execute(SIDES).fetchall()]

    def differences(self, *, every: bool = False, most: int = 10_000) -> Iterator[list[Verdict]]:
        """What does not agree, the oldest first, in pieces of `most`; `every`: what agrees too."""
        found = self._inside.execute(DIFFERENCES, {"every": every})
        while rows := found.fetchmany(most):
            yield [Verdict(*row) for row in rows]

    def write(self, target: Path, *, run_id: UUID, source: str) -> None:
        """What does not agree, as CSV for `run_commands.put_rows`."""
        values = {"run_id": str(run_id), "source": source, "as_of": self._as_of_us}
        self._inside.sql(ROWS, params=values).write_csv(str(target), header=False)


@contextmanager
def compared(
    ours: Path,
    theirs: Path,
    received: Path,
    *,
    terms: Mapping[str, Terms],
    lumps: Mapping[str, int],
    lump_subject: str,
    starts_us: int,
    as_of_us: int,
    beside: Path,
) -> Iterator[Comparison]:
    """Compare three CSV files without a header (columns: OURS, THEIRS, RECEIVED).

    lumps: money that names no order, by currency; its difference is named `lump_subject` and the
    currency. beside: a directory for what does not fit into memory.
    """
    inside = duckdb.connect(
        config={
            "threads": THREADS,
            "memory_limit": MEMORY,
            "temp_directory": str(beside),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_access": True,  # these three files, and nothing by address
        }
    )
    try:
        for name, path, columns in (
            ("ours", ours, OURS),
            ("theirs", theirs, THEIRS),
            ("received", received, RECEIVED),
        ):
            _read(inside, path, columns).create(name)
        _put(inside, terms, lumps)
        inside.execute(REPORT)
        inside.execute(VERDICTS, {"as_of": as_of_us})
        _judge_lumps(inside, terms, lump_subject, starts_us)
        yield Comparison(inside, as_of_us)
    finally:
        inside.close()


def _read(
    inside: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    return inside.read_csv(
        str(path),
        header=False,
        delimiter=",",
        quotechar='"',
        escapechar='"',
        na_values=[""],
        columns=dict(columns),
        auto_detect=False,
    )


def _put(
    inside: duckdb.DuckDBPyConnection, terms: Mapping[str, Terms], lumps: Mapping[str, int]
) -> None:
    inside.execute("""
        CREATE TEMP TABLE terms
          (currency VARCHAR, tolerance_minor BIGINT, tolerance_bp INTEGER, patience_days INTEGER)
    """)
    inside.execute("CREATE TEMP TABLE lumps (currency VARCHAR, amount_minor BIGINT)")
    for currency, one in terms.items():
        row = [currency, one.tolerance_minor, one.tolerance_bp, one.patience_days]
        inside.execute("INSERT INTO terms VALUES (?, ?, ?, ?)", row)
    for currency, amount in lumps.items():
        inside.execute("INSERT INTO lumps VALUES (?, ?)", [currency, amount])


def _judge_lumps(
    inside: duckdb.DuckDBPyConnection, terms: Mapping[str, Terms], subject: str, starts_us: int
) -> None:
    """As `rules.judge_lump` says."""
    for currency, lump, due in inside.execute(LUMPS).fetchall():
        agrees = within(lump, due, terms.get(currency, EXACT))
        row: list[Any] = [f"{subject} {currency}", currency]
        row += ["matched", "", ""] if agrees else ["different", "received", ""]
        row += [None, 0, due, lump, 0 if agrees else lump - due, starts_us, starts_us]
        inside.execute(PUT_LUMP, row)

"""Takes a partner's own statement of orders, of a million rows too: CSV or the first sheet of XLSX.

The columns are data (`order_statement.toml`). What cannot be taken is told by line, field, reason.
"""

import csv
import io
import tomllib
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from dougong.base.money import SCALES
from dougong.settlement.payment_files import HEADER_WITHIN, own_folder, workbook_lines
from dougong.settlement.payment_rules import plain
from dougong.settlement.rules import BadPaymentFile

OURS = Path(__file__).parent / "order_statement.toml"
FIELDS = ("order_ref", "status", "currency", "amount", "refunded", "paid_at", "settled_at")
MOST_PROBLEMS = 500
MAX_BYTES = 2_000_000_000


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How such a file is read. `columns`: our field to the names that its column may have."""

    timezone: str
    currency: str
    encodings: tuple[str, ...]
    time_formats: tuple[str, ...]
    required: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    states: dict[str, tuple[str, ...]]


class Statement(msgspec.Struct, frozen=True):
    """What became of a file's rows. Parked: it contradicts an earlier row; refused: unreadable."""

    rows: int
    taken: int
    repeated: int
    outside: int  # of another period
    parked: int
    refused: int
    problems: list[dict[str, Any]]  # line, outcome, field, reason, value; the first of them


def columns_of() -> Columns:
    """Raises BadPaymentFile (`bad_mapping`) for an operator's own file that is none."""
    own = own_folder() / "order_statement.toml"
    file = own if own.exists() else OURS
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Columns)
    except ValueError as error:  # also tomllib's and msgspec's own
        raise BadPaymentFile(field="mapping", why="bad_mapping", detail=str(error)) from error


READ = """
    CREATE TEMP TABLE read_ AS
    WITH cells AS (
      SELECT row_number() OVER () AS n, trim(order_ref, ' ''`"=\t') AS order_ref,
        lower(trim(status)) AS status,
        upper(coalesce(nullif(trim(currency), ''), $currency)) AS cur,
        regexp_replace(amount, '[¥￥,元\\s]', '', 'g') AS amount,
        regexp_replace(coalesce(refunded, ''), '[¥￥,元\\s]', '', 'g') AS refunded,
        trim(paid_at) AS paid_at, trim(coalesce(settled_at, '')) AS settled_at
      FROM cells_
    ), typed AS (
      SELECT c.n, c.order_ref, c.status, c.cur, s.phase, c.amount, c.paid_at,
        c.settled_at, c.refunded,
        TRY_CAST(c.amount AS DECIMAL(20, 4)) * coalesce(x.units, 100)::DECIMAL(4, 0) AS minor,
        coalesce(TRY_CAST(nullif(c.refunded, '') AS DECIMAL(20, 4)), 0)
          * coalesce(x.units, 100)::DECIMAL(4, 0) AS refunded_minor,
        epoch_us(timezone($zone, try_strptime(c.paid_at, $formats))) AS at_us,
        epoch_us(timezone($zone, try_strptime(nullif(c.settled_at, ''), $formats))) AS settled_us
      FROM cells c LEFT JOIN states s ON s.word = c.status
      LEFT JOIN scales x ON x.currency = c.cur
    )
    SELECT n, coalesce(order_ref, '') AS order_ref, cur AS currency,
      coalesce(phase, 'open') AS phase,
      CASE WHEN minor = floor(minor) AND minor >= 0 THEN minor::BIGINT END AS amount_minor,
      greatest(floor(refunded_minor), 0)::BIGINT AS refunded_minor,
      at_us, settled_us,
      CASE WHEN coalesce(order_ref, '') = '' THEN {'field': 'order_ref', 'reason': 'missing',
          'value': ''}
        WHEN regexp_matches(order_ref, '^[0-9].*[eE][+]') THEN {'field': 'order_ref',
          'reason': 'digits_lost', 'value': order_ref}
        WHEN NOT regexp_matches(cur, '^[A-Z]{3}$') THEN {'field': 'currency',
          'reason': 'unknown_value', 'value': cur}
        WHEN phase IS NULL THEN {'field': 'status', 'reason': 'unknown_status',
          'value': coalesce(status, '')}
        WHEN at_us IS NULL THEN {'field': 'paid_at', 'reason': 'bad_time',
          'value': coalesce(paid_at, '')}
        WHEN settled_at <> '' AND settled_us IS NULL THEN {'field': 'settled_at',
          'reason': 'bad_time', 'value': settled_at}
        WHEN minor IS NULL OR minor <> floor(minor) OR minor < 0 THEN {'field': 'amount',
          'reason': 'bad_amount', 'value': coalesce(amount, '')} END AS problem
    FROM typed
"""
# Of rows that say the same the first stays. Of rows of one order and state that contradict each
# other the first counts, and the others wait for a person.
TAKEN = """
    CREATE TEMP TABLE taken AS
    WITH first_ AS (
      SELECT order_ref, currency, phase, amount_minor, refunded_minor, at_us, settled_us, problem,
        min(n) AS n
      FROM read_ GROUP BY ALL
    ), twice AS (
      SELECT order_ref, phase, min(n) AS n FROM first_ WHERE problem IS NULL
      GROUP BY order_ref, phase HAVING count(*) > 1
    )
    SELECT f.n, f.order_ref, f.currency, f.phase, f.amount_minor, f.refunded_minor, f.at_us,
      f.settled_us, coalesce(f.problem, CASE WHEN f.n > t.n THEN {'field': 'amount',
        'reason': 'told_otherwise', 'value': f.amount_minor::VARCHAR} END) AS problem,
      coalesce(f.n > t.n AND f.problem IS NULL, false) AS is_parked
    FROM first_ f LEFT JOIN twice t ON t.order_ref = f.order_ref AND t.phase = f.phase
"""
COUNTS = """
    SELECT (SELECT count(*) FROM read_),
      count(*) FILTER (WHERE problem IS NULL AND at_us >= $starts AND at_us < $ends),
      (SELECT count(*) FROM read_) - count(*),
      count(*) FILTER (WHERE problem IS NULL AND NOT (at_us >= $starts AND at_us < $ends)),
      count(*) FILTER (WHERE is_parked),
      count(*) FILTER (WHERE problem IS NOT NULL AND NOT is_parked)
    FROM taken
"""
PROBLEMS = """
    SELECT n + $header AS line, CASE WHEN is_parked THEN 'parked' ELSE 'refused' END AS outcome,
      problem.field, problem.reason, left(problem.value, 120)
    FROM taken WHERE problem IS NOT NULL ORDER BY n LIMIT $most
"""
OUT = """
    SELECT order_ref, currency, phase, CASE WHEN problem IS NULL THEN amount_minor END,
      refunded_minor, at_us, settled_us, n, coalesce(problem.reason, '')
    FROM taken WHERE order_ref <> '' AND at_us >= $starts AND at_us < $ends
"""


def take_statement(source: Path, target: Path, *, starts_us: int, ends_us: int) -> Statement:
    """Write the rows of [starts, ends) as `compare.THEIRS`. Raises BadPaymentFile (empty, too_big,
    encoding, missing_column, bad_table, bad_workbook)."""
    how = columns_of()
    plain_file = target.with_suffix(".utf8")
    delimiter, names, header = _prepared(source, plain_file, how)
    inside = duckdb.connect(
        config={
            "threads": 2,
            "memory_limit": "1GB",
            "temp_directory": str(target.parent),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        _load(inside, plain_file, how, delimiter=delimiter, names=names, header=header)
        period = {"starts": starts_us, "ends": ends_us}
        counts = inside.execute(COUNTS, period).fetchall()[0]
        problems = inside.execute(PROBLEMS, {"header": header, "most": MOST_PROBLEMS}).fetchall()
        inside.sql(OUT, params=period).write_csv(str(target), header=False)
    finally:
        inside.close()
    keys = ("line", "outcome", "field", "reason", "value")
    told = [dict(zip(keys, row, strict=True)) for row in problems]
    rows, taken, repeated, outside, parked, refused = counts
    return Statement(rows, taken, repeated, outside, parked, refused, told)


def _load(
    inside: duckdb.DuckDBPyConnection,
    file: Path,
    how: Columns,
    *,
    delimiter: str,
    names: list[str],
    header: int,
) -> None:
    inside.execute("CREATE TEMP TABLE states (word VARCHAR, phase VARCHAR)")
    for phase, words in how.states.items():
        for word in words:
            inside.execute("INSERT INTO states VALUES (?, ?)", [word.casefold(), phase])
    inside.execute("CREATE TEMP TABLE scales (currency VARCHAR, units INTEGER)")
    for currency, digits in SCALES.items():
        inside.execute("INSERT INTO scales VALUES (?, ?)", [currency, 10**digits])
    try:
        cells = inside.read_csv(
            str(file),
            header=False,
            skiprows=header,
            delimiter=delimiter,
            quotechar='"',
            escapechar='"',
            columns=dict.fromkeys(names, "VARCHAR"),
            auto_detect=False,
            null_padding=True,
            parallel=False,
        )
        for field in FIELDS:
            if field not in names:
                empty = duckdb.ConstantExpression(None).cast(duckdb.sqltypes.VARCHAR)
                cells = cells.select(duckdb.StarExpression(), empty.alias(field))
        cells.create("cells_")
    except duckdb.Error as error:
        raise BadPaymentFile(field="file", why="bad_table", detail=str(error)[:300]) from error
    formats = list(how.time_formats)
    values = {"currency": how.currency, "zone": how.timezone, "formats": formats}
    inside.execute(READ, values)
    inside.execute(TAKEN)


def _prepared(source: Path, target: Path, how: Columns) -> tuple[str, list[str], int]:
    """The same as UTF-8; its delimiter, the names of its columns, and how many lines go before."""
    if source.stat().st_size > MAX_BYTES:
        raise BadPaymentFile(field="file", why="too_big")
    data = source.read_bytes()
    if not data.strip():
        raise BadPaymentFile(field="file", why="empty")
    if data.startswith(b"PK\x03\x04"):
        text = io.StringIO(newline="")
        csv.writer(text).writerows(cells for _, cells in workbook_lines(data))
        data = text.getvalue().encode()
    else:
        data = _as_utf8(data, how)
    target.write_bytes(data)
    head = data[:65_536].decode("utf-8", "ignore")
    lines = head.splitlines()[:HEADER_WITHIN]
    delimiter = max("\t,;", key=lambda mark: max((line.count(mark) for line in lines), default=0))
    best: list[str] = list(how.required)
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    for n, cells in enumerate(islice(rows, HEADER_WITHIN), start=1):
        names = _names(cells, how.columns)
        missing = [field for field in how.required if field not in names]
        if not missing:
            return delimiter, names, n
        best = min(best, missing, key=len)
    told = ", ".join(how.columns[field][0] for field in best)
    raise BadPaymentFile(field=best[0], why="missing_column", columns=told)


def _as_utf8(data: bytes, how: Columns) -> bytes:
    for encoding in how.encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.encode()
    raise BadPaymentFile(field="file", why="encoding", tried=", ".join(how.encodings))


def _names(cells: list[str], columns: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Our fields in the file's order; a column that is none of ours has a name of its own."""
    titles = [plain(cell) for cell in cells]
    names = [f"column_{n}" for n in range(len(cells))]
    for field, known in columns.items():
        for title in map(plain, known):
            if title in titles:
                names[titles.index(title)] = field
                break
    return names

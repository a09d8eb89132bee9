"""How every process writes its log."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from dougong.infra.settings import settings

QUOTED = re.compile(r': ".*"')


def without_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: PostgreSQL's errors quote what was written; which rule it broke is enough."""
    for told in event.get("exception", ()):
        lines = str(told["exc_value"]).split("\n")
        kept = [QUOTED.sub(": …", line) for line in lines if not line.startswith("DETAIL:")]
        told["exc_value"] = "\n".join(kept)
    return event


def configure_logs(*, to: TextIO | None = None) -> None:
    """JSON lines, in every process of ours. `to`: standard output where nothing is said."""
    level = getattr(logging, settings().log_level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: they hold passwords and tokens.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            without_values,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(to),
        cache_logger_on_first_use=True,
    )

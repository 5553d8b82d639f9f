"""Log lines as JSON, one object a line, for the programs that gather an institution's logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

OWN = "spinetk"
"""Name of the logger whose words are our own; libraries quote what peers and users send."""


class JsonLines(logging.Formatter):
    """Time (ISO 8601, UTC), level, message, and what `extra={"fields": {...}}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        return json.dumps(line, ensure_ascii=False)


def log_to_standard_error(*, as_json: bool) -> logging.Logger:
    """The logger of our own words, on standard error; the root one says nothing."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(asctime)s %(message)s"))
    own = logging.getLogger(OWN)
    own.addHandler(handler)
    own.propagate, own.level = False, logging.INFO
    logging.getLogger().addHandler(logging.NullHandler())
    return own

"""What the server tells its operator, as text or as one JSON object a line."""

import json
import logging
import sys
from datetime import datetime, timezone
from typing import TextIO

from segdemo.settings import LogForm

_OURS = "segdemo"
_FACTS = ("request", "reference", "method", "path", "status", "seconds")
"""What a record may hold beside its message, given as ``extra``."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time (ISO 8601, UTC), level, logger, message, facts, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=timezone.utc).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update({name: getattr(record, name) for name in _FACTS if hasattr(record, name)})
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def write_logs(form: LogForm, stream: TextIO = sys.stderr) -> logging.Handler:
    """Write what segdemo logs from now on; answered calls are told in JSON alone.

    Returns the handler, so that it can be taken away again.
    """
    handler = logging.StreamHandler(stream)
    if form == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger(_OURS)
    ours.setLevel(logging.INFO if form == "json" else logging.WARNING)
    ours.addHandler(handler)
    ours.propagate = False
    return handler

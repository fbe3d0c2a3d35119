"""The boundary: what a person can mend is said; anything else is logged under a reference."""

import logging
import secrets

from segdemo.errors import SegdemoError
from segdemo.strings import text

_log = logging.getLogger(__name__)


def explain(error: Exception) -> str:
    """The sentence for ``error``; a mistake of ours gets a neutral one, and the log the rest."""
    if isinstance(error, SegdemoError):
        return error.message()
    reference = secrets.token_hex(3)
    _log.error("unexpected failure %s", reference, exc_info=error)
    return text("unexpected", reference=reference)

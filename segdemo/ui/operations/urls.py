"""Finds web addresses where a program names a file; the server fetches nothing for anybody."""

import json
from typing import Any

MAX_BODY_BYTES = 8_000_000
"""Of a call of an endpoint; files are uploaded before."""
_MAX_DEPTH = 40
_SCHEMES = ("http:", "https:", "ftp:")


def names_an_address(body: bytes) -> bool:
    """Whether a JSON body holds a file whose path is a web address. Anything else has none."""
    if b"path" not in body:
        return False
    try:
        return _holds_address(json.loads(body), _MAX_DEPTH)
    except (ValueError, RecursionError):
        return False


def _holds_address(value: Any, depth: int) -> bool:
    if not depth:
        return True  # Nobody nests so deep by accident.
    if isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str) and path.strip().lower().startswith(_SCHEMES):
            return True
        return any(_holds_address(one, depth - 1) for one in value.values())
    if isinstance(value, list):
        return any(_holds_address(one, depth - 1) for one in value)
    return False

"""Who asks: the address of a request's client, also behind the proxy of a Space."""

import os
from collections.abc import Iterable, Mapping
from typing import Any


def address_of(scope: Mapping[str, Any]) -> str:
    """The client's address in an ASGI scope; "" where the server knows none.

    On a Space it is the last one in X-Forwarded-For, which the Space's proxy adds; elsewhere
    that header is not trusted, as anybody can send it.
    """
    if os.environ.get("SPACE_ID"):
        forwarded = header(scope, "x-forwarded-for").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    client = scope.get("client")
    return str(client[0]) if client else ""


def header(scope: Mapping[str, Any], name: str) -> str:
    """The first header of that name, in lower case; "" where there is none."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers") or ()
    wanted = name.encode("ascii")
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), "")

"""Which names of itself the server answers to, so that no other site reaches a private one."""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

_LOCAL = "localhost"
_OWN = (_LOCAL, "*.localhost")
_SPACE = ("*.hf.space", "*.huggingface.tech")
_SHARED = ("*.gradio.live",)


def known_hosts(
    chosen: Sequence[str], environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Patterns of the names that are answered; empty for any.

    ``chosen`` are those of the operator. Without them a server that listens on this machine alone
    answers to its local names and to addresses, so that a foreign name that is made to point
    here (DNS rebinding) reaches nothing; one that listens on a network answers to any.
    """
    if chosen:
        return (*_OWN, *chosen)
    if environment.get("SPACE_ID"):
        own = environment.get("SPACE_HOST", "")
        return (*_OWN, *_SPACE, *([own] if own else []))
    server = environment.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    return (*_OWN, *_SHARED) if is_loopback(server) else ()


def is_known(host: str, known: Sequence[str]) -> bool:
    """Whether a Host header names this server; a bare address always does."""
    name = _name(host)
    return not known or is_address(name) or any(fnmatchcase(name, one.lower()) for one in known)


def is_foreign(origin: str, host: str) -> bool:
    """Whether a page of another site asks a server on this machine alone to change something."""
    return bool(origin) and is_loopback(_name(host)) and not is_loopback(_origin(origin))


def is_address(name: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a name or address stands for this machine alone."""
    if is_address(name):
        return ipaddress.ip_address(name).is_loopback
    return name == _LOCAL or name.endswith(f".{_LOCAL}")


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    return _host_in(f"//{host}")


def _origin(origin: str) -> str:
    return _host_in(origin)


def _host_in(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""

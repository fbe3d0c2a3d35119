"""What the page needs of the Hub, so that tests can put a small one in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from segdemo.hub import listing
from segdemo.hub.addresses import parse
from segdemo.hub.client import endpoint, offline
from segdemo.hub.download import Downloads
from segdemo.hub.references import Address, Found, Repository
from segdemo.settings import Settings
from segdemo.ui.transfers.transfers import Download

DEFAULT_ENDPOINT = "https://huggingface.co"


class Look(Protocol):
    """segdemo.hub.listing.look."""

    def __call__(self, address: Address, *, token: str | None = None) -> Repository:
        """The repository with all its files judged. Raises HubError."""


class Search(Protocol):
    """segdemo.hub.listing.search."""

    def __call__(self, words: str, *, token: str | None = None) -> tuple[Found, ...]:
        """The repositories that fit. Raises HubError."""


class Start(Protocol):
    """segdemo.hub.download.Downloads.start."""

    def __call__(
        self, address: Address, *, token: str | None = None, folder: Path | None = None
    ) -> Download:
        """A download that has begun. Raises HubError."""


@dataclass(frozen=True, kw_only=True)
class HubAccess:
    """The ways to the Hub."""

    parse: Callable[[str], Address | None]
    look: Look
    search: Search
    start: Start
    endpoint: str = DEFAULT_ENDPOINT
    offline: bool = False


def hub_access(settings: Settings) -> HubAccess:
    """The real ones, at the endpoint that the environment names; asks nobody anything."""
    return HubAccess(
        parse=parse,
        look=partial(listing.look, seconds=settings.hub_timeout_seconds),
        search=partial(listing.search, seconds=settings.hub_timeout_seconds),
        start=Downloads(settings).start,
        endpoint=endpoint(),
        offline=offline(),
    )

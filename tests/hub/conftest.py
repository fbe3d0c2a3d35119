"""A Hub on loopback, and the client turned to it with an empty cache."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hub_server import HubServer, clients
from huggingface_hub.utils import close_session


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    """A Hub that holds nothing yet."""
    with HubServer() as server:
        yield server


@pytest.fixture
def hub_cache(tmp_path: Path) -> Path:
    """The folder that the client keeps its files in."""
    return tmp_path / "cache"


@pytest.fixture
def turn_client_to(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Makes an address the only Hub that the client knows, with no token and nothing cached."""
    yield partial(clients.turn_client_to, cache=hub_cache, patch=monkeypatch)
    close_session()


@pytest.fixture
def hub(hub_server: HubServer, turn_client_to: Callable[[str], None]) -> HubServer:
    """The same Hub, as the only one that the client knows."""
    turn_client_to(hub_server.endpoint)
    return hub_server

"""A Hub on loopback, and the client turned to it with an empty cache."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import HubServer
from huggingface_hub import constants
from huggingface_hub.utils import _detect_agent as detect_agent
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

    def turn(endpoint: str) -> None:
        # What the client reads from the environment, once, when it is imported.
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_cache))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(hub_cache.with_name("token")))
        for name in ("HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        # Once in each process it would ask the Hub for a list that no test is about.
        monkeypatch.setattr(detect_agent, "_registry", {"standardEnvVars": [], "harnesses": {}})
        close_session()

    yield turn
    close_session()


@pytest.fixture
def hub(hub_server: HubServer, turn_client_to: Callable[[str], None]) -> HubServer:
    """The same Hub, as the only one that the client knows."""
    turn_client_to(hub_server.endpoint)
    return hub_server

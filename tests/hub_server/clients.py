"""The real client, made to know only one Hub."""

from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _detect_agent as detect_agent
from huggingface_hub.utils import close_session


def turn_client_to(endpoint: str, cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Makes an address the only Hub that the client knows, with no token and its own cache."""
    # What it reads from the environment, once, when it is imported.
    template = "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "ENDPOINT", endpoint)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + template)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache.with_name("token")))
    for name in ("HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        patch.delenv(name, raising=False)
    # Once in each process it would ask the Hub for a list that no test is about.
    patch.setattr(detect_agent, "_registry", {"standardEnvVars": [], "harnesses": {}})
    close_session()

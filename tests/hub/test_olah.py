"""A Hub that was not written here: olah, when SEGDEMO_OLAH names its executable.

`pip install olah` in an environment of its own, then
`SEGDEMO_OLAH=.../bin/olah-cli .venv/bin/python -m pytest tests/hub/test_olah.py`.
It answers from a git repository of its own, and as a mirror of the Hub on loopback, which so
has a second client to please.
"""

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hub_server import HubServer
from huggingface_hub import HfApi, errors, hf_hub_download
from safetensors.torch import save

OLAH = os.environ.get("SEGDEMO_OLAH", "")
WEIGHTS = save({"a": torch.arange(30_000.0).reshape(100, 300)})
FILES = {"model.safetensors": WEIGHTS, "config.json": b'{"classes": 2}'}

pytestmark = [
    pytest.mark.skipif(not OLAH, reason="SEGDEMO_OLAH names no olah executable"),
    pytest.mark.slow,
]


@contextmanager
def olah(folder: Path, *options: str, settings: str = "") -> Iterator[str]:
    """The address of a running olah that keeps all it writes in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "olah.toml"
    # With a file of settings it reads no options but --log-path.
    if settings:
        config.write_text(settings.format(port=port, folder=folder))
        options = ("--config", str(config))
    else:
        options = (*options, "--host", "127.0.0.1", "--port", str(port))
        options = (*options, "--repos-path", str(folder / "repos"))
    process = subprocess.Popen(
        [OLAH, *options, "--log-path", str(folder / "log")],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Uvicorn running" in line:
                break
        else:
            pytest.fail("".join(said))
        rest = threading.Thread(target=process.stdout.read)  # or it would wait for a reader
        rest.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        rest.join()
        process.stdout.close()


@pytest.fixture
def own(tmp_path: Path, turn_client_to: Callable[[str], None]) -> Iterator[str]:
    """It answers from a git repository, without any other Hub."""
    repository = tmp_path / "mirrors" / "models" / "alice" / "cells"
    repository.mkdir(parents=True)
    for name, content in FILES.items():
        (repository / name).write_bytes(content)
    author = ["-c", "user.name=alice", "-c", "user.email=alice@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*author, "commit", "-qm", "Add"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    settings = """
        [basic]
        host = "127.0.0.1"
        port = {port}
        repos-path = "{folder}/repos"
        mirrors-path = ["{folder}/mirrors"]
        [accessibility]
        offline = true
    """
    with olah(tmp_path, settings=settings) as endpoint:
        turn_client_to(endpoint)
        yield endpoint


@pytest.fixture
def mirror(
    tmp_path: Path, hub_server: HubServer, turn_client_to: Callable[[str], None]
) -> Iterator[str]:
    """It mirrors the Hub on loopback."""
    host, storage = (
        address.removeprefix("http://") for address in (hub_server.endpoint, hub_server.storage)
    )
    options = ("--hf-scheme", "http", "--hf-netloc", host, "--hf-lfs-netloc", storage)
    with olah(tmp_path, *options) as endpoint:
        turn_client_to(endpoint)
        yield endpoint


def read_everything(endpoint: str) -> None:
    api = HfApi(endpoint=endpoint, token=False)
    for name, content in FILES.items():
        assert Path(hf_hub_download("alice/cells", name)).read_bytes() == content
    assert set(api.list_repo_files("alice/cells")) == FILES.keys()
    assert {branch.name for branch in api.list_repo_refs("alice/cells").branches} == {"main"}
    metadata = api.get_safetensors_metadata("alice/cells").files_metadata["model.safetensors"]
    assert metadata.tensors["a"].shape == [100, 300]
    with pytest.raises(errors.RepositoryNotFoundError):
        api.model_info("alice/none")


def test_files_come_from_a_hub_that_was_not_written_here(own):
    read_everything(own)


def test_files_come_through_a_mirror(mirror, hub_server):
    hub_server.add("alice/cells", FILES)
    read_everything(mirror)
    info = HfApi(endpoint=mirror, token=False).model_info("alice/cells", files_metadata=True)
    assert {sibling.rfilename for sibling in info.siblings} == FILES.keys()
    with pytest.raises(errors.RemoteEntryNotFoundError):
        hf_hub_download("alice/cells", "none.bin")

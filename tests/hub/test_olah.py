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
from hub_server import HubServer
from hub_situations import FILE, REPO, WEIGHTS
from huggingface_hub import HfApi, errors, hf_hub_download

from segdemo.errors import HubError
from segdemo.hub.download import Downloads
from segdemo.hub.listing import look, search
from segdemo.hub.references import Address
from segdemo.settings import Settings

OLAH = os.environ.get("SEGDEMO_OLAH", "")
FILES = {FILE: WEIGHTS, "config.json": b'{"classes": 1}'}

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
    repository = tmp_path / "mirrors" / "models" / REPO
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


def library_reads(endpoint: str) -> None:
    """huggingface_hub alone."""
    api = HfApi(endpoint=endpoint, token=False)
    for name, content in FILES.items():
        assert Path(hf_hub_download(REPO, name)).read_bytes() == content
    assert set(api.list_repo_files(REPO)) == FILES.keys()
    assert {branch.name for branch in api.list_repo_refs(REPO).branches} == {"main"}
    assert FILE in api.get_safetensors_metadata(REPO).files_metadata
    with pytest.raises(errors.RepositoryNotFoundError):
        api.model_info("alice/none")


def we_read(revision: str | None, cache: Path) -> None:
    """What the page does: look, then fetch."""
    repository = look(Address(repo_id=REPO, revision=revision))
    (found,) = repository.files
    assert found.verdict.reason is None
    assert found.bytes == len(WEIGHTS)
    download = Downloads(Settings()).start(found.address, folder=cache / "own")
    assert [progress.total for progress in download.updates()][-1] == len(WEIGHTS)
    assert download.path.read_bytes() == WEIGHTS
    with pytest.raises(HubError) as said:
        look(Address(repo_id="alice/none", revision=revision))
    assert said.value.key == "hub_not_found"


def test_files_come_from_a_hub_that_was_not_written_here(own, hub_cache):
    library_reads(own)
    we_read("main", hub_cache)  # without a revision, it knows no description


def test_files_come_through_a_mirror(mirror, hub_server, hub_cache):
    hub_server.add(REPO, FILES)
    library_reads(mirror)
    we_read(None, hub_cache)
    with pytest.raises(errors.RemoteEntryNotFoundError):
        hf_hub_download(REPO, "none.bin")


def test_a_mirror_without_a_search_is_told(mirror):
    with pytest.raises(HubError) as said:
        search("cells")
    assert said.value.key == "hub_no_search"

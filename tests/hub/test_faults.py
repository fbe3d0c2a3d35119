"""Whatever happens to the Hub or on the way: a sentence in time, and nothing wrong is kept."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hub_server import HubServer, clients
from hub_situations import FILE, FULL, REPO, SITUATIONS, WEIGHTS, Situation, Stage, outcome
from huggingface_hub import try_to_load_from_cache
from table import every

from segdemo.errors import HubError, SegdemoError
from segdemo.hub.listing import look
from segdemo.hub.references import Address

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 0.5
ADDRESS = Address(repo_id=REPO, filename=FILE)

# Fetches a file in a process of its own and prints what was said of it, once for every number
# of bytes that the disk is made to seem to have; "" for what it has.
FETCH = """
import shutil, sys
from segdemo.errors import HubError, SegdemoError
from segdemo.hub.download import Downloads
from segdemo.hub.listing import look
from segdemo.hub.references import Address
from segdemo.settings import Settings

repo, file, *seeming = sys.argv[1:]
for free in seeming:
    if free:
        shutil.disk_usage = lambda path: type("Usage", (), {"free": int(free)})
    try:
        download = Downloads(Settings()).start(Address(repo_id=repo, filename=file))
        for _ in download.updates():
            pass
        print("fetched")
    except HubError as error:
        print(error.key)
"""


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A Hub that holds nothing, and a cache in ``folder`` that holds nothing."""
    cache = folder / "cache"
    with HubServer() as server, pytest.MonkeyPatch.context() as patch:
        turn_client_to = partial(clients.turn_client_to, cache=cache, patch=patch)
        turn_client_to(server.endpoint)
        stage = Stage("fetch", server, cache, patch, turn_client_to)
        stage.wait_at_most(20 * SECONDS)
        yield stage
        settle()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def settle() -> None:
    """Also where the Hub still hangs, no download goes on after its end was told."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("download ")]
    for thread in ours:
        thread.join(10 * SECONDS)
    assert not any(thread.is_alive() for thread in ours)


def digests(content: bytes) -> set[str]:
    blob = b"blob %d\0" % len(content) + content
    return {hashlib.sha256(content).hexdigest(), hashlib.sha1(blob).hexdigest()}


def nothing_wrong_is_kept(stage: Stage) -> bool:
    """Every content in the cache is what its name says, and nothing lies above the cache."""
    named = all(path.name in digests(path.read_bytes()) for path in stage.kept())
    above = [found for folder in stage.cache.parents[:4] for found in folder.glob("*evil*")]
    return named and not above


# A full disk needs a device that is one.
HERE = [known for known in SITUATIONS if known.key != "hub_disk_full" or FULL.exists()]


@every("known", HERE, ids=lambda known: known.id)
def test_a_situation_is_told_in_time_and_leaves_nothing_wrong(known: Situation, tmp_path: Path):
    with staged(tmp_path) as stage:
        is_told(known, stage)


def is_told(known: Situation, stage: Stage) -> None:
    stage.way = known.way
    if known.key == "hub_silent":
        # Whatever else is told by itself; a short deadline would only race with a busy machine.
        stage.wait_at_most(SECONDS)
    said = outcome(known, stage)
    assert said is not None, "Nothing was said"
    assert said.key == known.key
    # Without our code it takes 15 s, 23 s, minutes or for ever.
    assert stage.seconds < stage.patience + 10 * SECONDS
    settle()
    assert nothing_wrong_is_kept(stage)
    assert stage.kept() == [] or known.way != "fetch"
    if stage.server.heal() and stage.server.holds(REPO, FILE) and known.way == "fetch":
        # Being patient again: what never answered is healed.
        stage.wait_at_most(20 * SECONDS)
        assert stage.fetch(ADDRESS).read_bytes() == WEIGHTS


NAMED = b'{"id": "a/b", "sha": "%s", "siblings": [%s]}' % (b"0" * 40, b"%s")
ODD_ANSWERS = {
    "nothing": b"",
    "null": b"null",
    "half a letter": b"\xff\xfe\x00",
    "a number of 5000 digits": b"1" * 5000,
    "no number": b"NaN",
    "numbers for words": b'{"id": 1, "sha": 5, "siblings": [1, null, {"rfilename": 5}, {}]}',
    "names that lead out": NAMED % b'{"rfilename": "../../x.pth", "size": 9}',
    "a size that is none": NAMED % b'{"rfilename": "x.pth", "size": 1e400}',
    "a size below nothing": NAMED % b'{"rfilename": "x.pth", "size": -5}',
    "words for lists": b'[{"id": 5}, {"id": "a/b", "siblings": 7, "tags": {}, "likes": "x"}, null]',
}


@every(("name", "way"), [(name, way) for name in ODD_ANSWERS for way in ("look", "search")])
def test_an_odd_answer_is_a_sentence_or_nothing_found(stage, name, way):
    stage.add()
    stage.way = way
    stage.server.fault("body", on=("api", "list"), content=ODD_ANSWERS[name])
    with contextlib.suppress(SegdemoError):
        stage.act(file=None)
    stage.server.heal()


def test_a_mirror_that_leaves_sizes_out_is_asked_for_them(stage):
    stage.add()
    stage.server.fault("no_sizes")
    (found,) = look(Address(repo_id=REPO)).files
    assert found.verdict.reason is None
    assert (found.bytes, found.sha256) == (len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest())
    assert [request.kind for request in stage.server.requests].count("api") == 2


# Afterwards, and meanwhile.


@every(
    ("fault", "options"),
    [
        ("truncate", {}),
        ("status", {"status": 429, "headers": {"Retry-After": "3600"}}),
        ("status", {"status": 502}),
    ],
)
def test_what_failed_once_succeeds_the_next_time(stage, fault, options):
    stage.add()
    stage.server.fault(fault, on="get", times=1, **options)
    with pytest.raises(HubError):
        stage.act()
    assert stage.act().read_bytes() == WEIGHTS
    shutil.rmtree(stage.cache)


def test_a_token_is_for_the_hub_alone(stage):
    stage.add(private=True)
    token = stage.server.user("alice")
    with HubServer() as thief:
        thief.add(REPO, {FILE: WEIGHTS})
        there = f"{thief.endpoint}/{REPO}/resolve/main/{FILE}"
        stage.server.fault("redirect", on=("head", "get"), path=FILE, to=there)
        stage.fetch(ADDRESS, token=token)
        assert thief.requests
        assert {request.token for request in thief.requests} == {""}
        assert {request.headers.get("Cookie") for request in thief.requests} == {None}


def test_a_file_is_never_asked_for_again_and_again(stage):
    stage.add()
    stage.server.fault("truncate", on="get")
    with pytest.raises(HubError, match="broke off"):
        stage.act()
    assert [request.path for request in stage.server.requests if request.sent] == [FILE]


# A process of its own, which is killed, or writes to a disk of its own.


def child(stage: Stage, *before: str, seeming: tuple[str, ...] = ("",)) -> subprocess.Popen[str]:
    environment = os.environ | {
        "HF_ENDPOINT": stage.server.endpoint,
        "HF_HUB_CACHE": str(stage.cache),
        "HF_HUB_OFFLINE": "0",
        "PYTHONPATH": str(ROOT),
    }
    command = [*before, sys.executable, "-c", FETCH, REPO, FILE, *seeming]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_download_that_was_killed_leaves_nothing_that_is_taken_for_the_file(stage):
    commit = stage.add()
    stage.server.fault("stall", on="get", times=1)
    with child(stage) as process:
        stage.server.wait_for(lambda request: request.sent >= len(WEIGHTS) // 2)
        process.kill()
    left = stage.kept()
    assert [path.suffix for path in left] == [".incomplete"]
    assert len(left[0].read_bytes()) < len(WEIGHTS)
    for revision in ("main", commit):
        found = try_to_load_from_cache(REPO, FILE, cache_dir=stage.cache, revision=revision)
        assert not isinstance(found, str)
    assert stage.fetch(ADDRESS).read_bytes() == WEIGHTS
    # What was left is gone, too.
    assert [path.read_bytes() for path in stage.kept()] == [WEIGHTS]


@pytest.mark.slow
def test_a_disk_that_fills_up_is_told_and_keeps_no_part(stage):
    """A real one of 256 kB; the second time the room seemed to be there before."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"]).returncode:
        pytest.skip("Nothing can be mounted here")
    stage.add()
    stage.cache.mkdir()
    count = 'find "$0" -type f -path "*/blobs/*" | wc -l'
    script = f'mount -t tmpfs -o size=256k none "$0" && "$@" && {count}'
    shell = [*namespace, "sh", "-c", script, str(stage.cache)]
    with child(stage, *shell, seeming=("", "999999999")) as process:
        told, _ = process.communicate()
    assert told.split() == ["hub_disk_small", "hub_disk_full", "0"]
    assert [request.path for request in stage.server.requests if request.sent] == [FILE]

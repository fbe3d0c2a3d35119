"""Xet: used where the Hub offers it, within the same limits, and never the only way."""

import os
import threading
from pathlib import Path

import pytest
from hub_server import HubServer
from hub_server.xet import TOKEN
from huggingface_hub import constants, hf_hub_download
from table import every

from segdemo.errors import HubError
from segdemo.hub.download import Download, Downloads, Progress
from segdemo.hub.references import Address
from segdemo.settings import Settings

pytest.importorskip("hf_xet")

REPO, FILE = "alice/cells", "model.safetensors"
CONTENT = os.urandom(700_000)


@pytest.fixture
def xet(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The Hub, which offers its large files by Xet as well."""
    monkeypatch.setenv("HF_XET_CACHE", str(tmp_path / "xet"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.offer_xet()
    hub.add(REPO, {FILE: CONTENT})
    return hub


def start(seconds: float, **options: object) -> Download:
    downloads = Downloads(Settings(hub_timeout_seconds=seconds))
    return downloads.start(Address(repo_id=REPO, filename=FILE), **options)


def kinds(hub: HubServer) -> list[str]:
    """Which ways the bytes of the file came, or were to come."""
    return sorted({request.kind for request in hub.requests if request.sent > len(CONTENT) // 2})


def left_in(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("blobs/*") if path.is_file()]


def test_the_library_alone_reads_from_this_xet(xet):
    assert Path(hf_hub_download(REPO, FILE)).read_bytes() == CONTENT
    assert kinds(xet) == ["xet"]


def test_a_file_comes_by_xet_where_the_hub_offers_it(xet):
    download = start(20)
    seen = list(download.updates())
    assert download.path.read_bytes() == CONTENT
    assert seen[-1] == Progress(received=len(CONTENT), total=len(CONTENT))
    assert kinds(xet) == ["xet"]


def test_xet_is_not_told_the_token_of_the_hub(xet):
    xet.repository(REPO).private = True
    list(start(20, token=xet.user("alice")).updates())
    tokens = {
        (request.host.split(":")[0], request.token)
        for request in xet.requests
        if request.kind == "xet"
    }
    # One is given out by the Hub itself, and blocks are at addresses that need none.
    assert tokens == {("127.0.0.1", "hf_alice"), ("localhost", TOKEN), ("localhost", "")}


def test_who_switches_xet_off_gets_plain_http(xet, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    download = start(20)
    list(download.updates())
    assert download.path.read_bytes() == CONTENT
    assert kinds(xet) == ["get"]


TROUBLE = {
    "no token": ("status", {"status": 404, "path": "xet-read-token"}),
    "a token of no form": ("headers", {"headers": {"X-Xet-Token-Expiration": "never"}}),
    "storage without encryption behind a Hub with it": (
        "headers",
        {"headers": {"X-Xet-Cas-Url": "ftp://localhost"}},
    ),
    "a plan that never comes": ("hang", {"path": "reconstructions"}),
    "no such file": ("status", {"status": 404, "path": "reconstructions"}),
    "a plan of no form": ("body", {"path": "reconstructions"}),
    "blocks that never come": ("hang", {"path": "xorbs"}),
    "half of a block": ("stall", {"path": "xorbs"}),
    "blocks of no form": ("body", {"path": "xorbs"}),
}


def test_where_xet_has_trouble_the_file_comes_by_plain_http(xet, tmp_path):
    wrong = {}
    for name, (fault, options) in TROUBLE.items():
        xet.fault(fault, on="xet", **options)
        xet.forget()
        download = start(1, folder=tmp_path / name)
        try:
            list(download.updates())
        except HubError as error:
            wrong[name] = error.key
        else:
            if download.path.read_bytes() != CONTENT or kinds(xet)[:1] != ["get"]:
                wrong[name] = kinds(xet)
        xet.heal()
    assert wrong == {}


def test_a_token_for_xet_is_asked_of_the_hub_alone(xet):
    with HubServer() as thief:
        there = f'<{thief.endpoint}/api/models/{REPO}/xet-read-token/main>; rel="xet-auth"'
        xet.fault("headers", on="head", headers={"Link": there})
        list(start(20, token=xet.user("alice")).updates())
        assert not thief.requests
    assert kinds(xet) == ["get"]


def test_what_xet_delivers_is_verified(xet, hub_cache):
    fault = xet.fault("corrupt", on="xet", path="xorbs")
    with pytest.raises(HubError) as said:
        list(start(20).updates())
    assert said.value.key == "hub_corrupt"
    assert left_in(hub_cache) == []
    fault.lift()
    download = start(20)
    list(download.updates())
    assert download.path.read_bytes() == CONTENT


@every("where", ["xet-read-token", "reconstructions", "xorbs"])
def test_cancelling_acts_while_xet_is_silent(xet, hub_cache, where):
    xet.heal()
    xet.forget()
    fault = xet.fault("hang", on="xet", path=where)
    download = start(60)
    worker = next(t for t in threading.enumerate() if t.name == f"download {REPO}")
    assert fault.met.wait(20)
    download.cancel()
    worker.join(20)
    assert not worker.is_alive()
    assert left_in(hub_cache) == []
    assert kinds(xet) == []

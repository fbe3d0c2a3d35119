"""Whatever can go wrong between a person and the Hub: how to bring it about, and what is said.

Used by the tests, which look for the sentence, and by the benchmark, which also takes the time.
"""

import io
import json
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hub_server import HubServer, refusing_endpoint
from huggingface_hub import constants
from safetensors.torch import save

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.errors import SegdemoError
from segdemo.hub.addresses import parse
from segdemo.hub.download import Downloads
from segdemo.hub.listing import look, search
from segdemo.hub.references import Address
from segdemo.settings import Settings

REPO, FILE = "alice/cells", "model.safetensors"
FULL = Path("/dev/full")
WAYS = ("look", "fetch", "search")


def network() -> UNet:
    torch.manual_seed(0)
    return UNet(UNetConfig.standard(width=16, depth=2))


WEIGHTS = save(dict(network().state_dict()))


@dataclass
class Stage:
    """A Hub, the client turned to it, and one thing that a person does."""

    way: str
    server: HubServer
    cache: Path
    patch: pytest.MonkeyPatch
    turn_client_to: Callable[[str], None]
    patience: float = 0.0
    """The deadline, in seconds."""
    seconds: float = 0.0
    """How long the last act took."""

    def act(
        self,
        repo: str = REPO,
        file: str | None = FILE,
        *,
        revision: str | None = None,
        token: str | None = None,
    ) -> Path | None:
        """What a person does: looks at a repository, fetches a file of it, or searches.

        A look at a single file raises what stands in its verdict, as that is what is shown.
        """
        start = time.perf_counter()
        try:
            address = Address(repo_id=repo, revision=revision, filename=file)
            if self.way == "search":
                search("cells", token=token, seconds=self.patience)
                return None
            if self.way == "look":
                for found in look(address, token=token, seconds=self.patience).files:
                    if found.verdict.reason is not None:
                        raise found.verdict.reason
                return None
            return self.fetch(address, token=token)
        finally:
            self.seconds = time.perf_counter() - start

    def fetch(self, address: Address, *, token: str | None = None) -> Path:
        download = Downloads(Settings.from_environment()).start(address, token=token)
        for _ in download.updates():
            pass
        return download.path

    def wait_at_most(self, seconds: float) -> None:
        """Sets the deadline."""
        self.patience = seconds
        self.patch.setenv("SEGDEMO_HUB_TIMEOUT", f"{seconds:g}")

    def add(self, **facts: Any) -> str:
        return self.server.add(REPO, {FILE: WEIGHTS}, **facts)

    def add_file(self, content: bytes, name: str = FILE) -> None:
        self.server.add(REPO, {name: content})

    def kept(self) -> list[Path]:
        """The contents in the cache, under whatever names."""
        return [path for path in self.cache.rglob("blobs/*") if path.is_file()]


@dataclass(frozen=True)
class Situation:
    """How to bring it about, and the key of the sentence that has to be said."""

    name: str
    key: str
    provoke: Callable[[Stage], object]
    way: str

    @property
    def id(self) -> str:
        return f"{self.name}, {self.way}"


SITUATIONS: list[Situation] = []
_Provoke = Callable[[Stage], object]


def situation(name: str, key: str, *ways: str) -> Callable[[_Provoke], _Provoke]:
    def listed(provoke: _Provoke) -> _Provoke:
        SITUATIONS.extend(Situation(name, key, provoke, way) for way in ways)
        return provoke

    return listed


# What was asked for is not there, or not for everyone.


@situation("something that is no address", "hub_not_an_address", "look", "fetch")
def no_address(stage: Stage) -> None:
    parse("alice//cells")


@situation("a file name that leads out of the repository", "hub_not_an_address", "look", "fetch")
def leading_out(stage: Stage) -> None:
    stage.add()
    stage.act(file="../../etc/passwd")


@situation("a typo, or a repository that was deleted", "hub_not_found", "look", "fetch")
def typo(stage: Stage) -> None:
    stage.act("alice/none")


@situation("a private repository, without a token", "hub_not_found", "look", "fetch")
def private(stage: Stage) -> None:
    stage.add(private=True)
    stage.act()


@situation("someone else's private repository", "hub_not_found_signed_in", "look", "fetch")
def private_of_another(stage: Stage) -> None:
    stage.add(private=True)
    stage.act(token=stage.server.user("bob"))


@situation("a gated repository, without a token", "hub_gated", "look", "fetch")
def gated(stage: Stage) -> None:
    stage.add(gated="manual")
    stage.act()


@situation("a gated repository, terms not accepted", "hub_gated_refused", "look", "fetch")
def gated_not_accepted(stage: Stage) -> None:
    stage.add(gated="manual")
    stage.act(token=stage.server.user("bob"))


@situation("an HF_TOKEN that has expired", "hub_token", *WAYS)
def stale_token(stage: Stage) -> None:
    stage.add()
    stage.patch.setenv("HF_TOKEN", "hf_stale")
    stage.act()


@situation("a repository that the Hub has disabled", "hub_disabled", "look", "fetch")
def disabled(stage: Stage) -> None:
    stage.add(disabled=True)
    stage.act()


@situation("403 with a reason", "hub_forbidden_because", "look", "fetch")
def forbidden(stage: Stage) -> None:
    stage.add()
    stage.server.fault("status", status=403, message="Your plan does not include this.")
    stage.act()


@situation("403 without a word", "hub_forbidden", "look", "fetch")
def forbidden_without_a_word(stage: Stage) -> None:
    stage.add()
    stage.server.fault("status", status=403)
    stage.act()


@situation("401 without a code", "hub_not_found", "look", "fetch")
def unauthorised(stage: Stage) -> None:
    stage.add()
    stage.server.fault("status", status=401)
    stage.act()


@situation("a branch that there is none of", "hub_no_revision_of", "look", "fetch")
def no_branch(stage: Stage) -> None:
    stage.add()
    stage.act(revision="none")


@situation("a file that there is none of", "hub_no_file_of", "look", "fetch")
def no_file(stage: Stage) -> None:
    stage.add()
    stage.act(file="none.pth")


# What is there cannot be read.


@situation("only .gguf and .keras", "hub_no_weights", "look")
def other_forms(stage: Stage) -> None:
    stage.server.add(REPO, {"model.gguf": b"gguf", "model.keras": b"keras"})
    stage.act(file=None)


@situation("a page in place of safetensors", "file_web_page", "look")
def page_for_weights(stage: Stage) -> None:
    stage.add_file(b"<!doctype html><html><body>Not found</body></html>")
    stage.act()


@situation("a pointer in place of safetensors", "file_pointer", "look")
def pointer_for_weights(stage: Stage) -> None:
    stage.add_file(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    stage.act()


@situation("a whole pickled module", "file_whole_object", "look")
def whole_module(stage: Stage) -> None:
    file = io.BytesIO()
    torch.save(network(), file)
    stage.add_file(file.getvalue(), "net.pth")
    stage.act(file="net.pth")


@situation("a pickle that runs a command", "file_runs_code", "look")
def command(stage: Stage) -> None:
    class Command:
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, ("raise SystemExit('It ran')",)

    file = io.BytesIO()
    torch.save({"a": Command()}, file)
    stage.add_file(file.getvalue(), "net.pth")
    stage.act(file="net.pth")


@situation("TorchScript", "file_torchscript", "look")
def torchscript(stage: Stage) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/code/__torch__.py", "class Net:\n  pass\n")
        archive.writestr("net/constants.pkl", pickle.dumps(()))
        archive.writestr("net/data.pkl", pickle.dumps({}))
    stage.add_file(file.getvalue(), "net.pt")
    stage.act(file="net.pt")


@situation("tensors of a network that is not known", "checkpoint_unknown", "look")
def unknown_network(stage: Stage) -> None:
    stage.add_file(save({"a.weight": torch.zeros(3, 3)}))
    stage.act()


@situation("weights that need Python code of their own", "hub_remote_code", "look")
def remote_code(stage: Stage) -> None:
    config = {"architectures": ["Net"], "auto_map": {"AutoModel": "net.Net"}}
    weights = save({"a.weight": torch.zeros(3, 3)})
    stage.server.add(REPO, {FILE: weights, "config.json": json.dumps(config).encode()})
    stage.act()


@situation("a diffusion model", "hub_diffusion", "look")
def diffusion(stage: Stage) -> None:
    weights = save({"a.weight": torch.zeros(3, 3)})
    stage.server.add(REPO, {FILE: weights}, library_name="diffusers")
    stage.act()


@situation("no weights at all", "hub_no_files", "look")
def no_weights(stage: Stage) -> None:
    stage.server.add(REPO, {"README.md": b"# Soon"})
    stage.act(file=None)


@situation("a server that knows no ranges", "hub_no_ranges", "look")
def no_ranges(stage: Stage) -> None:
    """Of a file whose description stands at its end, and that is too large to be read whole."""
    file = io.BytesIO()
    torch.save({**network().state_dict(), "more": torch.zeros(300_000)}, file)
    stage.add_file(file.getvalue(), "net.pth")
    stage.server.fault("no_ranges", on="get")
    stage.act(file="net.pth")


@situation("another part than the one asked for", "hub_other_part", "look")
def other_part(stage: Stage) -> None:
    stage.add()
    wrong = {"Content-Range": f"bytes 7-{len(WEIGHTS) - 1}/{len(WEIGHTS)}"}
    stage.server.fault("headers", on="get", headers=wrong)
    stage.act()


# The network, or the Hub behind it, has trouble.


@situation("offline mode", "hub_offline", *WAYS)
def offline(stage: Stage) -> None:
    stage.add()
    stage.patch.setattr(constants, "HF_HUB_OFFLINE", True)
    stage.act()


@situation("nobody listens", "hub_unreachable", *WAYS)
def refused(stage: Stage) -> None:
    with refusing_endpoint() as endpoint:
        stage.turn_client_to(endpoint)
        stage.act()


@situation("a host that has no address", "hub_unreachable", *WAYS)
def no_host(stage: Stage) -> None:
    stage.turn_client_to("http://no-such-host.invalid")
    stage.act()


@situation("a proxy that is not there", "hub_proxy", *WAYS)
def no_proxy(stage: Stage) -> None:
    with refusing_endpoint() as endpoint:
        for name in ("no_proxy", "NO_PROXY"):
            stage.patch.delenv(name, raising=False)
        stage.patch.setenv("HTTP_PROXY", endpoint)
        stage.turn_client_to("http://hub.invalid")
        stage.act()


@situation("a proxy that lets nobody through", "hub_proxy", *WAYS)
def proxy(stage: Stage) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        stage.patch.delenv(name, raising=False)
    stage.server.fault("status", status=407)
    stage.patch.setenv("HTTP_PROXY", stage.server.endpoint)
    stage.turn_client_to("http://hub.invalid")
    stage.act()


@situation("no answer", "hub_silent", *WAYS)
def hangs(stage: Stage) -> None:
    stage.add()
    stage.server.fault("hang")
    stage.act()


@situation("an answer of one byte now and then", "hub_silent", *WAYS)
def trickles(stage: Stage) -> None:
    stage.add()
    stage.server.fault("trickle", on=("head", "api", "list"))
    stage.act()


@situation("half of an answer", "hub_silent", "look", "search")
def half_an_answer(stage: Stage) -> None:
    stage.add()
    stage.server.fault("stall", on=("api", "list"))
    stage.act()


@situation("a file of which nothing comes", "hub_silent", "look", "fetch")
def file_hangs(stage: Stage) -> None:
    stage.add()
    stage.server.fault("hang", on="get")
    stage.act()


@situation("a file of which half comes", "hub_silent", "look", "fetch")
def file_stalls(stage: Stage) -> None:
    stage.add()
    stage.server.fault("stall", on="get")
    stage.act()


@situation("a connection that breaks off", "hub_broken_off", *WAYS)
def drops(stage: Stage) -> None:
    stage.add()
    stage.server.fault("drop")
    stage.act()


@situation("a file that breaks off, always", "hub_broken_off", "look", "fetch")
def truncated(stage: Stage) -> None:
    stage.add()
    stage.server.fault("truncate", on="get")
    stage.act()


@situation("something that is not HTTP", "hub_broken_off", *WAYS)
def garbage(stage: Stage) -> None:
    stage.add()
    stage.server.fault("garbage")
    stage.act()


def _with_status(status: int) -> Callable[[Stage], None]:
    def provoke(stage: Stage) -> None:
        stage.add()
        stage.server.fault("status", status=status)
        stage.act()

    return provoke


def _file_with_status(status: int) -> Callable[[Stage], None]:
    def provoke(stage: Stage) -> None:
        stage.add()
        stage.server.fault("status", status=status, on="get")
        stage.act()

    return provoke


for _status in (500, 503):
    situation(f"{_status}", "hub_down", *WAYS)(_with_status(_status))
    situation(f"{_status} for the file", "hub_down", "look", "fetch")(_file_with_status(_status))
situation("429 without a time", "hub_rate_limited_unknown", *WAYS)(_with_status(429))


@situation("429 with Retry-After: 3600", "hub_rate_limited", *WAYS)
def retry_in_an_hour(stage: Stage) -> None:
    stage.add()
    stage.server.fault("status", status=429, headers={"Retry-After": "3600"})
    stage.act()


@situation("429 with ratelimit: t=300", "hub_rate_limited", *WAYS)
def rate_limited(stage: Stage) -> None:
    stage.add()
    limits = {
        "RateLimit": '"api";r=0;t=300',
        "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
    }
    stage.server.fault("status", status=429, headers=limits)
    stage.act()


@situation("429 for the file, Retry-After: 3600", "hub_rate_limited", "look", "fetch")
def file_rate_limited(stage: Stage) -> None:
    stage.add()
    stage.server.fault("status", status=429, headers={"Retry-After": "3600"}, on="get")
    stage.act()


# Who answers is no Hub, or a hostile one.


@situation("a mirror that offers no search", "hub_no_search", "search")
def no_search(stage: Stage) -> None:
    stage.server.fault("status", status=404, on="list", message="Not Found")
    stage.act()


@situation("the page of a captive portal", "hub_no_hub", *WAYS)
def portal(stage: Stage) -> None:
    stage.add()
    stage.server.fault("page")
    stage.act()


@situation("no ETag", "hub_no_hub", "fetch")
def no_etag(stage: Stage) -> None:
    stage.add()
    stage.server.fault("headers", on="head", headers={"ETag": None, "X-Linked-Etag": None})
    stage.act()


@situation("no commit", "hub_no_hub", "fetch")
def no_commit(stage: Stage) -> None:
    stage.add()
    stage.server.fault("headers", on="head", headers={"X-Repo-Commit": None})
    stage.act()


@situation("an ETag ../../../../evil", "hub_no_hub", "fetch")
def hostile_etag(stage: Stage) -> None:
    stage.add()
    stage.server.fault("etag", on="head")
    stage.act()


@situation("such an ETag for what describes the file", "hub_no_hub", "fetch")
def hostile_etag_later(stage: Stage) -> None:
    stage.server.add(REPO, {FILE: WEIGHTS, "config.json": b"{}"})
    stage.server.fault("etag", on="head", path="config.json")
    stage.act()


@situation("a commit ../../../../evil", "hub_no_hub", "fetch")
def hostile_commit(stage: Stage) -> None:
    stage.add()
    stage.server.fault("commit", on="head")
    stage.act()


@situation("such a commit for what describes the file", "hub_no_hub", "fetch")
def hostile_commit_later(stage: Stage) -> None:
    stage.server.add(REPO, {FILE: WEIGHTS, "config.json": b"{}"})
    stage.server.fault("commit", on="head", path="config.json")
    stage.act()


@situation("JSON that is none", "hub_no_hub", "look", "search")
def no_json(stage: Stage) -> None:
    stage.add()
    stage.server.fault("body", on=("api", "list"))
    stage.act()


@situation("JSON in another form", "hub_no_hub", "look", "search")
def other_json(stage: Stage) -> None:
    stage.add()
    # A list where an object belongs, and the other way round.
    content = b'["a", {"b": [null]}]' if stage.way == "look" else b'{"a": [null]}'
    stage.server.fault("body", on=("api", "list"), content=content)
    stage.act()


@situation("JSON a hundred thousand deep", "hub_no_hub", "look", "search")
def deep_json(stage: Stage) -> None:
    stage.add()
    stage.server.fault("body", on=("api", "list"), content=b"[" * 100_000)
    stage.act()


@situation("JSON without an end", "hub_too_long", "look", "search")
def endless_json(stage: Stage) -> None:
    stage.add()
    stage.server.fault("endless", on=("api", "list"))
    stage.act()


@situation("256 kB that unpack to 256 MB", "hub_no_hub", "look", "search")
def packed_json(stage: Stage) -> None:
    stage.add()
    stage.server.fault("gzip", on=("api", "list"))
    stage.act()


@situation("redirects in a circle", "hub_no_hub", *WAYS)
def circle(stage: Stage) -> None:
    stage.add()
    stage.server.fault("redirect_loop")
    stage.act()


@situation("a redirect to ftp://", "hub_no_hub", *WAYS)
def other_scheme(stage: Stage) -> None:
    stage.add()
    stage.server.fault("redirect", to="ftp://127.0.0.1/evil")
    stage.act()


@situation("a redirect to file://", "hub_no_hub", *WAYS)
def local_file(stage: Stage) -> None:
    stage.add()
    stage.server.fault("redirect", to="file:///etc/passwd")
    stage.act()


# The file is another than the one that was named, or there is no room for it.


@situation("one bit of the file is wrong", "hub_corrupt", "fetch")
def corrupt(stage: Stage) -> None:
    stage.add()
    stage.server.fault("corrupt", on="get")
    stage.act()


@situation("one bit of a small file is wrong", "hub_corrupt", "fetch")
def corrupt_small(stage: Stage) -> None:
    stage.server.add(REPO, {FILE: WEIGHTS}, lfs=())
    stage.server.fault("corrupt", on="get")
    stage.act()


@situation("the digest of another file", "hub_corrupt", "fetch")
def other_digest(stage: Stage) -> None:
    stage.add()
    stage.server.fault("etag", on="head", value="0" * 64)
    stage.act()


@situation("less than was announced", "hub_size", "fetch")
def shorter(stage: Stage) -> None:
    stage.add()
    stage.server.fault("shorter", on="get")
    stage.act()


@situation("a file without an end", "hub_too_long", "fetch")
def endless_file(stage: Stage) -> None:
    stage.add()
    stage.server.fault("endless", on="get")
    stage.act()


@situation("a file of a petabyte", "hub_too_large", "fetch")
def huge(stage: Stage) -> None:
    stage.add()
    stage.server.fault("size", on="head", value=10**15)
    stage.act()


@situation("a cache that cannot be written", "hub_cache_unwritable", "fetch")
def unwritable(stage: Stage) -> None:
    stage.add()
    stage.cache.write_bytes(b"a file in the place of the folder")
    stage.act()


@situation("a disk that is full", "hub_disk_full", "fetch")
def full_disk(stage: Stage) -> None:
    """What is written goes to a device that the kernel always calls full."""
    usual = Path.open

    def on_a_full_disk(path: Path, *how: Any, **options: Any) -> Any:
        return usual(FULL if path.suffix == ".incomplete" else path, *how, **options)

    stage.add()
    stage.patch.setattr(Path, "open", on_a_full_disk)
    stage.act()


@situation("a disk with less room than that", "hub_disk_small", "fetch")
def small_disk(stage: Stage) -> None:
    free = len(WEIGHTS) - 1
    stage.patch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    stage.add()
    stage.act()


@situation("cancelled", "hub_cancelled", "fetch")
def cancelled(stage: Stage) -> None:
    stage.add()
    stall = stage.server.fault("stall", on="get")
    address = Address(repo_id=REPO, filename=FILE)
    download = Downloads(Settings.from_environment()).start(address)
    stall.met.wait(20)
    start = time.perf_counter()
    download.cancel()
    try:
        for _ in download.updates():
            pass
    finally:
        stage.seconds = time.perf_counter() - start


def outcome(known: Situation, stage: Stage) -> SegdemoError | None:
    """What is said in this situation; None when nothing is."""
    try:
        known.provoke(stage)
    except SegdemoError as said:
        return said
    return None

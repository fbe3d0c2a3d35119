"""The Hub on loopback as the real client sees it, without any code of ours in between."""

import contextlib
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
from hub_server import FAULTS, HubServer, refusing_endpoint
from huggingface_hub import (
    HfApi,
    constants,
    errors,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
)
from huggingface_hub.utils import _http as http
from safetensors.torch import save
from table import every

WEIGHTS = save({"a": torch.arange(30_000.0).reshape(100, 300)})
CARD = b"---\nlicense: mit\npipeline_tag: image-segmentation\ntags: [unet]\n---\n# Cells\n"
FILES = {"model.safetensors": WEIGHTS, "README.md": CARD, "sub/config.json": b'{"classes": 2}'}

# The library itself sends files in a way that its HTTP client has deprecated.
uploading = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(autouse=True)
def _plain_client(monkeypatch):
    monkeypatch.setattr(http, "_GLOBAL_CLIENT_FACTORY", http.default_client_factory)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=False)


def asked(server: HubServer) -> list[tuple[str, str]]:
    return [(request.method, request.kind) for request in server.requests]


# What it holds.


def test_a_large_file_comes_from_another_host_than_its_address(hub):
    hub.add("alice/cells", FILES)
    path = hf_hub_download("alice/cells", "model.safetensors")
    assert Path(path).read_bytes() == WEIGHTS
    head, get = hub.requests
    assert (head.method, head.status, head.sent) == ("HEAD", 302, 0)
    assert (get.method, get.status, get.sent) == ("GET", 200, len(WEIGHTS))
    assert head.host.startswith("127.0.0.1:")
    assert get.host.startswith("localhost:")


def test_a_small_file_comes_from_a_path_on_the_same_host(hub):
    hub.add("alice/cells", FILES)
    path = hf_hub_download("alice/cells", "sub/config.json")
    assert Path(path).read_bytes() == FILES["sub/config.json"]
    assert [request.status for request in hub.requests] == [307, 200, 200]
    assert {request.host for request in hub.requests} == {hub.endpoint.removeprefix("http://")}


def test_a_file_names_its_commit_its_size_and_its_digest(hub):
    commit = hub.add("alice/cells", FILES)
    repository = hub.repository("alice/cells")
    for path, digits in (("model.safetensors", 64), ("sub/config.json", 40)):
        metadata = get_hf_file_metadata(hf_hub_url("alice/cells", path))
        assert metadata.commit_hash == commit
        assert metadata.size == len(FILES[path])
        assert metadata.etag == repository.at("main").files[path].etag
        assert len(metadata.etag) == digits


def test_a_pinned_file_in_the_cache_costs_no_request(hub):
    commit = hub.add("alice/cells", FILES)
    hf_hub_download("alice/cells", "model.safetensors", revision=commit)
    hub.forget()
    hf_hub_download("alice/cells", "model.safetensors", revision=commit)
    assert hub.requests == ()
    hf_hub_download("alice/cells", "model.safetensors")
    assert asked(hub) == [("HEAD", "head")]


def test_a_space_holds_files_too(hub):
    hub.add("alice/demo", FILES, repo_type="space")
    path = hf_hub_download("alice/demo", "model.safetensors", repo_type="space")
    assert Path(path).read_bytes() == WEIGHTS
    with pytest.raises(errors.RepositoryNotFoundError):
        hf_hub_download("alice/demo", "model.safetensors")


def test_branches_tags_and_pull_requests_are_revisions(hub, api):
    first = hub.add("alice/cells", {"a.bin": b"first"})
    hub.tag("alice/cells", "v1", first)
    hub.add("alice/cells", {"a.bin": b"other"}, branch="dev/two")
    hub.add("alice/cells", {"a.bin": b"asked"}, branch="refs/pr/1")
    hub.add("alice/cells", {"a.bin": b"last"})
    for revision, content in (
        (first, b"first"),
        ("v1", b"first"),
        ("dev/two", b"other"),
        ("refs/pr/1", b"asked"),
        ("main", b"last"),
    ):
        path = hf_hub_download("alice/cells", "a.bin", revision=revision)
        assert Path(path).read_bytes() == content
    refs = api.list_repo_refs("alice/cells", include_pull_requests=True)
    assert {branch.name for branch in refs.branches} == {"main", "dev/two"}
    assert [(tag.name, tag.target_commit) for tag in refs.tags] == [("v1", first)]
    assert [pull.ref for pull in refs.pull_requests] == ["refs/pr/1"]


def test_a_description_tells_sizes_digests_and_the_card(hub, api):
    commit = hub.add("alice/cells", FILES, downloads=7, gated="auto")
    info = api.model_info("alice/cells", files_metadata=True)
    assert (info.id, info.sha, info.downloads, info.gated) == ("alice/cells", commit, 7, "auto")
    assert info.card_data.license == "mit"
    assert {"unet", "license:mit", "image-segmentation"} <= set(info.tags)
    files = {sibling.rfilename: sibling for sibling in info.siblings}
    stored = hub.repository("alice/cells").at(commit).files["model.safetensors"]
    assert files["model.safetensors"].size == len(WEIGHTS)
    assert files["model.safetensors"].lfs.sha256 == stored.sha256
    assert files["sub/config.json"].lfs is None
    few = api.model_info("alice/cells", expand=["likes", "siblings"])
    assert few.sha is None
    assert len(few.siblings) == len(FILES)


def test_a_tree_lists_folders_and_files(hub, api):
    hub.add("alice/cells", FILES)
    assert set(api.list_repo_files("alice/cells")) == FILES.keys()
    top = {entry.path for entry in api.list_repo_tree("alice/cells")}
    assert top == {"model.safetensors", "README.md", "sub"}
    below = list(api.list_repo_tree("alice/cells", "sub"))
    assert [(entry.path, entry.size) for entry in below] == [("sub/config.json", 14)]
    (info,) = api.get_paths_info("alice/cells", ["model.safetensors", "no.such"])
    assert info.lfs.size == len(WEIGHTS)


def test_a_header_is_read_without_its_file(hub, api):
    hub.add("alice/cells", FILES)
    metadata = api.get_safetensors_metadata("alice/cells")
    assert metadata.files_metadata["model.safetensors"].tensors["a"].shape == [100, 300]
    assert hub.requests[-1].status == 206
    assert hub.requests[-1].sent == 100_001 < len(WEIGHTS)


def test_ranges_are_those_of_http(hub):
    commit = hub.add("alice/cells", {"a.bin": b"0123456789"})
    address = f"{hub.endpoint}/alice/cells/resolve/{commit}/a.bin"
    for wanted, content in (("0-3", b"0123"), ("7-", b"789"), ("-2", b"89"), ("8-99", b"89")):
        request = urllib.request.Request(address, headers={"Range": f"bytes={wanted}"})
        with urllib.request.urlopen(request) as answer:
            assert (answer.status, answer.read()) == (206, content)
    request = urllib.request.Request(address, headers={"Range": "bytes=10-"})
    with pytest.raises(urllib.error.HTTPError, match="416") as refused:
        urllib.request.urlopen(request)
    refused.value.close()


def test_a_search_comes_in_pages(hub, api):
    hub.page_size = 3
    for number in range(8):
        hub.add(f"alice/unet-{number}", {}, downloads=number, tags=("unet",))
    hub.add("alice/other", {}, downloads=99)
    found = list(api.list_models(search="UNET", filter="unet", sort="downloads"))
    assert [model.downloads for model in found] == list(range(7, -1, -1))
    assert len(hub.requests) == 3
    assert len(list(api.list_models(search="unet", limit=2))) == 2
    assert list(api.list_models(author="bob")) == []


def test_a_renamed_repository_redirects(hub, api):
    hub.add("alice/cells", FILES)
    hub.move("alice/cells", "alice/nuclei")
    assert api.model_info("alice/cells").id == "alice/nuclei"
    path = hf_hub_download("alice/cells", "model.safetensors")
    assert Path(path).read_bytes() == WEIGHTS


# Who may read it.


def test_a_private_repository_shows_itself_to_its_readers_alone(hub, api):
    hub.add("alice/secret", FILES, private=True)
    owner, friend, stranger = (hub.user(name) for name in ("alice", "bob", "carol"))
    hub.admit("bob", "alice/secret")
    for token in (owner, friend):
        assert hf_hub_download(
            "alice/secret", "model.safetensors", token=token, force_download=True
        )
        assert [model.id for model in api.list_models(token=token)] == ["alice/secret"]
    assert list(api.list_models()) == []
    for token, status in ((False, 401), (stranger, 404)):
        with pytest.raises(errors.RepositoryNotFoundError) as refused:
            api.model_info("alice/secret", token=token)
        assert refused.value.response.status_code == status
        assert not isinstance(refused.value, errors.GatedRepoError)


def test_a_gated_repository_is_described_to_all_and_sent_to_who_accepted(hub, api):
    hub.add("alice/gated", FILES, gated="manual")
    bob, carol = hub.user("bob"), hub.user("carol")
    hub.admit("bob", "alice/gated")
    assert api.model_info("alice/gated").gated == "manual"
    for token, status in ((False, 401), (carol, 403)):
        with pytest.raises(errors.GatedRepoError) as refused:
            hf_hub_download("alice/gated", "model.safetensors", token=token)
        assert refused.value.response.status_code == status
    assert hf_hub_download("alice/gated", "model.safetensors", token=bob)


def test_the_storage_host_is_never_told_the_token(hub):
    hub.add("alice/secret", FILES, private=True)
    hf_hub_download("alice/secret", "model.safetensors", token=hub.user("alice"))
    assert [request.token for request in hub.requests] == ["hf_alice", ""]


def test_a_token_that_nobody_has_is_refused_everywhere(hub, api):
    hub.add("alice/cells", FILES)
    with pytest.raises(errors.HfHubHTTPError) as refused:
        api.model_info("alice/cells", token="hf_stale")
    assert refused.value.response.status_code == 401
    assert not isinstance(refused.value, errors.RepositoryNotFoundError)
    assert api.whoami(hub.user("alice"))["name"] == "alice"


def test_a_disabled_repository_says_so(hub, api):
    hub.add("alice/bad", FILES, disabled=True)
    with pytest.raises(errors.DisabledRepoError):
        api.model_info("alice/bad")


@every(
    ("repo", "path", "revision", "error"),
    [
        ("alice/none", "model.safetensors", "main", errors.RepositoryNotFoundError),
        ("alice/cells", "none.bin", "main", errors.RemoteEntryNotFoundError),
        ("alice/cells", "model.safetensors", "none", errors.RevisionNotFoundError),
    ],
)
def test_what_is_not_there_has_its_own_error(hub, repo, path, revision, error):
    hub.add("alice/cells", FILES)
    with pytest.raises(error):
        hf_hub_download(repo, path, revision=revision)


# What can be sent to it.


@uploading
def test_a_folder_can_be_published(hub, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    api = HfApi(endpoint=hub.endpoint, token=hub.user("bob"))
    assert api.create_repo("bob/cells", private=True, exist_ok=True).repo_id == "bob/cells"
    assert api.create_repo("bob/cells", exist_ok=True).repo_id == "bob/cells"
    commit = api.upload_folder(repo_id="bob/cells", folder_path=tmp_path).oid
    assert api.model_info("bob/cells").sha == commit
    assert hub.repository("bob/cells").private
    files = hub.repository("bob/cells").at(commit).files
    assert {path: file.content for path, file in files.items()} == FILES
    assert [path for path, file in files.items() if file.lfs] == ["model.safetensors"]
    api.delete_file("README.md", "bob/cells")
    assert "README.md" not in api.list_repo_files("bob/cells")


@uploading
def test_only_the_owner_may_write(hub, tmp_path):
    hub.add("alice/cells", FILES)
    for token, status in ((False, 401), (hub.user("bob"), 403)):
        api = HfApi(endpoint=hub.endpoint, token=token)
        with pytest.raises(errors.HfHubHTTPError) as refused:
            api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="alice/cells")
        assert refused.value.response.status_code == status
        with pytest.raises(errors.HfHubHTTPError) as refused:
            api.create_repo("alice/new")
        assert refused.value.response.status_code == status


# What goes wrong with it.


def fetch(address: str, *, wanted: str = "", seconds: float = 20) -> tuple[int, bytes]:
    request = urllib.request.Request(address, headers={"Range": wanted} if wanted else {})
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return answer.status, answer.read()


def test_a_fault_holds_where_it_was_put_and_as_often_as_it_was_meant(hub):
    hub.add("alice/cells", {"a.txt": b"a", "b.txt": b"b"})
    hub.add("bob/cells", {"a.txt": b"c"})
    hub.fault(
        "body", content=b"wrong", on="get", repo="alice/cells", path="a.txt", after=2, times=1
    )
    address = f"{hub.endpoint}/alice/cells/resolve/main/a.txt"
    # Each of these is a redirect and an answer.
    assert [fetch(address)[1] for _ in range(3)] == [b"a", b"wrong", b"a"]
    assert fetch(address.replace("a.txt", "b.txt"))[1] == b"b"
    assert fetch(address.replace("alice", "bob"))[1] == b"c"


def test_a_hanging_answer_comes_when_the_fault_is_lifted(hub):
    hub.add("alice/cells", {"a.txt": b"a"})
    fault = hub.fault("hang", on="get")
    answers = []
    address = f"{hub.endpoint}/alice/cells/resolve/main/a.txt"
    asking = threading.Thread(target=lambda: answers.append(fetch(address)))
    asking.start()
    assert fault.met.wait(20)
    assert answers == []
    assert hub.requests[-1].status == 0
    fault.lift()
    asking.join()
    assert answers == [(200, b"a")]


def test_half_of_a_body_comes_and_the_rest_when_the_fault_is_lifted(hub):
    content = bytes(range(256)) * 4000
    hub.add("alice/cells", {"a.bin": content})
    fault = hub.fault("stall", on="get")
    answers = []
    address = f"{hub.endpoint}/alice/cells/resolve/main/a.bin"
    asking = threading.Thread(target=lambda: answers.append(fetch(address)))
    asking.start()
    assert not hub.wait_for(lambda request: request.sent == len(content) // 2).done
    fault.lift()
    asking.join()
    assert answers == [(200, content)]


def test_one_bit_is_wrong_wherever_it_is_read_from(hub):
    content = bytes(1000)
    hub.add("alice/cells", {"a.bin": content})
    hub.fault("corrupt", on="get")
    address = f"{hub.endpoint}/alice/cells/resolve/main/a.bin"
    assert sum(fetch(address)[1]) == 1
    assert sum(fetch(address, wanted="bytes=400-600")[1]) == 1
    assert sum(fetch(address, wanted="bytes=0-400")[1]) == 0


def test_a_server_may_know_no_ranges(hub):
    hub.add("alice/cells", {"a.bin": b"0123456789"})
    hub.fault("no_ranges", on="get")
    address = f"{hub.endpoint}/alice/cells/resolve/main/a.bin"
    assert fetch(address, wanted="bytes=4-5") == (200, b"0123456789")


def test_a_mirror_may_know_no_sizes(hub, api):
    hub.add("alice/cells", FILES)
    hub.fault("no_sizes")
    info = api.model_info("alice/cells", files_metadata=True)
    assert {(file.size, file.lfs) for file in info.siblings} == {(None, None)}
    assert api.get_paths_info("alice/cells", ["model.safetensors"])[0].size == len(WEIGHTS)


def on_the_wire(endpoint: str, method: str, target: str) -> bytes:
    """All that comes back, whether it is HTTP or not."""
    host, port = endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


@every("name", ["hang", "stall", "trickle", "endless"])
def test_closing_ends_what_would_never_end(name):
    before = threading.active_count()
    with HubServer() as server:
        commit = server.add("alice/cells", {"a.txt": b"a" * 100})
        fault = server.fault(name, on="get")
        target = f"/api/resolve-cache/models/alice/cells/{commit}/a.txt"

        def ask() -> None:
            with contextlib.suppress(ConnectionError):
                on_the_wire(server.endpoint, "GET", target)

        asking = threading.Thread(target=ask)
        asking.start()
        assert fault.met.wait(60)
    asking.join()
    assert threading.active_count() == before


def test_nobody_listens_at_a_refusing_endpoint():
    with refusing_endpoint() as endpoint, pytest.raises(ConnectionRefusedError):
        on_the_wire(endpoint, "GET", "/")


def test_a_fault_that_there_is_none_of_is_a_mistake_of_the_test(hub):
    with pytest.raises(ValueError, match="hang, stall"):
        hub.fault("hangs")
    assert "hang" in FAULTS


OPTIONS = {
    "status": {"status": 503},
    "redirect": {"to": "ftp://example.org/evil"},
    "headers": {"headers": {"ETag": None}},
    "size": {"value": 10**15},
    "gzip": {"megabytes": 2},
    "trickle": {"size": 4096, "seconds": 0.001},
}


@every("name", sorted(FAULTS.keys() - {"hang", "stall", "endless", "no_sizes"}))
def test_every_fault_shows(hub, name):
    hub.add("alice/cells", {"a.bin": bytes(1000), "a.txt": b"text" * 100})
    targets = [f"/alice/cells/resolve/main/{file}" for file in ("a.bin", "a.txt")]
    for target in targets[:]:
        head = on_the_wire(hub.endpoint, "HEAD", target).decode()
        place = next(line for line in head.splitlines() if line.startswith("Location: "))
        targets.append(place.removeprefix("Location: ").removeprefix(hub.storage))

    def seen() -> list[bytes]:
        return [
            on_the_wire(hub.endpoint, way, target) for target in targets for way in ("HEAD", "GET")
        ]

    usual = seen()
    fault = hub.fault(name, **OPTIONS.get(name, {}))
    unusual = seen()
    assert fault.met.is_set()
    if name != "trickle":
        assert unusual != usual
    fault.lift()
    assert seen() == usual

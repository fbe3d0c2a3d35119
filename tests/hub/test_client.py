"""The client: whatever happens to a request, it ends in time and with a sentence of ours."""

import socket
import ssl
import threading
import time

import pytest
from hub_server import refusing_endpoint
from huggingface_hub import ModelInfo, constants
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from table import every

from segdemo.errors import HubError
from segdemo.hub import client, repository_files
from segdemo.hub.listing import search
from segdemo.hub.references import Address
from segdemo.hub.transport import CancelToken

REPO = "alice/cells"
WEIGHTS = "model.safetensors"
CONTENT = bytes(range(256)) * 400
FILES = {WEIGHTS: CONTENT, "unet.pth": b"1", "optimizer.pt": b"1", "README.md": b"# Cells"}
# A deadline is told from luck: what would wait for longer than this has none.
LONG_SECONDS = 10
# For what answers, however busy the machine; and for what never does.
PATIENT, SHORT = 9.0, 0.4


def info(repo_id=REPO, *, token=None, revision=None, repo_type="model", seconds=PATIENT, **options):
    where = Address(repo_id=repo_id, revision=revision, repo_type=repo_type)
    with client.session(where, seconds=seconds, token=token, **options) as session:
        return ModelInfo(**client.described(session, where))


def file(filename=WEIGHTS, *, token=None, revision=None, seconds=PATIENT, repo_type="model"):
    where = Address(repo_id=REPO, filename=filename, revision=revision, repo_type=repo_type)
    fetched = repository_files.fetch(
        where,
        token=token,
        folder=None,
        seconds=seconds,
        max_bytes=10**9,
        cancel=CancelToken(),
        progress=lambda received, size: None,
    )
    return fetched.path


def found(*, seconds=PATIENT):
    return search("cells", seconds=seconds)


def error_of(question, *arguments, **options):
    start = time.monotonic()
    with pytest.raises(HubError) as caught:
        question(*arguments, **options)
    assert time.monotonic() - start < LONG_SECONDS
    return caught.value


# What is asked for.


def test_a_repository_that_is_not_there_is_told_by_its_name(hub):
    hub.add(REPO, FILES)
    error = error_of(info, "alice/cell")
    assert error.key == "hub_not_found"
    assert error.facts == {"name": "alice/cell"}


def test_a_private_repository_looks_like_none_to_others(hub):
    hub.add(REPO, FILES, private=True)
    assert error_of(info).key == "hub_not_found"
    assert error_of(file).key == "hub_not_found"
    bob = hub.user("bob")
    assert error_of(info, token=bob).key == "hub_not_found_signed_in"
    assert info(token=hub.user("alice")).private


@pytest.mark.parametrize("repo_type", ["model", "space"])
def test_a_gated_repository_names_the_page_where_its_terms_are(hub, repo_type):
    hub.add(REPO, FILES, gated="auto", repo_type=repo_type)
    for token, key in ((None, "hub_gated"), (hub.user("bob"), "hub_gated_refused")):
        error = error_of(file, token=token, repo_type=repo_type)
        assert error.key == key
        space = "spaces/" if repo_type == "space" else ""
        assert error.facts["page"] == f"{hub.endpoint}/{space}{REPO}"


@every("question", [info, file])
def test_a_token_that_has_expired_is_told_from_a_repository_that_is_not_there(hub, question):
    hub.add(REPO, FILES)
    assert error_of(question, token="hf_expired").key == "hub_token"


def test_the_operators_token_counts_as_one(hub, monkeypatch):
    hub.add(REPO, FILES)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    assert error_of(info).key == "hub_token"
    assert client.has_token()
    assert not client.has_token(False)
    monkeypatch.delenv("HF_TOKEN")
    assert not client.has_token()


@every("question", [info, file])
def test_a_repository_that_the_hub_has_disabled_is_told_as_such(hub, question):
    hub.add(REPO, FILES, disabled=True)
    assert error_of(question).key == "hub_disabled"


@every("question", [info, file])
def test_a_refusal_is_told_with_the_reason_that_the_hub_gives(hub, question):
    hub.heal()
    hub.add(REPO, FILES)
    fault = hub.fault("status", status=403, message="Not in your country" + "!" * 200)
    error = error_of(question)
    assert error.key == "hub_forbidden_because"
    assert str(error).isprintable()
    assert len(error.facts["reason"]) <= 80
    fault.lift()
    hub.fault("status", status=403)
    assert error_of(question).key == "hub_forbidden"


def test_any_other_refusal_is_told_with_its_number(hub):
    hub.add(REPO, FILES)
    hub.fault("status", status=418)
    assert error_of(info).facts["status"] == 418


@every("question", [info, file])
def test_a_revision_that_is_not_there_is_told_with_those_that_are(hub, question):
    hub.heal()
    commit = hub.add(REPO, FILES)
    hub.tag(REPO, "v1", commit)
    error = error_of(question, revision="v9")
    assert error.key == "hub_no_revision_of"
    assert error.facts == {"name": REPO, "revision": "v9", "known": "main, v1"}


def test_a_file_that_is_not_there_is_told_with_the_weights_that_are(hub):
    hub.add(REPO, FILES)
    error = error_of(file, "unet.safetensors")
    assert error.key == "hub_no_file_of"
    assert error.facts == {
        "name": REPO,
        "file": "unet.safetensors",
        "known": f"{WEIGHTS}, unet.pth",
    }


def test_at_most_five_names_are_told(hub):
    hub.add(REPO, {f"{number}.pth": b"1" for number in range(9)})
    assert error_of(file, "x.pth").facts["known"] == "0.pth, 1.pth, 2.pth, 3.pth, 4.pth, …"


@every(
    ("on", "revision", "filename", "key"),
    [("api", "v9", WEIGHTS, "hub_no_revision"), ("list", None, "x.pth", "hub_no_file")],
)
def test_what_is_not_there_is_told_even_when_the_rest_is_unknown(hub, on, revision, filename, key):
    hub.heal()
    hub.add(REPO, FILES)
    hub.fault("hang", on=("api", "list"))
    assert error_of(file, filename, revision=revision, seconds=1).key == key


# The way there.


def test_a_hub_where_nobody_listens_is_told_at_once(turn_client_to):
    with refusing_endpoint() as nobody:
        turn_client_to(nobody)
        for question in (info, file, found):
            error = error_of(question)
            assert error.key == "hub_unreachable"
            assert error.facts == {"host": "127.0.0.1"}


def test_a_name_that_nobody_has_is_told_like_it(turn_client_to):
    turn_client_to("http://hub.invalid")
    assert error_of(info).key == "hub_unreachable"


def test_a_name_that_takes_for_ever_to_look_up_is_not_waited_for(turn_client_to, monkeypatch):
    turn_client_to("http://hub.invalid")
    over = threading.Event()

    def look_up(*_, **__):
        over.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert error_of(info, seconds=SHORT).key == "hub_unreachable"
    over.set()


def test_a_host_whose_many_addresses_are_all_silent_is_not_waited_for(turn_client_to, monkeypatch):
    turn_client_to("http://hub.invalid")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # Nobody accepts, and the queue is full: the system lets all others wait.
        waiting = [socket.socket() for _ in range(8)]
        for caller in waiting:
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        silent = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [silent] * 50)
        assert error_of(info, seconds=SHORT).key == "hub_unreachable"
        for caller in waiting:
            caller.close()


def test_a_hub_that_does_not_speak_tls_is_told_as_such(hub, turn_client_to):
    turn_client_to(hub.endpoint.replace("http://", "https://"))
    assert error_of(info).key == "hub_tls"


def test_a_proxy_that_is_not_there_is_told_as_such(hub, monkeypatch):
    with refusing_endpoint() as nobody:
        monkeypatch.setenv("http_proxy", nobody)
        monkeypatch.setenv("no_proxy", "localhost")
        assert error_of(info).key == "hub_proxy"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        hub.add(REPO, FILES)
        assert info().id == REPO


def test_an_endpoint_that_is_no_address_is_told_as_no_hub(turn_client_to):
    for endpoint in ("ftp://127.0.0.1", "huggingface.co"):
        turn_client_to(endpoint)
        assert error_of(info).key == "hub_no_hub"


TROUBLE = [
    ("hang", {}, "hub_silent"),
    ("trickle", {"size": 1, "seconds": 0.05}, "hub_silent"),
    ("drop", {}, "hub_broken_off"),
    ("garbage", {}, "hub_broken_off"),
    ("page", {}, "hub_no_hub"),
    ("redirect_loop", {}, "hub_no_hub"),
    ("redirect", {"to": "ftp://127.0.0.1/x"}, "hub_no_hub"),
    ("redirect", {"to": "file:///etc/passwd"}, "hub_no_hub"),
    ("status", {"status": 500}, "hub_down"),
    ("status", {"status": 502}, "hub_down"),
    ("status", {"status": 503, "headers": {"Retry-After": "3600"}}, "hub_down"),
    ("status", {"status": 429}, "hub_rate_limited_unknown"),
    ("status", {"status": 429, "headers": {"Retry-After": "3600"}}, "hub_rate_limited"),
]


def _patience(key):
    return SHORT if key == "hub_silent" else PATIENT


@every(
    ("question", "name", "options", "key"),
    [(question, *row) for question in [info, file, found] for row in TROUBLE],
)
def test_a_hub_in_trouble_is_told_at_once(hub, question, name, options, key):
    hub.heal()
    hub.forget()
    hub.add(REPO, FILES)
    hub.fault(name, **options)
    assert error_of(question, seconds=_patience(key)).key == key
    # A search asks two questions, and what broke off is asked once more. All must have arrived
    # before the next row.
    asked = (2 if question is found else 1) * (2 if key == "hub_broken_off" else 1)
    hub.wait_for(lambda _request: len(hub.requests) >= asked)
    assert len(hub.requests) == asked or name == "redirect_loop"


@every(
    ("question", "name", "options", "key"),
    [
        (question, *row)
        for question in [info, found]
        for row in [
            ("stall", {}, "hub_silent"),
            ("endless", {}, "hub_too_long"),
            ("gzip", {}, "hub_no_hub"),
            ("truncate", {}, "hub_broken_off"),
            ("body", {}, "hub_no_hub"),
            ("body", {"content": b""}, "hub_no_hub"),
            ("body", {"content": b"17"}, "hub_no_hub"),
            ("body", {"content": b"null"}, "hub_no_hub"),
            ("body", {"content": b'{"siblings": 3}'}, "hub_no_hub"),
            ("body", {"content": b"[" * 100_000}, "hub_no_hub"),
        ]
    ],
)
def test_an_answer_that_is_none_is_told_as_such(hub, question, name, options, key):
    hub.heal()
    hub.forget()
    hub.add(REPO, FILES)
    fault = hub.fault(name, on=("api", "list"), **options)
    # The end of patience with a body that has none is a number of bytes, which take their time.
    error = error_of(question, seconds=LONG_SECONDS if name == "endless" else _patience(key))
    fault.lift()
    assert error.key == key


def test_how_long_the_hub_wants_to_be_left_alone_is_told(hub):
    hub.add(REPO, FILES)
    fault = hub.fault("status", status=429, headers={"RateLimit": '"api";r=0;t=55'})
    assert error_of(info).facts == {"seconds": 55}
    fault.lift()
    hub.fault("status", status=429, headers={"Retry-After": "9" * 30})
    assert error_of(info).key == "hub_rate_limited_unknown"


def test_what_broke_off_or_has_to_wait_a_moment_is_asked_once_more(hub):
    hub.add(REPO, FILES)
    for name, options in (
        ("drop", {}),
        ("status", {"status": 429, "headers": {"Retry-After": "0"}}),
    ):
        hub.forget()
        hub.fault(name, times=1, **options)
        assert info().id == REPO
        assert len(hub.requests) == 2
        hub.heal()


def test_a_wait_ends_when_somebody_cancels(hub):
    hub.add(REPO, FILES)
    hub.fault("status", status=429, headers={"Retry-After": "5"})
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    assert error_of(info, cancel=token).key == "hub_cancelled"


def test_offline_mode_asks_nobody(hub, monkeypatch):
    hub.add(REPO, FILES)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for question in (info, file, found):
        assert error_of(question).key == "hub_offline"
    assert client.offline()
    assert not hub.requests


def test_the_time_limit_is_the_operators_when_none_is_given(hub, monkeypatch):
    monkeypatch.setenv("SEGDEMO_HUB_TIMEOUT", "0.3")
    hub.fault("hang")
    error = error_of(info, seconds=None)
    assert error.key == "hub_silent"
    assert error.facts["seconds"] == "0.3"


def test_a_cancel_token_ends_what_is_under_way_and_what_comes(hub):
    hub.add(REPO, FILES)
    hang = hub.fault("hang")
    cancel = CancelToken()
    failures = []

    def ask():
        failures.append(error_of(info, seconds=60, cancel=cancel))

    thread = threading.Thread(target=ask)
    thread.start()
    assert hang.met.wait(20)
    cancel.cancel()
    thread.join(20)
    assert [error.key for error in failures] == ["hub_cancelled"]
    hub.forget()
    assert error_of(info, cancel=cancel).key == "hub_cancelled"
    assert not hub.requests


def test_threads_have_their_own_bounds(hub):
    hub.add(REPO, FILES)
    hub.add("bob/cells", FILES)
    hang = hub.fault("hang", repo=REPO)
    answers = {}

    def ask(repo_id, seconds):
        try:
            answers[repo_id] = info(repo_id, seconds=seconds).id
        except HubError as error:
            answers[repo_id] = error.key

    patient = threading.Thread(target=ask, args=(REPO, 60))
    patient.start()
    assert hang.met.wait(20)
    others = [threading.Thread(target=ask, args=("bob/cells", PATIENT)) for _ in range(8)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(20)
    assert error_of(info, seconds=0.3).key == "hub_silent"
    hang.lift()
    patient.join(20)
    assert answers == {REPO: REPO, "bob/cells": "bob/cells"}


# What nobody but the Hub may have, and what the Hub may not do.


def test_a_token_does_not_follow_a_redirect_to_another_host(hub):
    hub.add(REPO, FILES)
    hub.fault("redirect", on="api", times=1, to=f"{hub.storage}/api/models/{REPO}")
    info(token=hub.user("alice"), seconds=PATIENT)
    tokens = {request.host.split(":")[0]: request.token for request in hub.requests}
    assert tokens == {"127.0.0.1": "hf_alice", "localhost": ""}


def test_no_cookie_of_one_visitor_goes_out_with_another(hub):
    hub.add(REPO, FILES)
    hub.fault("headers", headers={"Set-Cookie": "session=alice; Path=/"}, times=1)
    info(token=hub.user("alice"))
    info()
    assert [request.headers.get("Cookie") for request in hub.requests] == [None, None]


# Failures that are no answers.


@every(
    "failure",
    [
        ZeroDivisionError(),
        KeyError("ours"),
        TypeError("ours"),
        ssl.SSLError("ours"),
    ],
)
def test_a_mistake_of_ours_stays_one(failure):
    with pytest.raises(type(failure)) as caught, client.session(seconds=1):
        raise failure
    assert caught.value is failure


def test_a_sentence_of_ours_stays_one():
    said = HubError("hub_no_weights", name="x/y", found=".onnx")
    with pytest.raises(HubError) as caught, client.session(seconds=1):
        raise said
    assert caught.value is said


def test_a_file_that_nobody_has_is_told_by_its_cause(hub):
    with pytest.raises(HubError) as caught, client.session(seconds=1):
        raise LocalEntryNotFoundError("not here") from OfflineModeIsEnabled("off")
    assert caught.value.key == "hub_offline"

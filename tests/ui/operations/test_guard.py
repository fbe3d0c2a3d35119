"""Every answer of the server carries its headers, and what is refused is one sentence."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from segdemo.ui.operations import guard as guarding
from segdemo.ui.operations.disk import DiskQuota
from segdemo.ui.operations.guard import Guard
from segdemo.ui.operations.health import routes
from segdemo.ui.operations.hosts import known_hosts


async def echo(request: Request):
    return JSONResponse({"body": (await request.body()).decode()})


async def page(request: Request):
    return HTMLResponse("<p>")


async def full(request: Request):
    return JSONResponse({}, 503)


@pytest.fixture
def ask(tmp_path):
    quota = DiskQuota(1000, lambda: tmp_path)
    app = Starlette(
        routes=[
            Route("/", page),
            Route("/full", full),
            Route("/gradio_api/file=a.svg", page),
            Route("/gradio_api/call/segment", echo, methods=["POST"]),
            Route("/gradio_api/upload", echo, methods=["POST"]),
            *routes(quota),
        ],
        middleware=[Middleware(Guard, hosts=known_hosts((), {}), quota=quota)],
    )

    async def answer(method, path, options):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)

    def ask(method, path, **options):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(answer(method, path, options))).result()

    return ask


def test_every_answer_has_a_number_and_a_page_says_what_it_may_load(ask):
    first, second = ask("GET", "/"), ask("GET", "/nowhere")
    assert "object-src 'none'" in first.headers["content-security-policy"]
    assert "content-security-policy" not in second.headers
    for answer in (first, second):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_a_visitors_file_is_opened_in_a_sandbox(ask):
    assert (
        ask("GET", "/gradio_api/file=a.svg").headers["content-security-policy"].endswith("sandbox")
    )


def test_who_is_told_that_it_is_busy_is_told_when_to_ask_again(ask):
    assert ask("GET", "/full").headers["retry-after"] == "5"


def test_another_name_is_refused_in_the_language_of_the_browser(ask):
    there = {"host": "rebound.example"}
    english = ask("GET", "/", headers=there)
    assert english.status_code == 421
    assert "rebound.example" in english.json()["detail"]
    chinese = ask("GET", "/", headers=there | {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert "此服务器" in chinese.json()["detail"]
    assert ask("GET", "/healthz", headers=there).status_code == 200


def test_a_page_elsewhere_uploads_nothing(ask):
    answer = ask(
        "POST", "/gradio_api/upload", content=b"x", headers={"origin": "https://a.example"}
    )
    assert answer.status_code == 403


def test_an_upload_is_measured_before_it_is_read(ask):
    assert ask("POST", "/gradio_api/upload", content=bytes(400)).status_code == 200
    answer = ask("POST", "/gradio_api/upload", content=bytes(400))
    assert answer.status_code == 507
    assert "400 bytes of the 500 bytes" in answer.json()["detail"]

    async def pieces():
        yield b"x"

    assert ask("POST", "/gradio_api/upload", content=pieces()).status_code == 411


def test_a_call_reaches_its_endpoint_as_it_was_sent(ask):
    answer = ask("POST", "/gradio_api/call/segment", json={"data": [1]})
    assert answer.json() == {"body": '{"data":[1]}'}


def test_a_call_that_names_a_web_address_or_is_too_long_is_refused(ask, monkeypatch):
    call = {"data": [{"path": "https://a.example/x.png"}]}
    answer = ask("POST", "/gradio_api/call/segment", json=call)
    assert answer.status_code == 400
    assert "Download the file" in answer.json()["detail"]
    monkeypatch.setattr(guarding, "MAX_BODY_BYTES", 20)
    assert ask("POST", "/gradio_api/call/segment", json={"data": ["x" * 30]}).status_code == 413


def test_a_supervisor_learns_whether_it_lives_is_ready_and_how_much_it_does(ask):
    assert ask("GET", "/healthz").json() == {"status": "ok"}
    starting = ask("GET", "/readyz")
    assert (starting.status_code, starting.json()) == (503, {"status": "starting"})
    figures = ask("GET", "/metrics")
    assert "segdemo_upload_bytes 0.0" in figures.text
    assert figures.headers["content-type"].startswith("text/plain")

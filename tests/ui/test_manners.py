"""What the server does unasked: it tells nobody anything and keeps no record."""

import socket
from contextlib import ExitStack

import httpx
import pytest

from segdemo.settings import Settings
from segdemo.ui import create_demo, launch_options
from tests.browser.conftest import served
from tests.ui.conftest import in_a_loop


@pytest.fixture
def asked(monkeypatch):
    """The hosts that anything in this process looks up."""
    # Gradio's own switch, so that it is the page that keeps quiet, and not these tests.
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED")
    monkeypatch.delenv("SPACE_ID", raising=False)
    hosts = []
    look_up = socket.getaddrinfo

    def remember(host, *arguments, **options):
        hosts.append(host)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", remember)
    return hosts


@pytest.fixture
def address(asked):
    settings = Settings(device="cpu")
    with ExitStack() as stack:

        def serve():
            return served(create_demo(settings), **launch_options(settings))

        yield in_a_loop(lambda: stack.enter_context(serve()))


def test_the_server_talks_to_nobody_when_it_starts_and_serves(address, asked):
    assert httpx.get(address).status_code == 200
    assert httpx.get(f"{address}config").json()["analytics_enabled"] is False
    assert asked
    assert {host.decode() if isinstance(host, bytes) else host for host in asked} <= {
        "127.0.0.1",
        "localhost",
    }


def test_no_run_is_recorded(address):
    assert httpx.get(f"{address}gradio_api/runs").status_code == 404


def test_what_people_upload_is_deleted_after_a_day():
    demo = in_a_loop(lambda: create_demo(Settings(device="cpu")))
    assert demo.delete_cache == (3600, 86400)

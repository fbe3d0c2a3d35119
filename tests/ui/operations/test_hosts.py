"""The server answers to its own names alone."""

from segdemo.ui.operations.hosts import is_foreign, is_known, known_hosts
from tests.table import every

LOCAL = known_hosts((), {})


@every(
    ("chosen", "environment", "host", "known"),
    [
        ((), {}, "localhost:7860", True),
        ((), {}, "127.0.0.1:7860", True),
        ((), {}, "[::1]:7860", True),
        ((), {}, "192.168.1.4:7860", True),
        ((), {}, "demo.localhost", True),
        ((), {}, "rebound.example", False),
        ((), {}, "localhost.example", False),
        ((), {}, "", False),
        ((), {"GRADIO_SERVER_NAME": "0.0.0.0"}, "anything.example", True),
        ((), {"GRADIO_SERVER_NAME": "::1"}, "rebound.example", False),
        ((), {"SPACE_ID": "a/b", "SPACE_HOST": "a-b.hf.space"}, "a-b.hf.space", True),
        ((), {"SPACE_ID": "a/b", "SPACE_HOST": "a-b.hf.space"}, "rebound.example", False),
        (("demo.example.org",), {}, "Demo.Example.org:443", True),
        (("*.example.org",), {"GRADIO_SERVER_NAME": "0.0.0.0"}, "a.example.org", True),
        (("*.example.org",), {"GRADIO_SERVER_NAME": "0.0.0.0"}, "example.com", False),
    ],
)
def test_a_name_is_answered_if_it_is_the_servers_own(chosen, environment, host, known):
    assert is_known(host, known_hosts(chosen, environment)) is known


@every(
    ("origin", "host", "foreign"),
    [
        ("https://elsewhere.example", "127.0.0.1:7860", True),
        ("null", "localhost:7860", True),
        ("http://localhost:3000", "127.0.0.1:7860", False),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", False),
        ("", "127.0.0.1:7860", False),
        # A public demo may be called by other pages: Gradio's JavaScript client does.
        ("https://elsewhere.example", "a-b.hf.space", False),
    ],
)
def test_a_page_elsewhere_changes_nothing_on_a_server_of_this_machine(origin, host, foreign):
    assert is_foreign(origin, host) is foreign

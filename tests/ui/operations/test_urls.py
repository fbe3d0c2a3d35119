"""No call makes the server fetch something."""

import json

from segdemo.ui.operations.urls import names_an_address
from tests.table import every

FILE = {"_type": "gradio.FileData"}


@every(
    ("content", "named"),
    [
        ({"data": [{"path": "http://x.example/a.png", "meta": FILE}, "a"]}, True),
        ({"data": [[{"a": {"path": " HTTPS://x.example/a.png"}}]]}, True),
        ({"picture": {"path": "ftp://x.example/a.png", "meta": FILE}}, True),
        ({"data": [{"path": "/uploads/a.png", "url": "http://here/file=a.png"}]}, False),
        ({"data": ["see http://x.example"]}, False),
        ([1, None], False),
    ],
)
def test_a_file_by_its_web_address_is_found_wherever_it_stands(content, named):
    assert names_an_address(json.dumps(content).encode()) is named


def test_a_body_that_nests_without_end_is_refused_and_one_that_is_no_json_is_not_ours():
    deep = '{"path": ' * 60 + "1" + "}" * 60
    assert names_an_address(deep.encode())
    assert not names_an_address(b'{"path": ')

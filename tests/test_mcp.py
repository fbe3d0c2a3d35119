"""The endpoints as tools of the Model Context Protocol, called by a real client of it."""

import asyncio
import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO

import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from segdemo.errors import SettingsError
from segdemo.inference.maps import quantise
from segdemo.inference.segmenter import load
from segdemo.settings import Settings
from segdemo.ui import launch_options
from tests.browser.conftest import served_page
from tests.ui.conftest import in_a_loop, save_unet


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_unet(folder / "first.safetensors", title="A first")
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory, weights):
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield in_a_loop(lambda: stack.enter_context(served_page(weights, mcp=True)))


@pytest.fixture(scope="module")
def ask(address):
    """Does something with a client in a session of its own."""

    async def asked(question):
        where = f"{address}gradio_api/mcp/"
        async with (
            streamable_http_client(where) as (receive, send, _),
            ClientSession(receive, send) as session,
        ):
            await session.initialize()
            return await question(session)

    def ask(question):
        # The browser's tests leave a loop running in the first thread.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(asked(question))).result()

    return ask


@pytest.fixture
def picture():
    noise = np.random.default_rng(0).integers(0, 256, (47, 61, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def address_of(picture):
    """The picture as text, as a model can send it."""
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


async def unheard(progress, total, message):
    """Who asks for progress is sent pictures as pictures."""


def test_the_four_endpoints_are_the_tools(ask):
    listed = ask(lambda session: session.list_tools())
    tools = {tool.name: tool for tool in listed.tools}
    assert tools.keys() == {"list_checkpoints", "inspect", "segment", "compare"}
    assert tools["segment"].inputSchema["required"] == ["picture", "checkpoint"]
    assert tools["compare"].inputSchema["required"] == ["picture", "checkpoints"]
    assert tools["compare"].description.startswith("Run several networks on one picture;")
    told = tools["segment"].inputSchema["properties"]["threshold"]["description"]
    assert told.endswith("the checkpoint's own when left out")


def test_a_tool_lists_the_checkpoints(ask):
    answer = ask(lambda session: session.call_tool("list_checkpoints", {}))
    assert not answer.isError
    assert json.loads(answer.content[0].text)[0]["id"] == "first"


def test_a_tool_segments_a_picture(ask, weights, picture):
    prediction = load(weights / "first.safetensors", device="cpu").predict(picture)
    q = quantise(prediction.foreground_at(picture.size))
    wanted = q >= np.median(q)
    arguments = {
        "picture": address_of(picture),
        "checkpoint": "first",
        "threshold": float(np.median(q)) / 256,
    }
    answer = ask(lambda session: session.call_tool("segment", arguments, progress_callback=unheard))
    assert not answer.isError
    figures, mask = answer.content[0].text, answer.content[1]
    assert 0 < wanted.mean() < 1
    with Image.open(BytesIO(base64.b64decode(mask.data))) as shown:
        assert (np.asarray(shown) == np.where(wanted, 255, 0)).all()
    assert json.loads(figures)["coverage"] == wanted.mean()
    with Image.open(BytesIO(base64.b64decode(answer.content[2].data))) as shown:
        assert (np.asarray(shown) // 256 == q).all()


def test_a_tool_compares_with_a_truth(ask, picture):
    arguments = {
        "picture": address_of(picture),
        "checkpoints": ["first"],
        "threshold": 0.01,
        "truth": address_of(Image.new("L", picture.size, 255)),
    }
    answer = ask(lambda session: session.call_tool("compare", arguments))
    assert not answer.isError
    told = json.loads(answer.content[0].text)
    (network,) = told["answers"]
    assert network["scores"]["precision"] == 1.0
    assert network["error"] is None
    assert network["mask"] == {"image": 1}
    with Image.open(BytesIO(base64.b64decode(answer.content[1].data))) as shown:
        assert shown.size == picture.size
    assert len(answer.content) == 2


def test_no_answer_tells_where_the_server_keeps_files(ask, picture):
    calls = [
        ("list_checkpoints", {}),
        ("inspect", {"checkpoint": "first"}),
        ("segment", {"picture": address_of(picture), "checkpoint": "first"}),
        ("compare", {"picture": address_of(picture), "checkpoints": ["first"]}),
    ]
    for name, arguments in calls:
        answer = ask(lambda session, *call: session.call_tool(name, arguments))  # noqa: B023
        texts = [content.text for content in answer.content if content.type == "text"]
        assert [json.loads(text) for text in texts], name
        assert not re.search(r"/gradio_api/|\bfile=|/tmp", "".join(texts)), name


def test_a_mistake_is_answered_by_our_sentence(ask):
    answer = ask(lambda session: session.call_tool("inspect", {"checkpoint": "nobody"}))
    assert answer.isError
    assert answer.content[0].text.startswith("No checkpoint on offer has the id nobody.")


def test_nobody_is_a_server_of_tools_without_wanting_it():
    assert launch_options(Settings())["mcp_server"] is False
    assert launch_options(Settings(mcp=True))["mcp_server"] is True


def test_a_package_that_is_missing_is_a_sentence(monkeypatch):
    monkeypatch.setattr("segdemo.ui.demo.find_spec", lambda name: None)
    assert launch_options(Settings())["mcp_server"] is False
    with pytest.raises(SettingsError, match=r'pip install "gradio\[mcp\]"'):
        launch_options(Settings(mcp=True))

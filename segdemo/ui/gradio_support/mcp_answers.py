"""What assistants get by the Model Context Protocol: JSON and images, nothing of this machine."""

import json
from pathlib import Path
from typing import Any

from gradio.mcp import GradioMCPServer
from mcp import types
from PIL import Image

_LATER = ("probability",)
"""Files inside of an answer that are no image to look at, and left out."""


def answer_in_json() -> None:
    """From now on tools answer so; Gradio writes Python's repr, with paths of the server.

    Safe to be called several times.
    """
    GradioMCPServer.postprocess_output_data = _answers  # type: ignore[method-assign, assignment]


def _answers(
    server: GradioMCPServer, data: Any, root_url: str
) -> list[types.TextContent | types.ImageContent]:
    """A text of JSON for all that is said, then every image in the order of its number."""
    if len(data) == 1 and isinstance(data[0], tuple):
        # Several outputs come as one where nobody asked for progress.
        data = data[0]
    images: list[str] = []
    said = [_plain(value, images) for value in data]
    words = [value for value in said if not _is_number(value)]
    document = json.dumps(words[0] if len(words) == 1 else words, ensure_ascii=False)
    return [
        types.TextContent(type="text", text=document),
        *(_content(server, path) for path in images),
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"image"}


def _plain(value: Any, images: list[str]) -> Any:
    """The value with each file as ``{"image": n}``, the n-th of ``images``, counted from 1."""
    if isinstance(value, dict):
        if "path" in value and "meta" in value:
            images.append(str(value["path"]))
            return {"image": len(images)}
        return {
            key: _plain(inner, images) for key, inner in value.items() if not _is_later(key, inner)
        }
    if isinstance(value, list):
        return [_plain(inner, images) for inner in value]
    return value


def _is_later(key: str, value: Any) -> bool:
    return key in _LATER and isinstance(value, dict)


def _content(server: GradioMCPServer, path: str) -> types.ImageContent:
    with Image.open(Path(path)) as image:
        kind = (image.format or "PNG").lower()
        data = server.get_base64_data(image, kind)
    return types.ImageContent(type="image", data=data, mimeType=f"image/{kind}")

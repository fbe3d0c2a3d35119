"""Visits to a Hub on loopback, in a process of their own: prints what they cost as JSON.

`python -m benchmarks.hub_visits looks` or `situations`, with tests/ on the path.
"""

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hub_server import HubServer, clients
from hub_situations import SITUATIONS, Stage, outcome
from safetensors.torch import save

from benchmarks.recognition import header
from segdemo.checkpoints import detect
from segdemo.checkpoints.verdict import Verdict
from segdemo.hub.listing import look
from segdemo.hub.references import Address
from segdemo.settings import Settings

_REPO = "alice/cells"


def main() -> None:
    """The part is the only argument."""
    print(json.dumps({"looks": _looks, "situations": _situations}[sys.argv[1]]()))


@contextmanager
def _stage() -> Iterator[Stage]:
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        HubServer() as server,
    ):
        cache = Path(folder) / "cache"
        turn = partial(clients.turn_client_to, cache=cache, patch=patch)
        turn(server.endpoint)
        stage = Stage("look", server, cache, patch, turn)
        stage.wait_at_most(Settings.from_environment().hub_timeout_seconds)
        yield stage


def _looks() -> list[dict]:
    u2net, unet = _tensors("xuebinqin_u2net"), _tensors("milesial_unet")
    known = detect(header("milesial_unet"))
    module = known.architecture.build(known.config)
    files = {
        "U²-Net, .safetensors": ("a.safetensors", partial(save, u2net)),
        "U²-Net, .pth as it was before PyTorch 1.6": ("b.pth", partial(_saved, u2net, old=True)),
        "U²-Net, .pth": ("c.pth", partial(_saved, u2net)),
        "U-Net, .pth": ("d.pth", partial(_saved, unet)),
        "U-Net, a whole pickled module": ("e.pth", partial(_saved, module)),
        "U-Net, the same before PyTorch 1.6": ("f.pth", partial(_saved, module, old=True)),
    }
    return [_look(name, path, content) for name, (path, content) in files.items()]


def _look(name: str, path: str, content: Callable[[], bytes]) -> dict:
    with _stage() as stage:
        written = content()
        stage.server.add(_REPO, {path: written})
        (found,) = look(Address(repo_id=_REPO)).files
        verdict = found.verdict
        said = verdict.reason.message() if verdict.reason else _words(verdict)
        sent = stage.server.requests
        return {
            "file": name,
            "megabytes": len(written) / 1e6,
            "verdict": said,
            "requests": len(sent),
            "of_the_file": sum(request.sent for request in sent if request.kind == "get"),
            "listing": sum(request.sent for request in sent if request.kind == "api"),
        }


def _words(verdict: Verdict) -> str:
    millions = verdict.parameters / 1e6
    return f"{verdict.title} {verdict.configuration}, {millions:.1f} million parameters"


def _tensors(fixture: str) -> dict[str, torch.Tensor]:
    return {name: torch.zeros_like(t, device="cpu") for name, t in header(fixture).items()}


def _saved(content: object, *, old: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def _situations() -> list[dict]:
    found: dict[str, dict] = {}
    for known in SITUATIONS:
        with _stage() as stage:
            stage.way = known.way
            said = outcome(known, stage)
            if said is None or said.key != known.key:
                raise RuntimeError(f"{known.id}: {said}")
            sentence = said.message().replace(str(stage.cache), "~/.cache/huggingface/hub")
            sentence = re.sub(r"(127\.0\.0\.1):\d+", r"\1", sentence)
            row = found.setdefault(known.name, {"situation": known.name, "sentence": sentence})
            row[known.way] = stage.seconds
    return list(found.values())


if __name__ == "__main__":
    main()

"""Downloads torchvision's segmentation weights to where torchvision itself looks for them."""

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from huggingface_hub.utils import httpx

from segdemo.checkpoints.places import torchvision_folder
from segdemo.errors import HubError
from segdemo.hub import client
from segdemo.hub.client import Token
from segdemo.hub.incoming import CheckedFile, make_sure_it_fits
from segdemo.hub.references import Address, Fetched
from segdemo.hub.transport import CancelToken
from segdemo.wording import shown

DIGEST = re.compile(r"-([0-9a-f]{8,64})\.pth$")
"""torchvision writes the first digits of a file's SHA-256 into its name."""
_PART = ".part"
_LEFT_SECONDS = 3600
"""A part that nobody has written to for so long was left by a process that was killed."""


def builders() -> tuple[str, ...]:
    """Names of torchvision's segmentation models that have weights."""
    models = _models()
    return tuple(sorted(models.list_models(module=models.segmentation)))


def _models() -> Any:
    """torchvision's, whose import takes so long that it waits for the first one to be fetched."""
    from torchvision import models  # noqa: PLC0415

    return models


def fetch(
    address: Address,
    *,
    token: Token,
    folder: Path | None,
    seconds: float,
    max_bytes: int,
    cancel: CancelToken,
    progress: Callable[[int, int], None],
) -> Fetched:
    """Download the newest weights of the model ``address.repo_id``, unless they are there.

    They go to torch's own folder, or to ``folder``. No ``token`` is sent.
    ``progress`` is told the bytes so far and in all. Raises HubError, before any byte of a file
    that has more than ``max_bytes``.
    """
    if address.repo_id not in builders():
        raise HubError("hub_no_torchvision", name=address.repo_id, known=", ".join(builders()))
    url: str = _models().get_model_weights(address.repo_id).DEFAULT.url
    name = os.path.basename(urlsplit(url).path)
    folder = folder or torchvision_folder()
    with client.session(
        address, seconds=seconds, token=False, cancel=cancel, folder=folder
    ) as session:
        if (folder / name).is_file():
            return Fetched(path=folder / name)
        response = session.request("HEAD", url)
        _make_sure_it_came(response, address)
        length = response.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,15}", length):
            raise HubError("hub_no_file_host", host=shown(response.url.host))
        size = int(length)
        make_sure_it_fits(name, size, max_bytes=max_bytes, folder=folder)
        progress(0, size)
        digest = DIGEST.search(name)
        file = CheckedFile(name, digest[1] if digest else "", size, progress=progress)
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, name)
        with (
            _part(folder / name) as out,
            session.stream("GET", url, transfer=True, limit=size) as response,
        ):
            _make_sure_it_came(response, address)
            file.copy(response.iter_raw(), out)
    return Fetched(path=folder / name)


def _make_sure_it_came(response: httpx.Response, address: Address) -> None:
    if response.status_code != 200:
        raise HubError("hub_refused", name=address.repo_id, status=response.status_code)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise HubError("hub_no_file_host", host=shown(response.url.host))


@contextmanager
def _part(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the name ``path`` at the end of the block, if it succeeds."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_PART}")
    try:
        with part.open("wb") as out:
            yield out
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _sweep(folder: Path, name: str) -> None:
    """Remove what a process that was killed has left of this file."""
    for part in folder.glob(f"{name}.*{_PART}"):
        # Another process may have just ended with it.
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _LEFT_SECONDS:
                part.unlink()

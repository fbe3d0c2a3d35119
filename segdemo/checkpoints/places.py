"""Where checkpoints lie on this machine, how one is found by its name alone, and opened."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from segdemo.errors import FileError


def _shipped() -> Path:
    """Beside the package in a working copy; in an installation below the prefix of pip."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "weights"
    installed = (folder / "share" / "segdemo" / "weights" for folder in package.parents)
    return next((folder for folder in (beside, *installed) if folder.is_dir()), beside)


SHIPPED_FOLDER = _shipped()
"""The checkpoints that come with segdemo."""

_ENDING = ".safetensors"


def own_folder() -> Path:
    """Where a person's own checkpoints go when they do not say: outside of any repository."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "segdemo" / "checkpoints"


def located(name: str | Path) -> Path:
    """The file of that path, or the checkpoint of one's own or shipped that is called so.

    What is neither stays as it is, so that whoever opens it says that it is absent.
    """
    path = Path(name)
    if len(path.parts) != 1 or path.exists():
        return path
    called = path.name if path.suffix == _ENDING else f"{path.name}{_ENDING}"
    found = (folder / called for folder in (own_folder(), SHIPPED_FOLDER))
    return next((file for file in found if file.is_file()), path)


def torchvision_folder() -> Path:
    """Where torchvision keeps weights that it has downloaded, as ``torch.hub.get_dir`` says.

    Worked out as PyTorch 2.14 does, unless it is imported already, which takes seconds.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        return Path(torch.hub.get_dir()) / "checkpoints"
    caches = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(caches, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[BinaryIO, str, int]]:
    """The file, its name and its size. Raises FileError, also for an OSError inside."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            yield file, path.name, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise FileError("file_unreadable", name=path.name) from error

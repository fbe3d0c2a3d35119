"""Where checkpoints lie on this machine, and how one is found by its name alone."""

import os
import sys
from pathlib import Path


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

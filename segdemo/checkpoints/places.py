"""Where checkpoints lie on this machine, and how one is found by its name alone."""

import os
import sys
import sysconfig
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "weights"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "segdemo" / "weights"

SHIPPED_FOLDER = _BESIDE if _BESIDE.is_dir() or not _INSTALLED.is_dir() else _INSTALLED
"""Those that come with segdemo: beside the package, or where pip has put them."""

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

"""One folder for everything that visitors leave on disk, which outlives no server by long."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows has none; there leftovers are not swept.
    fcntl = None  # type: ignore[assignment]

from segdemo.errors import SettingsError
from segdemo.wording import printable

_PREFIX = "segdemo-server-"
_LOCK = "in-use"
_GRADIO = "GRADIO_TEMP_DIR"


@contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder for this server's visitors; with it goes all that they left.

    What servers left that did not end in order (kill -9, power cut) is deleted first: a folder
    whose lock nobody holds is nobody's. Gradio keeps its uploads here unless GRADIO_TEMP_DIR
    names another folder. Raises SettingsError where nothing can be written.
    """
    root = Path(tempfile.gettempdir())
    _sweep(root)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        lock = _locked(folder / _LOCK)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            "settings_temporary", folder=printable(str(root)), reason=reason
        ) from error
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    chosen = os.environ.setdefault(_GRADIO, str(folder / "gradio"))
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if chosen == str(folder / "gradio"):
            os.environ.pop(_GRADIO, None)
        if lock is not None:
            lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _locked(path: Path) -> IO[bytes] | None:
    """The file, open and locked as long as this process lives; None where that cannot be had."""
    file = path.open("ab")
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
    file.close()
    return None


def _sweep(root: Path) -> None:
    """Delete the folders of servers that are gone."""
    for folder in root.glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not (folder / _LOCK).is_file() or not _is_own(folder):
            continue
        with suppress(OSError):
            lock = _locked(folder / _LOCK)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                lock.close()


def _is_own(folder: Path) -> bool:
    """Whether it belongs to the user of this process; anybody may make folders in /tmp."""
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()

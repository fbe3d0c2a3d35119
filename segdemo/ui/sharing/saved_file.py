"""The component through which a browser gets the files that it asked for."""

from dataclasses import dataclass
from typing import Any

from segdemo.ui.gradio_support.display import Display
from segdemo.ui.viewer.payload import CachedFile

ENTRY = "sharing/static/mount_saved.js"


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """The answer to one request of a browser."""

    serial: int
    """By which the browser knows its request."""
    file: CachedFile | None = None
    name: str = ""
    """What the file is to be called there."""
    message: str = ""
    """Why there is no file."""

    def to_json(self) -> dict[str, Any]:
        """The answer as the browser reads it."""
        return {
            "serial": self.serial,
            "file": None if self.file is None else self.file.to_json(),
            "name": self.name,
            "message": self.message,
        }


class SavedFiles(Display):
    """Takes no room, and hands each ``SavedFile`` to the viewer, which brings it to the disk."""

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(ENTRY, texts="saved_", elem_id=elem_id, render=render)

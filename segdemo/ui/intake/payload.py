"""What Python tells the browser of files: segdemo.place/1 and segdemo.zone/1, as plain values."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segdemo.ui.intake.mask_panel import MaskPanel
from segdemo.ui.viewer.payload import CachedFile, CachedImage
from segdemo.wording import printable


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The files that lie in a place of the page; all texts may be foreign."""

    paths: tuple[str, ...] = ()
    """None where the file that was given is of no use: then there is a ``problem``."""
    name: str = ""
    facts: tuple[str, ...] = ()
    """A phrase or a sentence each."""
    thumbnail: CachedImage | None = None
    """As the server has decoded it."""
    problem: str = ""
    panel: MaskPanel | None = None
    """Of a mask: how it was read."""
    serial: str = field(default_factory=lambda: secrets.token_hex(8))
    """A browser hears only of values that differ."""

    def to_json(self) -> dict[str, Any]:
        """The place as the browser reads it."""
        return {
            "schema": "segdemo.place/1",
            "serial": self.serial,
            "files": [CachedFile(path=path).to_json() for path in self.paths],
            "names": [printable(Path(path).name) for path in self.paths],
            "name": self.name,
            "facts": list(self.facts),
            "thumbnail": None if self.thumbnail is None else self.thumbnail.to_json(),
            "problem": self.problem,
            "panel": None if self.panel is None else asdict(self.panel),
        }


@dataclass(frozen=True, kw_only=True)
class Told:
    """What to say of files that have arrived, by the serial number of their request."""

    serial: int
    sentences: Sequence[str] = ()
    problems: Sequence[str] = ()
    key: str = ""
    """By which the visitor is known after a reload; see ``Returning``."""

    def to_json(self) -> dict[str, Any]:
        """The answer as the browser reads it."""
        return {
            "schema": "segdemo.zone/1",
            "serial": self.serial,
            "sentences": list(self.sentences),
            "problems": list(self.problems),
            "key": self.key,
        }

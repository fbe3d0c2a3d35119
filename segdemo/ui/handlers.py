"""What events do: plain values in, plain values out."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from segdemo.architectures import ARCHITECTURES
from segdemo.catalog import CatalogEntry
from segdemo.errors import PictureError, SegdemoError
from segdemo.pictures import decode
from segdemo.pool import Predictor
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.ui.runner import Runner
from segdemo.ui.stored import Example
from segdemo.ui.viewer import ViewerPayload, cache_picture

MIN_SLOTS = 2
MAX_SLOTS = 4

Choice = tuple[str, str]
"""What a person reads, and the value."""


class Handlers:
    """The page's behaviour, without its components."""

    def __init__(
        self,
        *,
        settings: Settings,
        predictor: Predictor,
        entries: Sequence[CatalogEntry],
        examples: Sequence[Example],
    ) -> None:
        """``entries`` are the checkpoints on offer; of ``examples`` the first opens the page."""
        self.examples = [
            example
            for example in examples
            if set(example.checkpoints) <= {entry.id for entry in entries}
        ]
        self._settings = settings
        self._predictor = predictor
        self._entries = {entry.id: entry for entry in entries}
        self._runner = Runner(predictor)

    def architectures(self) -> list[Choice]:
        """The filter's choices: all, then each family that has a checkpoint."""
        present = {entry.architecture for entry in self._entries.values()}
        families = [(family.title, family.id) for family in ARCHITECTURES if family.id in present]
        return [(text("page_any_architecture"), ""), *families]

    def checkpoints(self, architecture: str) -> list[Choice]:
        """The checkpoints of a family, or all for ""."""
        return [
            (entry.title, entry.id)
            for entry in self._entries.values()
            if architecture in ("", entry.architecture)
        ]

    def first_checkpoints(self) -> list[str]:
        """What the slots hold when there is no example."""
        return list(self._entries)[:MIN_SLOTS]

    def compare(self, path: str | None, chosen: Sequence[str | None]) -> Iterator[ViewerPayload]:
        """The comparison, again each time a panel changes.

        Raises a SegdemoError when there is nothing to compare or the picture is unreadable:
        only what all panels share stops the run.
        """
        if path is None:
            raise PictureError("page_no_picture")
        entries = [self._entries[name] for name in chosen if name in self._entries]
        if not entries:
            raise SegdemoError("page_no_checkpoint")
        content = Path(path).read_bytes()
        picture = decode(content, max_megapixels=self._settings.max_megapixels)
        digest = hashlib.sha256(content).hexdigest()
        image = cache_picture(picture)
        for panels in self._runner.run(picture, digest, entries):
            # The same picture is the same run, so that the view stays where it is.
            yield ViewerPayload(image=image, panels=panels, run=digest[:16])

    def status(self) -> str:
        """Where the networks run."""
        status = self._predictor.status()
        return text("page_status", device=status.device, precision=status.precision)

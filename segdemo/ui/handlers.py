"""The behaviour of the page without its components: plain values in, plain values out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from segdemo.batch import Run
from segdemo.catalog import CatalogEntry
from segdemo.errors import PictureError, SegdemoError
from segdemo.images.decode import Decoded, decode_plane
from segdemo.images.masks import TruthMask, decode_truth
from segdemo.images.measured import Given
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Predictor
from segdemo.settings import Settings
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.strings import text
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.adding.hub_access import DEFAULT_ENDPOINT, HubAccess
from segdemo.ui.batch.runs import prepare
from segdemo.ui.intake.desk import Desk
from segdemo.ui.intake.mask_panel import hints_beside
from segdemo.ui.intake.placing import Placing
from segdemo.ui.returning import Returning
from segdemo.ui.shelf import Shelf
from segdemo.ui.slots import SLOTS_AT_FIRST
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.viewer.links import NextView, pairs_of
from segdemo.ui.viewer.map_files import cache_picture
from segdemo.ui.viewer.payload import PanelEntry, TruthHint, ViewerPayload
from segdemo.ui.viewer.readings.rereading import Rereading
from segdemo.ui.viewer.readings.trials import CurrentTrials
from segdemo.ui.viewer.runner import Chosen, Runner, Shown, panel_id, without_waiting
from segdemo.ui.viewer.stored import Example
from segdemo.ui.viewer.truth_file import told
from segdemo.ui.visitor import Visitor
from segdemo.wording import amount, printable

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

_DECODED_KEPT = 2
"""Images of all visitors: the largest take 120 MB."""


class Handlers:
    """The page's behaviour, without its components."""

    def __init__(
        self,
        *,
        settings: Settings,
        predictor: Predictor,
        shelf: Shelf,
        hub: HubAccess,
        examples: Sequence[Example],
    ) -> None:
        """``shelf`` holds the checkpoints on offer; the first of ``examples`` opens the page."""
        self.shelf = shelf
        self.adding = Adding(settings=settings, hub=hub, shelf=shelf)
        self.examples = [
            example for example in examples if all(map(shelf.find, example.checkpoints))
        ]
        self._settings = settings
        self._predictor = predictor
        self._hub = hub
        self._runner = Runner(predictor)
        self._latest = lru_cache(maxsize=_DECODED_KEPT)(self._decode)
        self.returning = Returning()
        self.placing = Placing(decoded=self.decoded, truth=self.truth)
        self.rereading = Rereading(predictor=predictor, runner=self._runner, filled=self._filled)

    @property
    def max_upload_bytes(self) -> int:
        """Of an image."""
        return self._settings.max_upload_megabytes * 1_000_000

    @property
    def run_seconds(self) -> float:
        """After which a comparison begins with no further network."""
        return self._settings.run_seconds

    @property
    def max_megapixels(self) -> float:
        """Of an image."""
        return self._settings.max_megapixels

    def first_checkpoints(self) -> list[str]:
        """What the slots hold when there is no example."""
        return [entry.id for entry in self.shelf.entries() if entry.path][:SLOTS_AT_FIRST]

    def chosen(self, visitor: Visitor, names: Sequence[str | None]) -> list[Chosen]:
        """The checkpoints in the slots that exist, and how this visitor wants them read.

        A reading is forgotten once another checkpoint has taken its slot.
        """
        return [one for _, one in self._filled(visitor, names)]

    def _filled(self, visitor: Visitor, names: Sequence[str | None]) -> list[tuple[int, Chosen]]:
        """The slots with a checkpoint, in order; panel n shows the n-th of them."""
        filled: list[tuple[int, Chosen]] = []
        for slot, name in enumerate(names):
            entry = self.shelf.find(name, visitor)
            read, overrides = visitor.overrides.get(slot, (name, NO_OVERRIDES))
            if read != name:
                visitor.overrides.pop(slot, None)
                overrides = NO_OVERRIDES
            if entry is not None:
                filled.append((slot, (entry, overrides)))
        return filled

    def compare(
        self,
        visitor: Visitor,
        path: str | None,
        chosen: Sequence[str | None],
        truth: str | None = None,
    ) -> Iterator[ViewerPayload]:
        """The comparison, again each time a panel changes; ``truth`` is the path of a mask.

        The stored one at which the visitor looks is not run as long as all of it stays the same;
        once they open one, an earlier comparison ends.
        Raises a SegdemoError when there is nothing to compare or the image is unreadable:
        only what all panels share stops the run.
        """
        if path is None:
            raise PictureError("page_no_picture")
        filled = self._filled(visitor, chosen)
        if not filled:
            raise SegdemoError("page_no_checkpoint")
        visitor.of(Desk).chosen = tuple(chosen)
        checkpoints = [one for _, one in filled]
        seen, turn = visitor.example, visitor.turn
        decoded, digest = self.decoded(Path(path))
        picture = decoded.image
        right, mask = None, None
        if truth:
            read = partial(
                self.truth,
                Path(truth),
                picture.size,
                beside=decoded,
                reading=visitor.of(Desk).reading_of(Path(truth)),
                name=Path(path).name,
            )
            right, mask = told(read, picture.size)
        if visitor.example != seen:
            return
        state, visitor.of(NextView).state = visitor.of(NextView).state, None
        # The same image is the same run, so that the view stays where it is.
        run = digest[:16]
        example = next((one for one in self.examples if one.run == run), None)
        if example is not None and self._sees(visitor, example, checkpoints):
            yield replace(example.comparison, state=state, truth=right)
            return
        visitor.example = None
        facts: dict[str, Any] = {
            "image": cache_picture(picture, Path(path)),
            "run": run,
            "state": state,
            "link": pairs_of(
                (entry for entry, _ in checkpoints), example.picture.stem if example else ""
            ),
        }
        under_way = {entry.id: visitor.of(Transfers).state(entry.id) for entry, _ in checkpoints}
        trials = partial(self.rereading.with_trials, visitor, filled, digest)
        panels: tuple[PanelEntry, ...] = ()
        for panels in self._runner.run(
            decoded.given, digest, checkpoints, under_way, seconds=self.run_seconds
        ):
            if visitor.example is not None or visitor.turn != turn:
                return
            yield visitor.of(Shown).keep(ViewerPayload(**facts, panels=trials(panels), truth=right))
        if right is not None and mask is not None:
            hints = self._truth_hints(mask, digest, panels, checkpoints)
            if hints:
                right = replace(right, hints=hints)
                payload = ViewerPayload(**facts, panels=trials(panels), truth=right)
                yield visitor.of(Shown).keep(payload)
        for _ in self.rereading.run_trials(visitor, filled, decoded.given, digest):
            if visitor.example is not None or visitor.turn != turn:
                return
            yield visitor.of(Shown).keep(ViewerPayload(**facts, panels=trials(panels), truth=right))

    def _truth_hints(
        self,
        mask: TruthMask,
        digest: str,
        panels: Sequence[PanelEntry],
        checkpoints: Sequence[Chosen],
    ) -> tuple[TruthHint, ...]:
        """Readings of a mask that fit what the networks found far better, told once each."""
        hints: dict[str, TruthHint] = {}
        for panel, (entry, overrides) in zip(panels, checkpoints, strict=True):
            prediction = self._runner.kept(digest, entry, overrides)
            if panel.status != "ready" or prediction is None:
                continue
            for hint in hints_beside(prediction, prediction.class_names, mask):
                hints.setdefault(hint.reading or hint.sentence, hint)
        return tuple(hints.values())

    def announced(
        self, visitor: Visitor, path: str, chosen: Sequence[str | None]
    ) -> ViewerPayload | None:
        """The image with panels that wait, before a comparison can begin; None without panels."""
        checkpoints = self.chosen(visitor, chosen)
        if not checkpoints:
            return None
        decoded, digest = self.decoded(Path(path))
        announced = ViewerPayload(
            image=cache_picture(decoded.image, Path(path)),
            run=digest[:16],
            state=visitor.of(NextView).state,
            panels=tuple(
                PanelEntry(id=panel_id(slot), label=entry.title_here)
                for slot, (entry, _) in enumerate(checkpoints)
            ),
        )
        return visitor.of(Shown).keep(announced)

    def stopped(self, visitor: Visitor) -> ViewerPayload | None:
        """End the comparison: what is done stays, what was to come says that it was stopped.

        The network that runs is left to end by itself. None where nothing was compared.
        """
        visitor.turn += 1
        shown = visitor.of(Shown).payload
        return shown and visitor.of(Shown).keep(without_waiting(shown))

    def _sees(self, visitor: Visitor, example: Example, checkpoints: Sequence[Chosen]) -> bool:
        """Whether a visitor looks at a stored comparison and wants nothing else of its image."""
        return (
            visitor.example == self.examples.index(example)
            and visitor.of(CurrentTrials).trials is None
            and [(entry.id, overrides) for entry, overrides in checkpoints]
            == [(name, NO_OVERRIDES) for name in example.checkpoints]
        )

    def example_picture(self, visitor: Visitor) -> Path | None:
        """The image of the stored comparison that a visitor looks at."""
        number = visitor.example
        known = number is not None and number < len(self.examples)
        return self.examples[number or 0].picture if known else None

    def opened(self, path: Path) -> tuple[Image.Image, str]:
        """The image in a file, and what identifies it. Raises PictureError."""
        decoded, digest = self.decoded(path)
        return decoded.image, digest

    def decoded(self, path: Path, plane: int | None = None) -> tuple[Decoded, str]:
        """The same with what was decided; ``plane`` counts pages, channels and slices from 1."""
        # Announced, compared and saved, an image is asked for again and again.
        return self._latest(path, self._changed(path), plane)

    def _decode(self, path: Path, changed: int, plane: int | None) -> tuple[Decoded, str]:
        content = self._read(path)
        decoded = decode_plane(content, max_megapixels=self._settings.max_megapixels, plane=plane)
        digest = hashlib.sha256(content)
        if plane is not None:
            digest.update(f"plane {plane}".encode())
        return decoded, digest.hexdigest()

    def batch(
        self,
        visitor: Visitor,
        pictures: Sequence[str],
        masks: Sequence[str],
        chosen: Sequence[str | None],
    ) -> Run:
        """A run of the images in these files. Raises a SegdemoError when there is none."""
        checkpoints = self.chosen(visitor, chosen)
        return prepare(
            self._settings, self._predictor, visitor.folder, checkpoints, pictures, masks
        )

    def truth(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        beside: Decoded | None = None,
        reading: str | None = None,
        name: str = "",
    ) -> TruthMask:
        """The right mask in a file, of an image's size. Raises PictureError.

        ``beside`` is the image with what its file says of orientation and planes; ``reading``
        names how the mask is read, see ``images.mask_choices``; ``name`` is that of the image's
        file.
        """
        content = self._read(path)
        mask = decode_truth(
            content,
            max_megapixels=self._settings.max_megapixels,
            reading=reading,
            beside=beside.beside(name) if beside else None,
        )
        return mask.fitted(size, beside.orientation if beside else 1, turn_any=True)

    def load(self, path: Path, overrides: Overrides = NO_OVERRIDES) -> "Segmenter":
        """The network of a checkpoint. Raises CheckpointError."""
        return self._predictor.load(path, overrides)

    def prediction(
        self, picture: Given, digest: str, entry: CatalogEntry, overrides: Overrides
    ) -> "tuple[Segmenter, Prediction]":
        """What a checkpoint says of an image; see ``Runner.prediction``."""
        return self._runner.prediction(picture, digest, entry, overrides)

    def _changed(self, path: Path) -> int:
        try:
            return path.stat().st_mtime_ns
        except OSError:
            return 0

    def _read(self, path: Path) -> bytes:
        limit = self.max_upload_bytes
        try:
            size = path.stat().st_size
            if size > limit:
                raise PictureError("page_picture_bytes", size=amount(size), limit=amount(limit))
            return path.read_bytes()
        except FileNotFoundError as error:
            # Old uploads are swept away while a page that shows them stays open.
            raise PictureError("file_unreadable", name=printable(path.name)) from error

    def status(self) -> str:
        """Where the networks run, and where checkpoints come from if that is unusual."""
        status = self._predictor.status()
        sentences = [text("page_status", device=status.device, precision=status.precision)]
        if self._hub.offline:
            sentences.append(text("page_offline"))
        elif self._hub.endpoint != DEFAULT_ENDPOINT:
            sentences.append(text("page_endpoint", endpoint=self._hub.endpoint))
        return " ".join(sentences)

"""The images that a visitor has run together: one run at a time, kept until the next."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Literal

import numpy as np

from segdemo.batch import Network, Outcome, Run, gather, match, write_archive, write_table
from segdemo.errors import PictureError, SegdemoError
from segdemo.inference.predictor import Predictor
from segdemo.settings import Settings
from segdemo.ui.batch.payload import BatchPayload, BatchRow, Parcel, State
from segdemo.ui.gradio_support.errors import explain, known
from segdemo.ui.viewer.map_files import (
    cache_file,
    cache_map,
    cache_picture,
    secret_path,
    viewer_size,
)
from segdemo.ui.viewer.payload import CachedFile
from segdemo.ui.viewer.runner import Chosen

Kind = Literal["table", "archive"]
_WRITERS = {"table": (write_table, "figures.csv"), "archive": (write_archive, "masks.zip")}


class BatchRuns:
    """Safe to be asked from several threads; outcomes keep no map and no image."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stop = Event()
        self._serial = 0
        self._count = 0
        self._run: Run | None = None
        self._chosen: tuple[str | None, ...] = ()
        self._outcomes: tuple[Outcome, ...] = ()
        self._rows: tuple[BatchRow, ...] = ()
        self._state: State = "done"
        self._parcel: Parcel | None = None

    def follow(
        self, make: Callable[[], Run], chosen: Sequence[str | None]
    ) -> Iterator[BatchPayload]:
        """Run what ``make`` returns in place of the last run: the payload, again for each image.

        ``chosen`` is what the page's slots hold. Ends early when stopped; what is done is kept.
        """
        self.stop()
        run = make()
        stop = Event()
        with self._lock:
            self._stop, self._run, self._chosen = stop, run, tuple(chosen)
            self._outcomes, self._rows, self._parcel = (), (), None
            self._state = "running"
            self._count += 1
        yield self._payload()
        message = ""
        try:
            for outcome in run.outcomes():
                if not self._take(run, outcome):
                    return
                if stop.is_set():
                    break
                yield self._payload()
        except Exception as error:
            message = explain(error)
        finally:
            # Also when the visitor has left and nobody asks for the next image.
            self._end(run)
        yield self._payload(message)

    def stop(self) -> None:
        """End the run after the image that is in work."""
        with self._lock:
            self._stop.set()

    close = stop

    def pack(self, kind: Kind, k: int) -> BatchPayload:
        """The payload with a parcel of what is done, at the threshold k."""
        with self._lock:
            run, outcomes = self._run, self._outcomes
        if run is None:
            raise PictureError("batch_gone")
        write, name = _WRITERS[kind]
        # All visitors' files lie in one cache.
        path = secret_path(name)
        try:
            write(run, outcomes, k, path)
        except FileNotFoundError as error:
            raise PictureError("batch_gone") from error
        file = CachedFile(path=str(path))
        with self._lock:
            self._parcel = Parcel(serial=self._serial, name=name, file=file)
        return self._payload()

    def refused(self, error: Exception) -> BatchPayload:
        """How everything stands, and why something could not be done."""
        return self._payload(explain(error))

    def opened(self, number: int) -> tuple[str, str | None, tuple[str | None, ...]]:
        """Files of an image and of its mask for the page, and what its slots held.

        Raises PictureError when they are gone.
        """
        with self._lock:
            run, chosen = self._run, self._chosen
        if run is None or not 0 <= number < len(run.pairs):
            raise PictureError("batch_gone")
        pair = run.pairs[number]
        files = [
            None
            if member is None or member.failure is not None
            else cache_file(member.read(run.max_bytes), member.name).path
            for member in (pair.picture, pair.mask)
        ]
        if files[0] is None:
            raise pair.picture.failure or PictureError("batch_gone")
        return files[0], files[1], chosen

    def _take(self, run: Run, outcome: Outcome) -> bool:
        """Keep what is small; whether this run is still the visitor's."""
        row = _row(run, outcome)
        light = replace(outcome, thumbnail=None, small={})
        with self._lock:
            if self._run is not run:
                return False
            self._outcomes += (light,)
            self._rows += (row,)
        return True

    def _end(self, run: Run) -> None:
        with self._lock:
            if self._run is run:
                whole = len(self._rows) == len(run.pairs)
                self._state = "done" if whole else "stopped"

    def _payload(self, message: str = "") -> BatchPayload:
        with self._lock:
            self._serial += 1
            run = self._run
            return BatchPayload(
                serial=self._serial,
                run=self._count,
                state=self._state,
                total=len(run.pairs) if run else 0,
                networks=tuple(network.title for network in run.networks) if run else (),
                rows=self._rows,
                message=message,
                parcel=self._parcel,
            )


def prepare(
    settings: Settings,
    predictor: Predictor,
    folder: Path,
    chosen: Sequence[Chosen],
    pictures: Sequence[str],
    masks: Sequence[str],
) -> Run:
    """The run of the images in these files through the chosen checkpoints.

    ``folder`` is the visitor's; what the last run has kept in it leaves.
    Raises a SegdemoError when there is nothing to run, or a checkpoint is not on this disk.
    """
    if not chosen:
        raise SegdemoError("page_no_checkpoint")
    networks = []
    for entry, overrides in chosen:
        if entry.path is None:
            raise SegdemoError("batch_absent", name=entry.title_here)
        networks.append(Network(title=entry.title_here, path=entry.path, overrides=overrides))
    limit = settings.max_upload_megabytes * 1_000_000
    found, drawn = (
        gather([Path(path) for path in paths], limit=limit) for paths in (pictures, masks)
    )
    if not found:
        raise PictureError("batch_no_pictures")
    return Run(
        predictor=predictor,
        networks=tuple(networks),
        pairs=match(found, drawn),
        folder=_fresh(folder),
        measured_size=viewer_size,
        known=known,
        max_bytes=limit,
        max_megapixels=settings.max_megapixels,
    )


def _fresh(parent: Path) -> Path:
    folder = parent / "batch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _row(run: Run, outcome: Outcome) -> BatchRow:
    row = BatchRow(
        number=outcome.number,
        name=outcome.pair.picture.name,
        message=" ".join(_sentences(run, outcome)),
    )
    if outcome.tables is None or outcome.thumbnail is None:
        return row
    return replace(
        row,
        networks=outcome.tables.networks,
        scored=bool(outcome.tables.curves),
        thumbnail=cache_picture(outcome.thumbnail),
        maps=cache_map(np.concatenate(list(outcome.small.values()))),
        table=cache_file(outcome.tables.to_bytes(), "counts.bin"),
    )


def _sentences(run: Run, outcome: Outcome) -> Iterator[str]:
    if outcome.failure is not None:
        yield outcome.failure.message()
    for number, failure in outcome.failures.items():
        yield f"{run.networks[number].title}: {failure.message()}"
    if outcome.truth_failure is not None:
        yield outcome.truth_failure.message()
    for notice in outcome.truth_notices:
        yield notice.message()

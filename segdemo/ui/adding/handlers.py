"""What happens when a visitor adds checkpoints: look, search, judge, fetch."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from segdemo import checkpoints
from segdemo.catalog import CatalogEntry, from_file, from_weight_file
from segdemo.errors import FileError, HubError
from segdemo.hub.references import Address, Repository
from segdemo.libraries.folders import unpacked, weights_at
from segdemo.settings import Settings
from segdemo.ui.adding.hub_access import HubAccess
from segdemo.ui.adding.payload import (
    Answer,
    files,
    found,
    judged,
    over_limit,
    problem,
    why_not,
)
from segdemo.ui.gradio_support.errors import known
from segdemo.ui.shelf import Shelf
from segdemo.ui.transfers.transfers import Download, Progress, Transfers
from segdemo.ui.visitor import Visitor
from segdemo.wording import printable, shown

_CLOSED = frozenset({"hub_gated", "hub_gated_refused", "hub_not_found", "hub_forbidden"})
"""What the Hub says to those whom it does not let in."""


class LastAnswer:
    """What a visitor was last told about checkpoints to add."""

    def __init__(self) -> None:
        self.repository: Repository | None = None
        """The one they looked at last."""
        self.answered: Callable[[], Answer] | None = None
        """Says the last answer again, in the language of now."""


class Adding:
    """The behaviour of adding, without its components."""

    def __init__(self, *, settings: Settings, hub: HubAccess, shelf: Shelf) -> None:
        """``hub`` finds and fetches what ``shelf`` lists afterwards."""
        self._settings = settings
        self._hub = hub
        self._shelf = shelf

    @property
    def uploads(self) -> bool:
        """Whether visitors may open files of their own."""
        return self._settings.checkpoint_uploads

    @property
    def online(self) -> bool:
        """Whether the Hub may be asked."""
        return not self._hub.offline

    @property
    def max_megabytes(self) -> int:
        """Of a checkpoint, fetched or dropped."""
        return self._settings.max_download_megabytes

    def look(self, visitor: Visitor, words: str, serial: int, token: str | None = None) -> Answer:
        """The files at an address, or the repositories that fit other words; never raises."""
        try:
            address = self._hub.parse(words)
            if address is None:
                repositories = self._hub.search(words, token=token)
                return _answer(visitor, partial(found, words, repositories, serial))
            repository = self._hub.look(address, token=token)
        except Exception as error:
            return _answer(visitor, _problem(error, serial))
        visitor.of(LastAnswer).repository = repository
        return _answer(visitor, partial(files, repository, serial, self.max_megabytes))

    def say_again(self, visitor: Visitor) -> Answer | None:
        """The last answer in the current language; None where there was none."""
        answered = visitor.of(LastAnswer).answered
        return answered() if answered else None

    def take(
        self, visitor: Visitor, path: Path, beside: Sequence[Path] = ()
    ) -> tuple[CatalogEntry, str]:
        """List an uploaded checkpoint for its visitor alone; returns it with what it is.

        ``beside`` is what a library saved with it; it may be a ZIP of both. The upload stays as
        it is: the same file may serve for something else. Taken twice it is one entry. Raises
        SegdemoError where it is of no use.
        """
        if not self.uploads:
            raise FileError("add_uploads_off")
        name, size = printable(path.name), path.stat().st_size
        if over_limit(size, self.max_megabytes):
            raise FileError("add_file_too_large", name=name, limit=self.max_megabytes)
        own, was_there = self._linked(visitor, path, beside)
        verdict = checkpoints.judge_whole(own)
        if verdict.reason is not None:
            if not was_there:
                shutil.rmtree(own.parent)
            raise verdict.reason
        entry = from_file(own, "upload")
        visitor.entries[entry.id] = entry
        return entry, judged(name, size, verdict, None).facts

    def _linked(self, visitor: Visitor, path: Path, beside: Sequence[Path]) -> tuple[Path, bool]:
        """The weights among a visitor's own files, and whether they lay there before."""
        # Gradio keeps each upload in a folder that is named by its content.
        folder = visitor.folder / "-".join(one.parent.name[:16] for one in (path, *beside))
        own = folder / path.name
        if folder.exists():
            return (own if own.exists() else weights_at(folder)), True
        folder.mkdir()
        try:
            found = unpacked(path, folder, max_bytes=self.max_megabytes * 10**6)
        except FileError:
            shutil.rmtree(folder)
            raise
        if found is not None:
            return found, False
        for one in (path, *beside):
            _link(one, folder / one.name)
        return own, False

    def use(self, visitor: Visitor, number: int, token: str | None = None) -> CatalogEntry:
        """List the file of that number in the last answer for this visitor; begin its download.

        Raises SegdemoError.
        """
        entry = self._chosen(visitor, number)
        self._list(visitor, entry, visitor.of(LastAnswer).repository, token)
        self.begin(visitor, [entry.id], token)
        return entry

    def find(self, visitor: Visitor, address: Address, token: str | None = None) -> CatalogEntry:
        """List the one file at an address for this visitor, and fetch nothing.

        Raises SegdemoError.
        """
        repository = self._hub.look(address, token=token)
        files = (one for one in repository.files if one.address.filename == address.filename)
        file = next(files, None)
        if file is None:
            raise HubError("link_checkpoint", name=shown(address.filename or ""))
        if reason := why_not(file, self.max_megabytes):
            raise reason
        return self._list(visitor, from_weight_file(repository, file), repository, token)

    def _list(
        self,
        visitor: Visitor,
        entry: CatalogEntry,
        repository: Repository | None,
        token: str | None,
    ) -> CatalogEntry:
        if token and repository is not None and (repository.private or repository.gated):
            visitor.confidential.add(entry.id)
        visitor.entries[entry.id] = entry
        return entry

    def _chosen(self, visitor: Visitor, number: int) -> CatalogEntry:
        repository = visitor.of(LastAnswer).repository
        if repository is None or not 0 <= number < len(repository.files):
            raise HubError("add_look_again")
        file = repository.files[number]
        if reason := why_not(file, self.max_megabytes):
            raise reason
        return from_weight_file(repository, file)

    def begin(
        self, visitor: Visitor, names: Sequence[str | None], token: str | None = None
    ) -> None:
        """Fetch those of the entries that are not on this disk."""
        for name in names:
            entry = self._shelf.find(name, visitor)
            if entry is None or entry.path is not None or entry.address is None:
                continue
            visitor.of(Transfers).begin(
                entry,
                partial(self._start, visitor, entry, token),
                partial(self._shelf.arrived, entry, visitor=visitor),
            )

    def begin_new(self, visitor: Visitor, names: Sequence[str | None]) -> None:
        """Like ``begin``, but leave alone what was stopped or has failed."""
        transfers = visitor.of(Transfers)
        self.begin(visitor, [name for name in names if name and transfers.state(name) is None])

    def _start(self, visitor: Visitor, entry: CatalogEntry, token: str | None) -> Download:
        assert entry.address is not None
        address = entry.address

        def as_visitor() -> Download:
            visitor.confidential.add(entry.id)
            visitor.entries[entry.id] = entry
            return self._hub.start(address, token=token, folder=visitor.folder)

        if entry.id in visitor.confidential:
            return as_visitor()
        public = self._hub.start(address)
        return _PublicFirst(public, as_visitor) if token else public


def _answer(visitor: Visitor, answer: Callable[[], Answer]) -> Answer:
    visitor.of(LastAnswer).answered = answer
    return answer()


def _problem(error: Exception, serial: int) -> Callable[[], Answer]:
    # A mistake of ours is logged once, under one reference.
    said = known(error)
    return lambda: problem(said.message(), serial)


def _link(path: Path, own: Path) -> None:
    try:
        own.hardlink_to(path)
    except OSError:  # another disk, or one that knows no links
        shutil.copy(path, own)


class _PublicFirst:
    """What everybody may fetch is fetched for everybody; only the rest with a visitor's token."""

    def __init__(self, public: Download, as_visitor: Callable[[], Download]) -> None:
        self._current = public
        self._as_visitor = as_visitor

    def updates(self) -> Iterator[Progress]:
        """As of a download."""
        try:
            yield from self._current.updates()
        except HubError as error:
            if error.key not in _CLOSED:
                raise
            self._current = self._as_visitor()
            yield from self._current.updates()

    def cancel(self) -> None:
        """As of a download."""
        self._current.cancel()

    @property
    def path(self) -> Path:
        """As of a download."""
        return self._current.path

"""What happens when a visitor adds checkpoints: look, search, judge, fetch."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from segdemo.catalog import CatalogEntry, from_file, from_weight_file
from segdemo.checkpoints.folders import unpacked, weights_at
from segdemo.checkpoints.verdict import judge
from segdemo.errors import FileError, HubError
from segdemo.hub.references import Address, Repository
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.ui.adding.hub_access import HubAccess
from segdemo.ui.adding.payload import (
    Answer,
    Item,
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
        self.file: CatalogEntry | None = None
        """The checkpoint that they dropped last."""
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
        last = visitor.of(LastAnswer)
        last.repository, last.file = repository, None
        return _answer(visitor, partial(files, repository, serial, self.max_megabytes))

    def judge_file(
        self, visitor: Visitor, path: Path | Sequence[Path | None] | None, serial: int
    ) -> Answer:
        """The verdict on an upload, which moves to where only its visitor reads it.

        Several are the weights and what a library saves beside them. A path is None when what a
        browser named is no upload. Never raises.
        """
        try:
            paths = path if isinstance(path, Sequence) else [path]
            item = self._judge(visitor, *paths)
        except Exception as error:
            return _answer(visitor, _problem(error, serial))
        return _answer(visitor, partial(_of_file, item, serial))

    def say_again(self, visitor: Visitor) -> Answer | None:
        """The last answer in the current language; None where there was none."""
        answered = visitor.of(LastAnswer).answered
        return answered() if answered else None

    def _judge(self, visitor: Visitor, *paths: Path | None) -> Callable[[], Item]:
        if not self.uploads:
            raise FileError("add_uploads_off")
        given = [path for path in paths if path is not None]
        if not given or len(given) < len(paths):
            raise FileError("file_unreadable", name=text("add_your_file"))
        folder = Path(tempfile.mkdtemp(dir=visitor.folder))
        try:
            own = self._moved(given, folder)
            name, size = printable(own.name), own.stat().st_size
            with own.open("rb") as file:
                verdict = judge(file, name=own.name, size=size, folder=folder)
            if verdict.reason is None:
                last = visitor.of(LastAnswer)
                last.repository, last.file = None, from_file(own, "upload")
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if verdict.reason is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return partial(judged, name, size, verdict, verdict.reason)

    def _moved(self, paths: Sequence[Path], folder: Path) -> Path:
        """The weights among uploads that now lie in ``folder``. Raises FileError."""
        large = [path for path in paths if over_limit(path.stat().st_size, self.max_megabytes)]
        if large:
            for path in paths:
                path.unlink()
            name = printable(large[0].name)
            raise FileError("add_file_too_large", name=name, limit=self.max_megabytes)
        for path in paths:
            shutil.move(path, folder / path.name)
        if len(paths) > 1:
            return weights_at(folder)
        alone = folder / paths[0].name
        found = unpacked(alone, folder, max_bytes=self.max_megabytes * 10**6)
        if found is not None:
            alone.unlink()
        return found or alone

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
        last = visitor.of(LastAnswer)
        if last.file is not None:
            return last.file
        repository = last.repository
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


def _of_file(item: Callable[[], Item], serial: int) -> Answer:
    return Answer(kind="files", serial=serial, title=text("add_your_file"), items=(item(),))


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

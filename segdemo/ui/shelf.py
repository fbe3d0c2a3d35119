"""The checkpoints on offer: the same for everybody, and beside them each visitor's own."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from segdemo.catalog import CatalogEntry
from segdemo.strings import text
from segdemo.ui.visitor import Visitor
from segdemo.wording import amount

Choice = tuple[str, str]
"""What a person reads, and the value."""

_SOURCES = {
    "shipped": "page_source_shipped",
    "own": "page_source_own",
    "folder": "page_source_folder",
    "upload": "page_source_upload",
    "cached": "page_source_hub",
    "hub": "page_source_hub",
    "torchvision": "page_source_torchvision",
}


class Shelf:
    """Finds checkpoints and lists them as choices."""

    def __init__(self, offer: Callable[[], Sequence[CatalogEntry]], *, online: bool = True) -> None:
        """``offer`` reads what everybody may see; what is not here counts only when ``online``."""
        self._offer = offer
        self._online = online
        self._fetched: dict[str, Path] = {}
        self._offered: dict[str, CatalogEntry] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Read the offer again; whether it has changed."""
        before = self._offered
        self._offered = {entry.id: entry for entry in self._offer()}
        return self._offered != before

    def entries(self, visitor: Visitor | None = None) -> list[CatalogEntry]:
        """Everything that a visitor may choose: shipped, theirs, on this disk, elsewhere."""
        known = self._offered | (visitor.entries if visitor else {})
        own = visitor.entries.keys() if visitor else set()
        present = [self._here(entry) for entry in known.values()]
        wanted = [entry for entry in present if self._online or entry.path]
        return sorted(wanted, key=lambda entry: _rank(entry, entry.id in own))

    def find(self, name: str | None, visitor: Visitor | None = None) -> CatalogEntry | None:
        """The entry of that id, if this visitor may choose it."""
        own = visitor.entries if visitor else {}
        entry = own.get(name or "") or self._offered.get(name or "")
        return self._here(entry) if entry else None

    def choices(self, visitor: Visitor | None = None) -> list[Choice]:
        """The checkpoints, each with source and size."""
        return [(label(entry), entry.id) for entry in self.entries(visitor)]

    def arrived(self, entry: CatalogEntry, path: Path, visitor: Visitor) -> None:
        """A checkpoint is on this disk now; what is confidential is known to its visitor alone."""
        if entry.id in visitor.entries:
            visitor.entries[entry.id] = replace(visitor.entries[entry.id], path=path)
        if entry.id not in visitor.confidential:
            self._fetched[entry.id] = path

    def _here(self, entry: CatalogEntry) -> CatalogEntry:
        """The entry as the disk has it: caches are emptied by others, too."""
        if entry.address is None:
            return entry
        path = entry.path or self._fetched.get(entry.id)
        return replace(entry, path=path if path and path.exists() else None)


def _rank(entry: CatalogEntry, own: bool) -> int:
    """A newcomer reads from the top: what runs at once comes first."""
    order: Iterable[bool] = (
        entry.source == "shipped",
        entry.source == "own",
        entry.source == "folder",
        own,
        entry.path is not None,
        entry.source == "hub",
    )
    return next((place for place, holds in enumerate(order) if holds), len(_SOURCES))


def label(entry: CatalogEntry) -> str:
    """The entry in a list: title, source, size, and whether it has to be downloaded."""
    source = text(_SOURCES[entry.source])
    facts = [entry.title_here, source, amount(entry.bytes)]
    if entry.title.endswith(f"({source})"):
        facts.remove(source)
    if entry.commercial is False:
        facts.append(text("page_non_commercial"))
    line = " · ".join(facts)
    return line if entry.path else text("page_to_download", entry=line)

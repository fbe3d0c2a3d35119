"""What Python tells the browser of many images: the payload segdemo.batch/1, as plain values."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from segdemo.ui.viewer.payload import CachedFile, CachedImage

SCHEMA = "segdemo.batch/1"

State = Literal["running", "done", "stopped"]


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """One image: what the browser needs to show and sort it at any threshold."""

    number: int
    name: str
    message: str = ""
    """Why there is nothing else, or what is missing: a sentence."""
    networks: tuple[int, ...] = ()
    """Those that gave a map, by number; with none the image has failed."""
    scored: bool = False
    """Whether its table has a truth."""
    thumbnail: CachedImage | None = None
    maps: CachedImage | None = None
    """One map of q of the thumbnail's size for each of ``networks``, from top to bottom."""
    table: CachedFile | None = None
    """As ``Tables.to_bytes`` writes it."""

    def to_json(self) -> dict[str, Any]:
        """The row as the browser reads it."""
        row: dict[str, Any] = {
            "number": self.number,
            "name": self.name,
            "message": self.message,
            "networks": list(self.networks),
            "scored": self.scored,
        }
        if self.thumbnail is not None and self.maps is not None and self.table is not None:
            row["thumbnail"] = self.thumbnail.to_json()
            row["maps"] = self.maps.to_json()
            row["table"] = self.table.to_json()
        return row


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A file for the person, which the browser saves once."""

    serial: int
    name: str
    file: CachedFile

    def to_json(self) -> dict[str, Any]:
        """The parcel as the browser reads it."""
        return asdict(self) | {"file": self.file.to_json()}


@dataclass(frozen=True, kw_only=True)
class BatchPayload:
    """All that is known of a visitor's images; a larger ``serial`` is later."""

    serial: int
    run: int
    """Counts the runs of this visitor."""
    state: State
    total: int
    networks: tuple[str, ...]
    """Their titles."""
    rows: tuple[BatchRow, ...]
    message: str = ""
    """Why it ended early, or why there is no parcel."""
    parcel: Parcel | None = None

    def to_json(self) -> dict[str, Any]:
        """The payload as the browser reads it."""
        return {
            "schema": SCHEMA,
            "serial": self.serial,
            "run": self.run,
            "state": self.state,
            "total": self.total,
            "networks": list(self.networks),
            "rows": [row.to_json() for row in self.rows],
            "message": self.message,
            "parcel": None if self.parcel is None else self.parcel.to_json(),
        }

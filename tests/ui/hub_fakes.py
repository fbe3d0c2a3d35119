"""A Hub of a few dictionaries, for what the page does with it."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import HubError
from segdemo.hub.references import Address, Found, Repository, WeightFile
from segdemo.ui.adding.hub_access import HubAccess

COMMIT = "0123456789abcdef0123456789abcdef01234567"
READABLE = Verdict(
    architecture="unet",
    title="U-Net",
    configuration="width 4, depth 2",
    origin="segdemo",
    in_channels=3,
    classes=1,
    parameters=31_043_521,
)


@dataclass(frozen=True)
class Step:
    received: int
    total: int


class FakeDownload:
    """Tells of each step that the test lets it take; ends where the file is."""

    def __init__(self, path: Path | None = None, failure: Exception | None = None) -> None:
        self.path = path
        self.failure = failure
        self.cancelled = False
        self._steps: list[Step] = []
        self._over = False
        self._changed = threading.Condition()

    def step(self, received: int, total: int) -> None:
        with self._changed:
            self._steps.append(Step(received, total))
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def cancel(self) -> None:
        self.cancelled = True
        self.end()

    def updates(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._steps or self._over)
                step = self._steps.pop(0) if self._steps else None
            if step is not None and not self.cancelled:
                yield step
                continue
            if self.cancelled:
                raise HubError("hub_cancelled")
            if self.failure:
                raise self.failure
            return


@dataclass
class FakeHub:
    """Repositories by id; remembers who asked for what with which token, and where it went."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    downloads: list[FakeDownload] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    offline: bool = False
    endpoint: str = "https://huggingface.co"

    def add(self, repo_id, *files, **facts):
        """A repository with files of (name, bytes, verdict)."""
        address = Address(repo_id=repo_id, revision=COMMIT)
        facts = {"licence": "mit", "commercial": True, "private": False, "gated": False} | facts
        self.repositories[repo_id] = Repository(
            address=address,
            files=tuple(
                WeightFile(
                    address=replace(address, filename=name),
                    bytes=size,
                    sha256=None,
                    verdict=verdict,
                )
                for name, size, verdict in files
            ),
            **facts,
        )

    def parse(self, text):
        if not text.strip():
            raise HubError("hub_empty")
        return Address(repo_id=text) if "/" in text else None

    def look(self, address, *, token=None):
        self.asked.append(("look", address.repo_id, token))
        if address.repo_id not in self.repositories:
            raise HubError("hub_not_found", name=address.repo_id)
        return self.repositories[address.repo_id]

    def search(self, words, *, token=None):
        self.asked.append(("search", words, token))
        return tuple(
            Found(repo_id=name, downloads=1200, likes=1, licence="mit", gated=False)
            for name in self.repositories
            if words in name
        )

    def start(self, address, *, token=None, folder=None):
        self.asked.append(("start", address.filename, token, folder))
        return self.downloads.pop(0)

    @property
    def access(self):
        return HubAccess(
            parse=self.parse,
            look=self.look,
            search=self.search,
            start=self.start,
            endpoint=self.endpoint,
            offline=self.offline,
        )


def remote_entry(name="far", **changes):
    """An entry that is not on this disk."""
    facts = {
        "id": name,
        "title": name.title(),
        "architecture": "u2net",
        "task": "test",
        "bytes": 176_000_000,
        "source": "hub",
        "address": Address(repo_id=f"alice/{name}", filename="model.safetensors"),
    }
    return CatalogEntry(**facts | changes)

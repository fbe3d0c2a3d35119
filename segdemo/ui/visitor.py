"""What belongs to one visitor alone: their checkpoints, overrides, folder, and features' state."""

import shutil
import tempfile
import weakref
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from segdemo.catalog import CatalogEntry
from segdemo.spec import Overrides
from segdemo.strings import DEFAULT_LANGUAGE

State = TypeVar("State")


# No dataclass: Gradio would take it apart to describe it to the browser.
class Visitor:
    """Kept by the page for a session; never handed to another one, nor copied."""

    def __init__(self) -> None:
        self.entries: dict[str, CatalogEntry] = {}
        """What they have added, by id."""
        self.confidential: set[str] = set()
        """The ids among them that only their own token may fetch."""
        self.language = DEFAULT_LANGUAGE
        """What they read; their browser says so when the page opens."""
        self.opening: str | None = None
        """The language in which what a link names is being opened; None when nothing is."""
        self.example: int | None = 0
        """The stored comparison that they look at; None once they have made their own."""
        self.turn = 0
        """Counts what they have asked to see: a comparison for an earlier one ends."""
        self.overrides: dict[int, tuple[str, Overrides]] = {}
        """By slot: the id of a checkpoint and how they want it read, where they said so."""
        self._states: dict[type, Any] = {}
        # Downloads ask for the folder in threads of their own.
        self._lock = RLock()
        self._folder: Path | None = None
        self._remove: weakref.finalize[..., Visitor] | None = None
        self.closed = False
        """Whether they have left for good."""

    def __deepcopy__(self, memo: object) -> "Visitor":
        """A newcomer: Gradio begins every session with a copy of the first value."""
        return Visitor()

    def of(self, kind: type[State]) -> State:
        """The state that a feature keeps for this visitor, made when it is first asked for.

        ``kind`` is a class of the feature; its ``close``, if it has one, is called at the end.
        """
        with self._lock:
            if kind not in self._states:
                self._states[kind] = kind()
            state: State = self._states[kind]
            return state

    @property
    def folder(self) -> Path:
        """A folder for what nobody else may read; it goes with the visitor."""
        with self._lock:
            return self._folder or self._own(Path(tempfile.mkdtemp(prefix="segdemo-visitor-")))

    def _own(self, folder: Path) -> Path:
        self._folder = folder
        # A session that ends without a word, as when the app stops, removes it too.
        self._remove = weakref.finalize(self, shutil.rmtree, folder, True)
        return folder

    def inherit(self, before: "Visitor", states: tuple[type, ...]) -> None:
        """Take over what belonged to another one: the same person after a reload.

        Of what features keep, ``states`` are taken. The folder goes with this visitor from now on.
        """
        with before._lock, self._lock:
            self.entries, self.confidential = dict(before.entries), set(before.confidential)
            self.overrides = dict(before.overrides)
            for kind in states:
                if kind in before._states:
                    self._states[kind] = before._states[kind]
            if before._folder is not None and before._remove is not None and self._folder is None:
                before._remove.detach()
                self._own(before._folder)
                before._folder = before._remove = None

    def close(self) -> None:
        """Stop what is under way and remove the folder."""
        with self._lock:
            states = list(self._states.values())
        for state in states:
            getattr(state, "close", lambda: None)()
        with self._lock:
            if self._remove is not None:
                self._remove()
            self._folder = self._remove = None
            self.closed = True

"""What belongs to one visitor alone: their checkpoints, downloads, last answer, and folder."""

import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from segdemo.catalog import CatalogEntry
from segdemo.hub.references import Repository
from segdemo.spec import Overrides
from segdemo.strings import DEFAULT_LANGUAGE
from segdemo.ui.adding.payload import Answer
from segdemo.ui.batch.runs import BatchRuns
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.viewer.payload import ViewerState
from segdemo.ui.viewer.readings.trials import Trials


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
        self.restore: ViewerState | None = None
        """How a link wants their next comparison to be looked at."""
        self.opening: str | None = None
        """The language in which what a link names is being opened; None when nothing is."""
        self.example: int | None = 0
        """The stored comparison that they look at; None once they have made their own."""
        self.readings: dict[int, tuple[str, Overrides]] = {}
        """How they want the checkpoint with an id read in a slot, where they said so."""
        self.trials: Trials | None = None
        """The usual readings that were tried last."""
        self.transfers = Transfers()
        self.batches = BatchRuns()
        self.repository: Repository | None = None
        """The one they looked at last."""
        self.file: CatalogEntry | None = None
        """The checkpoint that they dropped last."""
        self.answered: Callable[[], Answer] | None = None
        """Says the last answer about checkpoints again."""
        # Downloads ask for the folder in threads of their own.
        self._lock = Lock()
        self._folder: Path | None = None
        self._remove: Callable[[], object] = lambda: None

    def __deepcopy__(self, memo: object) -> "Visitor":
        """A newcomer: Gradio begins every session with a copy of the first value."""
        return Visitor()

    @property
    def folder(self) -> Path:
        """A folder for what nobody else may read; it goes with the visitor."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="segdemo-visitor-"))
                # A session that ends without a word, as when the app stops, removes it too.
                self._remove = weakref.finalize(self, shutil.rmtree, self._folder, True)
            return self._folder

    def close(self) -> None:
        """Stop what is under way and remove the folder."""
        self.transfers.close()
        self.batches.stop()
        with self._lock:
            self._remove()
            self._folder = None

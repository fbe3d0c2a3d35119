"""How far a long command is: one line on a terminal, which the next one replaces."""

import sys
import time
from types import TracebackType

from segdemo.strings import text


def show_line(sentence: str) -> None:
    """Shows a line that the next one replaces, where a person looks at a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{sentence}")
        sys.stderr.flush()


class Progress:
    """Counts what is done and says how long the rest takes, by what took time so far."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._worked = 0
        self._began = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.forget()

    def step(self, *, worked: bool = True) -> None:
        """One more is done; what was left alone says nothing about the rest."""
        self.done += 1
        self._worked += worked
        if self.done < self.total:
            show_line(self.line(time.monotonic() - self._began))

    def line(self, seconds: float) -> str:
        """How far it is after so many seconds."""
        rate = self._worked / seconds if seconds > 0 else 0.0
        left = duration((self.total - self.done) / rate) if rate else "–"
        return text("cli_progress", done=self.done, total=self.total, rate=f"{rate:.2g}", left=left)

    def forget(self) -> None:
        """Takes the line away."""
        show_line("")


def duration(seconds: float) -> str:
    """For people: "0:07", "12:30", "3:05:00"."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"

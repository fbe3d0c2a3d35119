"""Writes how a training goes as a table that programs and spreadsheets read."""

import csv
import time
from pathlib import Path

from segdemo.errors import TrainingError
from segdemo.wording import printable

COLUMNS = ("step", "loss", "score", "best", "seconds")


class TrainingLog:
    """A line at each look at the images kept aside; what is done again is written again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = time.monotonic()
        self._loss = float("nan")

    def step(self, loss: float) -> None:
        """One more step, with the smoothed loss."""
        self._loss = loss

    def looked(self, step: int, score: float, best: float) -> None:
        """Score and best so far after so many steps. Raises TrainingError."""
        seconds = time.monotonic() - self._began
        row = (step, f"{self._loss:.6g}", f"{score:.6f}", f"{best:.6f}", f"{seconds:.1f}")
        try:
            kept = [line for line in self._lines() if int(line[0]) < step]
            with self.path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([COLUMNS, *kept, row])
        except OSError as error:
            name = printable(str(self.path.parent))
            raise TrainingError("finetune_unwritable", name=name) from error

    def _lines(self) -> list[list[str]]:
        """What an interrupted run has written."""
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
        except (FileNotFoundError, UnicodeDecodeError, csv.Error):
            return []
        return [row for row in rows if len(row) == len(COLUMNS) and row[0].isdecimal()]

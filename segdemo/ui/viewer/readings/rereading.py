"""Reading the checkpoint of a slot in another way: one word, a choice among trials, or back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from segdemo import inference
from segdemo.catalog import CatalogEntry
from segdemo.images.measured import Given, as_shown
from segdemo.inference.predictor import Predictor
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.ui.viewer.assumed import decide, settled
from segdemo.ui.viewer.payload import PanelEntry
from segdemo.ui.viewer.readings.trials import CurrentTrials, Trials, attempts, thumbnail
from segdemo.ui.viewer.runner import Chosen, Runner, panel_id
from segdemo.ui.visitor import Visitor

Filled = tuple[int, Chosen]
"""A slot and what stands in it."""


class Rereading:
    """What visitors want read in another way; each change shows with their next comparison."""

    def __init__(
        self,
        *,
        predictor: Predictor,
        runner: Runner,
        filled: Callable[[Visitor, Sequence[str | None]], list[Filled]],
    ) -> None:
        """``filled`` gives the slots with a checkpoint, of which panel n shows the n-th."""
        self._predictor = predictor
        self._runner = runner
        self._filled = filled

    def reassume(
        self, visitor: Visitor, names: Sequence[str | None], panel: str, name: str, raw: str
    ) -> None:
        """Decide one assumption of a panel as its control holds it.

        Raises SpecError for a value that makes no sense: then nothing has changed.
        """
        for slot, (entry, path), overrides in self._on_disk(visitor, names, panel):
            load = partial(self._predictor.load, path)
            decided = decide(load(NO_OVERRIDES), overrides, name, raw)
            decided = settled(load(Overrides(assume=decided.assume)), decided)
            visitor.overrides[slot] = entry.id, decided

    def reset(self, visitor: Visitor, names: Sequence[str | None], panel: str) -> None:
        """Read a panel's checkpoint as it comes."""
        for slot, _, _ in self._on_disk(visitor, names, panel):
            visitor.overrides.pop(slot, None)

    def begin_trials(self, visitor: Visitor, names: Sequence[str | None], panel: str) -> None:
        """Have the usual readings tried with the next comparison, in place of earlier trials."""
        for slot, (entry, path), overrides in self._on_disk(visitor, names, panel):
            usual = attempts(partial(self._predictor.load, path), overrides)
            visitor.of(CurrentTrials).trials = Trials(slot=slot, entry_id=entry.id, attempts=usual)

    def choose(self, visitor: Visitor, names: Sequence[str | None], panel: str, trial: str) -> None:
        """Read a panel's checkpoint as one of its trials is."""
        for slot, (entry, _), _ in self._on_disk(visitor, names, panel):
            trials = visitor.of(CurrentTrials).trials
            if trials is None or (trials.slot, trials.entry_id) != (slot, entry.id):
                continue
            overrides = trials.reading_of(trial)
            if overrides is not None:
                visitor.overrides[slot] = entry.id, overrides

    def _on_disk(
        self, visitor: Visitor, names: Sequence[str | None], panel: str
    ) -> Iterator[tuple[int, tuple[CatalogEntry, Path], Overrides]]:
        """What a browser means by a panel: one slot, or none."""
        for number, (slot, (entry, overrides)) in enumerate(self._filled(visitor, names)):
            if panel_id(number) == panel and entry.path is not None:
                yield slot, (entry, entry.path), overrides

    def run_trials(
        self, visitor: Visitor, filled: Sequence[Filled], picture: Given, digest: str
    ) -> Iterator[None]:
        """Make the trials that are wanted of this image; a step for each."""
        trials = self._holding(visitor, filled, digest)
        if trials is None:
            return
        entry, _ = dict(filled)[trials.slot]
        for number, attempt in enumerate(trials.attempts):
            if number in trials.maps:
                continue
            try:
                segmenter, prediction = self._runner.prediction(
                    picture, digest, entry, attempt.overrides
                )
                near = inference.nearness(segmenter, as_shown(picture))
                if near is not None:
                    trials.nearness[number] = near
                trials.maps[number] = thumbnail(prediction)
            except Exception:
                # A way that cannot be run is none to choose; whoever forces it is told why.
                trials.maps[number] = None
            yield
            if visitor.of(CurrentTrials).trials is not trials:
                return

    def with_trials(
        self,
        visitor: Visitor,
        filled: Sequence[Filled],
        digest: str,
        panels: tuple[PanelEntry, ...],
    ) -> tuple[PanelEntry, ...]:
        """The panels with what was tried; forgotten once it is about something else."""
        trials = visitor.of(CurrentTrials).trials = self._holding(visitor, filled, digest)
        if trials is None:
            return panels
        number = [slot for slot, _ in filled].index(trials.slot)
        _, overrides = dict(filled)[trials.slot]
        panel = replace(panels[number], trials=trials.made(overrides))
        return (*panels[:number], panel, *panels[number + 1 :])

    def _holding(self, visitor: Visitor, filled: Sequence[Filled], digest: str) -> Trials | None:
        """The trials, if they are about what is compared now."""
        trials = visitor.of(CurrentTrials).trials
        chosen = dict(filled).get(trials.slot) if trials else None
        if trials is None or chosen is None:
            return None
        entry, overrides = chosen
        return trials if trials.hold(digest, entry.id, overrides) else None

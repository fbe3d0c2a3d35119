"""How a person wants a checkpoint to be read, where that is another way than it comes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Hashable, so that it can be part of a key; two that say the same are equal."""

    assume: str | None = None
    """The name of the reading where tensors cannot tell; None for the file's own or the usual."""
    words: str = "{}"
    """What else is decided: a spec's JSON form, its keys in order."""

    @property
    def spec_words(self) -> dict[str, Any]:
        """``words`` as ``load`` takes them."""
        words: dict[str, Any] = json.loads(self.words)
        return words

    def with_word(self, name: str, value: object) -> "Reading":
        """The same with one field decided, such as "preprocessing.side"; by None it no longer is.

        The value is any that JSON has. Nothing is checked here: see ``SegmentationSpec.resolve``.
        """
        part, _, field = name.partition(".")
        words = self.spec_words
        values = {key: given for key, given in words.pop(part, {}).items() if key != field}
        if value is not None:
            values[field] = value
        return replace(self, words=_canonical({**words, **({part: values} if values else {})}))

    def with_words(self, words: Mapping[str, Mapping[str, Any]]) -> "Reading":
        """The same with all of these fields decided."""
        reading = self
        for part, values in words.items():
            for field, value in values.items():
                reading = reading.with_word(f"{part}.{field}", value)
        return reading


AS_IT_COMES = Reading()
"""Nobody decided anything: as the file, its neighbours and its code base say."""


def _canonical(words: Mapping[str, Any]) -> str:
    return json.dumps(words, sort_keys=True)

"""Remarks about a file: what was decided while it was read, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from segdemo.strings import text


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that was decided about an image or a mask, which the person should know."""

    key: str
    facts: Mapping[str, str | float] = field(default_factory=dict)
    reading: str = ""
    """The reading of a mask that would mend it; see ``mask_readings``."""

    def message(self) -> str:
        """The sentence in the current language."""
        return text(self.key, **self.all_facts)

    @property
    def all_facts(self) -> Mapping[str, str | float]:
        """What the sentence may name: the facts, and the reading that would mend it."""
        return {"reading": self.reading, **self.facts}

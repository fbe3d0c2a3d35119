"""Metadata of a repository: its licence, and whether its networks can be loaded here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segdemo.strings import text
from segdemo.wording import shown

_SMP = "segmentation-models-pytorch"

# Identifiers as the Hub has them. Those that name further conditions are in neither list.
_COMMERCIAL = (
    "apache-2.0 mit bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear isc zlib unlicense wtfpl ncsa"
    " 0bsd postgresql bsl-1.0 artistic-2.0 ecl-2.0 afl-3.0 ms-pl osl-3.0 epl-1.0 epl-2.0 eupl-1.1"
    " eupl-1.2 mpl-2.0 gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 agpl-3.0 cc0-1.0 cc-by-2.0"
    " cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nd-4.0 pddl odc-by odbl"
    " cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 ofl-1.1"
)
_NOT_COMMERCIAL = re.compile(
    r"cc-by-nc.*|fair-noncommercial-research-license|intel-research|apple-amlr"
    r"|.*(bria|nvidia|segformer|non-?commercial|research-only).*",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class About:
    """Fields of a repository's metadata whose types are as expected."""

    tags: frozenset[str]
    library: str
    config: Mapping[str, Any]
    card: Mapping[str, Any]

    @classmethod
    def read(cls, *, tags: Any, library: Any, config: Any, card: Any) -> "About":
        """Validate the fields of the Hub's answer; one of another type counts as absent."""
        return cls(
            tags=frozenset(map(str, tags)) if isinstance(tags, list) else frozenset(),
            library=library if isinstance(library, str) else "",
            config=config if isinstance(config, dict) else {},
            card=card if isinstance(card, dict) else {},
        )

    @property
    def foreign(self) -> str | None:
        """Key of the error for networks that cannot be loaded here; None when they may be."""
        if "diffusers" in {self.library, *self.tags}:
            return "hub_diffusion"
        if self.config.keys() & {"diffusers", "_class_name"}:
            return "hub_diffusion"
        coded = "custom_code" in self.tags or "auto_map" in self.config
        return "hub_remote_code" if coded else None

    @property
    def licence(self) -> tuple[str, bool | None]:
        """The licence as shown, and whether it allows commercial use; None when unknown."""
        tagged = sorted(tag for tag in self.tags if tag.startswith("license:"))
        said = self.card.get("license") or "".join(tagged[:1]).removeprefix("license:")
        licence = shown(str(said[0] if isinstance(said, list) else said)).lower()
        name = shown(str(self.card.get("license_name") or ""))
        if licence == "mit" and _SMP in {self.library, *self.tags}:
            # Its library writes so on every card, whatever the author of the weights chose.
            return text("hub_licence_smp"), None
        shown_as = f"{licence} ({name})" if licence == "other" and name else licence
        return shown_as, allows_commerce(licence, name)


def allows_commerce(licence: str, name: str = "") -> bool | None:
    """Whether a licence allows commercial use; None when unknown.

    ``licence`` is its identifier on the Hub, ``name`` what a card calls an "other" one.
    """
    if licence == "other":
        return False if _NOT_COMMERCIAL.fullmatch(name) else None
    if licence in _COMMERCIAL.split():
        return True
    return False if _NOT_COMMERCIAL.fullmatch(licence) else None

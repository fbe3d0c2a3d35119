"""What lies on a visitor's page: the picture, its mask, and many of both."""

from pathlib import Path


class Desk:
    """Kept for a visitor; browsers hold the same and are not asked for it where it matters."""

    def __init__(self) -> None:
        self.picture: Path | None = None
        """None while an example or nothing lies there, or what cannot be read."""
        self.truth: Path | None = None
        self.reading = ""
        """How the mask is read; "" as it is read first. See ``images.mask_choices``."""
        self.chosen: tuple[str | None, ...] = ()
        """The ids of the checkpoints that were compared last."""
        self.pictures: tuple[Path, ...] = ()
        self.masks: tuple[Path, ...] = ()

    def reading_of(self, truth: Path) -> str | None:
        """How a person wants a mask to be read; None where they have not chosen."""
        return (self.reading or None) if truth == self.truth else None

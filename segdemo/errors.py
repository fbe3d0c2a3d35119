"""The failures that a person can cause and mend.

    SegdemoError
    ├── SettingsError            the environment asks for something impossible
    ├── PictureError             the image cannot be read or is out of bounds
    ├── CheckpointError          the checkpoint cannot be used
    │   ├── FileError            its bytes hold no weights that are safe to read
    │   ├── UnknownNetworkError  its tensors are those of no network we know
    │   ├── WeightsError         its numbers are none to compute with
    │   └── SpecError            its own description makes no sense
    ├── HubError                 a checkpoint could not be found or fetched
    ├── PredictionError          the network could not be run on this image
    ├── TrainingError            images and masks are none to train on
    └── ExportError              the network could not be written in this form

Each names its text in the string table, so that the page can say it in the reader's
language. Anything else that is raised is a mistake of ours and is shown as such.
"""

from segdemo.strings import text


class SegdemoError(Exception):
    """A sentence for the person at the screen: what happened, a fact, a way out."""

    def __init__(self, key: str, /, **facts: str | float) -> None:
        """``key`` names the text in the string table; ``facts`` fill its placeholders."""
        super().__init__(text(key, **facts))
        self.key = key
        self.facts = facts

    def message(self, language: str | None = None) -> str:
        """The sentence in ``language``, by default in the current one."""
        return text(self.key, language, **self.facts)

    def as_value(self) -> "SegdemoError":
        """A copy to keep as a result: without the traceback, which holds every local variable."""
        return type(self)(self.key, **self.facts)


class SettingsError(SegdemoError):
    """The environment asks for something impossible."""


class PictureError(SegdemoError):
    """The image cannot be read or is out of bounds."""


class CheckpointError(SegdemoError):
    """The checkpoint cannot be used."""


class FileError(CheckpointError):
    """The file's bytes hold no weights that are safe to read."""


class UnknownNetworkError(CheckpointError):
    """The tensors are those of no network we know."""


class WeightsError(CheckpointError):
    """The weights hold numbers that no network can compute with."""


class SpecError(CheckpointError):
    """The checkpoint's own description makes no sense."""


class HubError(SegdemoError):
    """A checkpoint could not be found, fetched or published."""


class PredictionError(SegdemoError):
    """The network could not be run on this image."""


class TrainingError(SegdemoError):
    """Images and masks are none to train on, or the result cannot be written."""


class ExportError(SegdemoError):
    """The network could not be written in this form."""

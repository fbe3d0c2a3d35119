"""What a checkpoint is, or why it cannot be used, in a few facts."""

from dataclasses import dataclass

from segdemo.errors import SegdemoError


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The network in a file, read from what describes its tensors; or the reason against it."""

    architecture: str = ""
    """The id of the architecture; empty when it is not known."""
    title: str = ""
    configuration: str = ""
    origin: str = ""
    """Whose names the tensors have."""
    in_channels: int = 0
    classes: int = 0
    parameters: int = 0
    alternatives: int = 0
    """Further readings that the tensors allow."""
    reason: SegdemoError | None = None
    """Why it cannot be used; None when it loads."""

"""What is found of a checkpoint before it is loaded: which network, or why it cannot be used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segdemo.errors import SegdemoError

if TYPE_CHECKING:
    from segdemo.checkpoints.evidence import TrainingInputs


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
    inputs: "TrainingInputs | None" = None
    """What it was trained on, where its first layer was read and tells."""
    reason: SegdemoError | None = None
    """Why it cannot be used; None when it loads."""

"""Files to networks: read safely, unwrapped, recognised."""

from segdemo.checkpoints.detect import Detection, detect
from segdemo.checkpoints.files import METADATA_KEY, CheckpointFile, read_file, read_metadata

__all__ = [
    "METADATA_KEY",
    "CheckpointFile",
    "Detection",
    "detect",
    "read_file",
    "read_metadata",
]

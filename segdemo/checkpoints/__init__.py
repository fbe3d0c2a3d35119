"""Files to networks: read safely, unwrapped, recognised."""

from typing import TYPE_CHECKING

from segdemo import late
from segdemo.checkpoints.safetensors_header import METADATA_KEY, parse_metadata, read_metadata

if TYPE_CHECKING:
    from segdemo.checkpoints.detection import Detection, detect
    from segdemo.checkpoints.files import CheckpointFile, read_file
    from segdemo.checkpoints.judging import judge, judge_whole
else:
    __getattr__ = late.names(
        __name__,
        {
            "CheckpointFile": "segdemo.checkpoints.files",
            "Detection": "segdemo.checkpoints.detection",
            "detect": "segdemo.checkpoints.detection",
            "judge": "segdemo.checkpoints.judging",
            "judge_whole": "segdemo.checkpoints.judging",
            "read_file": "segdemo.checkpoints.files",
        },
    )

__all__ = [
    "METADATA_KEY",
    "CheckpointFile",
    "Detection",
    "detect",
    "judge",
    "judge_whole",
    "parse_metadata",
    "read_file",
    "read_metadata",
]

"""U-shaped networks of every kind as one family with parameters."""

from segdemo.architectures.u_shape.network import (
    ARCHITECTURE,
    UShape,
    describe,
    infer,
    requirements,
)

__all__ = ["ARCHITECTURE", "UShape", "describe", "infer", "requirements"]

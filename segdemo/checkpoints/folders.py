"""Finds the weights in a folder that a library saved."""

from pathlib import Path

from segdemo.errors import FileError
from segdemo.wording import first_of, printable

_PREFERRED = ("model.safetensors", "pytorch_model.bin")
"""How libraries call them; the first that is there is taken."""

_ENDINGS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt")
_TRAINING = ("training_args.bin", "optimizer.", "scheduler.", "rng_state")


def weights_at(path: Path) -> Path:
    """The file of weights at ``path``: itself, or the one in that folder.

    Raises FileError for a folder with none, or with several of which none has a usual name.
    """
    if not path.is_dir():
        return path
    for name in _PREFERRED:
        if (path / name).is_file():
            return path / name
    found = sorted(
        one
        for one in path.iterdir()
        if one.suffix in _ENDINGS and not one.name.startswith(_TRAINING) and one.is_file()
    )
    if len(found) == 1:
        return found[0]
    name = printable(path.name)
    if found:
        raise FileError("folder_several", name=name, names=first_of(one.name for one in found))
    raise FileError("folder_empty", name=name)

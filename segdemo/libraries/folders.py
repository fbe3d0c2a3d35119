"""Finds the weights in a folder that a library saved, or in a ZIP of one."""

import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from segdemo.errors import FileError
from segdemo.wording import first_of, printable

NAMES = (
    "preprocessor_config.json",
    "processor_config.json",
    "albumentations_config_eval.json",
    "config.json",
)
"""What is read of the files beside weights, the most specific first."""

_PREFERRED = ("model.safetensors", "pytorch_model.bin")
"""How libraries call them; the first that is there is taken."""

_ENDINGS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".onnx")
_OF_OTHERS = frozenset({"data.pkl", "constants.pkl", "model.weights.h5"})
"""What archives hold that are checkpoints themselves, or of other programs."""

_SIDE_FOLDER = "__MACOSX"
"""What macOS adds to every archive."""

_PIECE = 1 << 20
_LONGEST = 60
"""Characters of an archive's name, so that with a number and an ending a file may be called so."""

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


def unpacked(archive: Path, folder: Path, *, max_bytes: int) -> Path | None:
    """The weights of a ZIP of a library's folder, unpacked with what lies beside them.

    Nothing else is unpacked, and no name from the archive is used as a path. None where the file
    is no such archive: what torch.save writes is one of its own. Raises FileError for more than
    ``max_bytes``, and where it holds no weights or several,
    whether or not a library saved them.
    """
    if not zipfile.is_zipfile(archive):
        return None
    name = printable(archive.name)
    try:
        with zipfile.ZipFile(archive) as opened:
            if not is_library_folder(opened.namelist()):
                loose = loose_weights(opened.namelist())
                if len(loose) > 1:
                    raise _several(name, loose)
                return None
            members = {PurePosixPath(one.filename).name: one for one in opened.infolist()}
            wanted = {one: members[one] for one in members if _belongs(one)}
            weights = [one for one in wanted if one not in NAMES]
            if sum(one.file_size for one in wanted.values()) > max_bytes:
                raise FileError("add_file_too_large", name=name, limit=max_bytes // 10**6)
            for number, (one, member) in enumerate(wanted.items()):
                place = _place(folder, one, archive, number)
                with opened.open(member) as source, place.open("wb") as out:
                    _copy(source, out, member.file_size, name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise FileError("file_damaged", name=name) from error
    if not weights:
        raise FileError("folder_empty", name=name)
    if len(weights) > 1 and not set(weights) & set(_PREFERRED):
        raise _several(name, weights)
    return weights_at(folder)


def loose_weights(names: Collection[str]) -> list[str]:
    """The checkpoints in an archive of these members; none where it is itself a checkpoint."""
    paths = [PurePosixPath(name) for name in names]
    if _OF_OTHERS & {path.name for path in paths}:
        return []
    own = [path.name for path in paths if _SIDE_FOLDER not in path.parts]
    return [name for name in own if name not in NAMES and _belongs(name)]


def _several(archive: str, weights: Sequence[str]) -> FileError:
    return FileError("archive_several", name=archive, count=len(weights), names=first_of(weights))


def is_library_folder(names: Collection[str]) -> bool:
    """Whether an archive of these members is a library's folder: weights and words on them."""
    last = {PurePosixPath(name).name for name in names}
    return (
        not last & _OF_OTHERS
        and bool(last & set(NAMES))
        and any(_belongs(name) and name not in NAMES for name in last)
    )


def _belongs(name: str) -> bool:
    return name in NAMES or (name.endswith(_ENDINGS) and not name.startswith(_TRAINING))


def _place(folder: Path, name: str, archive: Path, number: int) -> Path:
    """A name after the archive, which people know, but where it is one that is looked for."""
    if name in NAMES or name in _PREFERRED:
        return folder / name
    return folder / f"{archive.stem[:_LONGEST]}-{number}{PurePosixPath(name).suffix}"


def _copy(source: IO[bytes], out: BinaryIO, size: int, name: str) -> None:
    """Copies no more than was announced."""
    left = size
    while left > 0 and (piece := source.read(min(left, _PIECE))):
        out.write(piece)
        left -= len(piece)
    if left or source.read(1):
        raise FileError("file_damaged", name=name)

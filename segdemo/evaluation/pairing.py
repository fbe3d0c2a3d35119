"""Pairs the images of one folder with the masks of another by their names."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from segdemo.batch.sources import is_own, pictures_in
from segdemo.errors import PictureError
from segdemo.wording import printable

MASK_ENDING = "_mask"


@dataclass(frozen=True, kw_only=True)
class FilePair:
    """An image and the mask that a person drew of it."""

    picture: Path
    mask: Path
    name: str
    """Below the folder of the images, with the ending."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Who belongs together, and who has nobody."""

    pairs: tuple[FilePair, ...]
    pictures_alone: tuple[str, ...] = ()
    masks_alone: tuple[str, ...] = ()


def pair_folders(images: Path, masks: Path) -> Pairing:
    """Files below two folders that are called alike, whatever their endings.

    ``p1/a.jpg`` goes with ``p1/a.png`` or ``p1/a_mask.png``; where the folders below differ, with
    the only mask of that name. In one folder, masks are what ends in ``_mask``. What is ambiguous
    stays alone. Raises PictureError for a folder that is absent, and where there is no pair.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise PictureError("evaluate_folder", name=printable(str(folder)))
    together = images.resolve() == masks.resolve()
    pictures = _below(images, lambda stem: not (together and stem.endswith(MASK_ENDING)))
    drawn = _below(masks, lambda stem: not together or stem.endswith(MASK_ENDING))
    whole = _unique((_key(name), path) for name, path in drawn.items())
    short = _unique((_key(PurePath(name.name)), path) for name, path in drawn.items())
    named = Counter(name.stem.casefold() for name in pictures)
    found: dict[PurePath, Path] = {}
    for name in pictures:
        stem = name.stem.casefold()
        mask = whole.get(str(name.with_suffix("")).casefold())
        if mask is None and named[stem] == 1:
            mask = short.get(stem)
        if mask is not None:
            found[name] = mask
    counted = Counter(found.values())
    pairs = tuple(
        FilePair(picture=pictures[name], mask=mask, name=name.as_posix())
        for name, mask in found.items()
        if counted[mask] == 1
    )
    if not pairs:
        raise PictureError(
            "evaluate_no_pairs",
            images=printable(str(images)),
            masks=printable(str(masks)),
            count=len(pictures),
            drawn=len(drawn),
        )
    taken = {pair.picture for pair in pairs} | {pair.mask for pair in pairs}
    return Pairing(
        pairs=pairs,
        pictures_alone=_rest(pictures, taken),
        masks_alone=_rest(drawn, taken),
    )


def _below(folder: Path, wanted: Callable[[str], bool]) -> dict[PurePath, Path]:
    """Name below the folder -> path, in order; what an earlier run wrote is left out."""
    return {
        PurePath(path.relative_to(folder)): path
        for path in pictures_in(folder)
        if wanted(path.stem) and not is_own(path)
    }


def _key(name: PurePath) -> str:
    return str(name.with_suffix("")).casefold().removesuffix(MASK_ENDING)


def _unique(entries: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Those whose key occurs once."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for key, path in entries:
        found[key].append(path)
    return {key: paths[0] for key, paths in found.items() if len(paths) == 1}


def _rest(files: dict[PurePath, Path], taken: set[Path]) -> tuple[str, ...]:
    return tuple(name.as_posix() for name, path in files.items() if path not in taken)

"""Pairs the images of one folder with the masks of another by their names."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from segdemo.batch.sources import is_own, pictures_in
from segdemo.errors import PictureError
from segdemo.images.annotations.reading import ENDINGS, MAX_BYTES, images_in
from segdemo.images.formats import PICTURE_ENDINGS
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
    the only mask of that name. In one folder, masks are what ends in ``_mask`` and annotations.
    Where ``masks`` is a file, it is that of the only image, annotations of all, or the mask of
    the image that is called so. What is ambiguous stays alone.
    Raises PictureError for a folder that is absent, and where there is no pair.
    """
    if not images.is_dir():
        raise PictureError("evaluate_folder", name=printable(str(images)))
    together = images.resolve() == masks.resolve()
    pictures = _below(images, lambda stem: not (together and stem.endswith(MASK_ENDING)))
    if masks.is_file():
        if len(pictures) == 1 or images_in(_content(masks)) > 1:
            return Pairing(pairs=tuple(_pair(name, pictures[name], masks) for name in pictures))
        drawn = {PurePath(masks.name): masks}
    elif masks.is_dir():
        drawn = _below(masks, lambda stem: not together or stem.endswith(MASK_ENDING))
        drawn.update(_annotations(masks, pictures, drawn))
    else:
        raise PictureError("evaluate_folder", name=printable(str(masks)))
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
        _pair(name, pictures[name], mask) for name, mask in found.items() if counted[mask] == 1
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


def _pair(name: PurePath, picture: Path, mask: Path) -> FilePair:
    return FilePair(picture=picture, mask=mask, name=name.as_posix())


def _content(path: Path) -> bytes:
    """Of a file that may be annotations; nothing of what is too large for one."""
    return path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""


def _below(
    folder: Path, wanted: Callable[[str], bool], endings: Collection[str] = PICTURE_ENDINGS
) -> dict[PurePath, Path]:
    """Name below the folder -> path, in order; what an earlier run wrote is left out."""
    return {
        PurePath(path.relative_to(folder)): path
        for path in pictures_in(folder, endings)
        if wanted(path.stem) and not is_own(path)
    }


def _annotations(
    folder: Path, pictures: Iterable[PurePath], drawn: Iterable[PurePath]
) -> dict[PurePath, Path]:
    """Annotation files of images for which there is no mask; other texts are none."""
    stems = {name.stem.casefold() for name in pictures}
    known = {_key(name) for name in drawn}
    return {
        name: path
        for name, path in _below(folder, lambda stem: True, ENDINGS).items()
        if name.stem.casefold() in stems and _key(name) not in known
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

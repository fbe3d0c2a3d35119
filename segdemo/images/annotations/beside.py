"""What is known of the image that an annotation file belongs to."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from segdemo.errors import PictureError
from segdemo.wording import first_of, printable

MAX_CLASSES = 250


class Shared:
    """What all annotation files of a data set have in common: the numbers of their classes."""

    def __init__(self) -> None:
        self.classes: dict[str, int] = {}
        """Class name -> label, from 1 in the order in which the names come."""
        self._last: tuple[bytes, Any] | None = None

    def number(self, name: str) -> int:
        """The label of a class. Raises PictureError for more than 250 of them."""
        if name not in self.classes:
            if len(self.classes) >= MAX_CLASSES:
                raise PictureError("annotation_classes", limit=MAX_CLASSES)
            self.classes[name] = len(self.classes) + 1
        return self.classes[name]

    def number_all(self, names: Sequence[str]) -> None:
        """Number the classes of a file in its order, whichever of them an image shows.

        A file may list more than can be numbered: then only those count that occur.
        """
        if len({*self.classes, *names}) <= MAX_CLASSES:
            for name in names:
                self.number(name)

    def parsed(self, content: bytes, parse: Callable[[bytes], Any]) -> Any:
        """``parse(content)``, kept for the next image of the same file."""
        last = self._last
        if last is None or content != last[0]:
            last = self._last = content, parse(content)
        return last[1]


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The image that an annotation file belongs to, as far as that is known."""

    plane: int = 1
    planes: int = 1
    """Which page or channel of how many the image is."""
    size: tuple[int, int] | None = None
    """Width and height."""
    name: str = ""
    """The name of its file, by which a file about many images is searched."""
    shared: Shared = field(default_factory=Shared)
    """Of the data set that it belongs to, or of this image alone."""
    survey: bool = False
    """Whether only the labels that occur are asked for, whatever their places."""


class ImageNames:
    """The names of a file's images, for finding the one beside it."""

    def __init__(self, names: Sequence[str]) -> None:
        """``names`` in the order of the file. Raises ValueError where there is none."""
        if not names:
            raise ValueError("no image")
        self._names = names
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(names):
            path = PurePath(name.replace("\\", "/"))
            self._by_name[path.name].append(number)
            self._by_stem[path.stem].append(number)

    def number_of(self, beside: Beside) -> int:
        """Which of the images it is: the one of that name, or the only one.

        Endings and folders may differ. Raises PictureError where none is called so, or several.
        """
        wanted = PurePath(beside.name)
        if wanted.name:
            found = self._by_name.get(wanted.name) or self._by_stem.get(wanted.stem) or []
            if len(found) == 1:
                return found[0]
            if found:
                raise PictureError("annotation_twice", name=printable(wanted.name))
        if len(self._names) == 1:
            return 0
        known = first_of(list(self._names))
        raise PictureError("annotation_no_image", name=printable(wanted.name), known=known)

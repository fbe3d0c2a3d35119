"""Which class is the ground, and whether classes that do not exclude each other need one."""

from collections.abc import Sequence

from segdemo.spec import Postprocessing

NO_CLASS = "none"
"""The name of the added ground: no class reaches one half."""

_NAMES = frozenset(
    (
        *("background", "bg", "_background_", "__background__", "back ground", "backgrounds"),
        *("unlabelled", "unlabeled", "void", "other", "others", "nothing", NO_CLASS),
        *("背景", "其他", "其它", "未标注", "无"),
    )
)


def is_ground(name: str) -> bool:
    """Whether a class of this name is what is no thing, by its usual names in two languages."""
    return name.strip().lower() in _NAMES


def ground_of(names: Sequence[str]) -> int | None:
    """The number of the class that is called so; None where none is.

    "background" goes before "void" and "other", which may stand beside it.
    """
    found = [number for number, name in enumerate(names) if is_ground(name)]
    first = [number for number in found if "back" in names[number].lower()]
    return next(iter((*first, *found)), None)


def needs_ground(postprocessing: Postprocessing, count: int, names: Sequence[str]) -> bool:
    """Whether ``count`` channels stand beside each other and none of them is the ground.

    With a sigmoid for each of several channels they do (multi-label), unless a person or a name
    says that one of them is the ground.
    """
    beside = postprocessing.activation == "sigmoid" and count > 1
    return beside and postprocessing.ground is None and ground_of(names) is None

"""What a licence means for whoever uses a result, in a line."""

from segdemo.strings import text
from segdemo.wording import shown


def licence_line(licence: str, commercial: bool | None) -> tuple[str, bool]:
    """The line, and whether it is a warning: not for commercial use, or nobody knows."""
    if not licence:
        return text("add_licence_unknown"), True
    if commercial is None:
        return text("add_licence_unclear", licence=shown(licence)), True
    key = "add_licence" if commercial else "add_licence_non_commercial"
    return text(key, licence=shown(licence)), not commercial

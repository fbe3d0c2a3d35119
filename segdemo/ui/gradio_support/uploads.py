"""Files that were uploaded, and no other: what a browser or a program names may be anything."""

from pathlib import Path

from gradio.utils import get_upload_folder, is_static_file


def uploaded(path: str) -> Path | None:
    """The file of that name, if it is one that was uploaded."""
    folder = Path(get_upload_folder()).resolve()
    try:
        file = Path(path).resolve()
    except (OSError, ValueError):
        return None
    return file if file.is_relative_to(folder) and file.is_file() else None


def served(path: str) -> Path | None:
    """The file of that name, if it was uploaded, made by this server, or belongs to the page."""
    try:
        own = Path(path).resolve()
        return own if is_static_file(own) and own.is_file() else uploaded(path)
    except (OSError, ValueError):
        return None

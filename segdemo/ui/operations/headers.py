"""The security headers of every answer."""

from collections.abc import Iterable

_Headers = list[tuple[bytes, bytes]]

# Gradio 6 needs inline scripts and styles, evaluates the scripts of components, and loads a script
# for the frame of a Space from cdnjs; everything else comes from this server.
_PAGE = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: https://cdnjs.cloudflare.com; "
    "style-src 'self' 'unsafe-inline' https://fonts.googleapis.com; "
    "font-src 'self' data: https://fonts.gstatic.com; "
    "img-src 'self' data: blob: https://huggingface.co https://*.huggingface.co; "
    "media-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob: https://huggingface.co; "
    "object-src 'none'; base-uri 'self'; form-action 'self' https://huggingface.co; "
    "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co https://*.hf.space"
)
_FILE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def with_security(headers: Iterable[tuple[bytes, bytes]], path: str) -> _Headers:
    """The headers of an answer with those that are missing; ``path`` is what was asked for."""
    kept = list(headers)
    names = {name.lower() for name, _ in kept}
    kind = next((value for name, value in kept if name.lower() == b"content-type"), b"")
    wanted = {
        b"x-content-type-options": "nosniff",
        b"referrer-policy": "same-origin",
    }
    if "/file=" in path:
        # A file of a visitor's that a browser opens by itself runs nothing.
        wanted[b"content-security-policy"] = _FILE
    elif kind.startswith(b"text/html"):
        wanted[b"content-security-policy"] = _PAGE
    added = [(name, value.encode()) for name, value in wanted.items() if name not in names]
    return [*kept, *added]

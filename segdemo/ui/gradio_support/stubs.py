"""Imports Gradio without rewriting the type stubs of its components, half of the time it takes.

Gradio 6.31 writes a ``.pyi`` file beside every component each time that it is imported
(``component_meta.create_or_modify_pyi``: each source is parsed and a template filled), and beside
ours as well. They serve editors alone, and an installation may be read-only.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE = "gradio.component_meta"
_WRITER = "create_or_modify_pyi"


def import_gradio() -> None:
    """Import Gradio so; whoever imported it before has paid already, and our components follow."""
    with _watching():
        import_module("gradio")
    _silence(import_module(_MODULE))


def _silence(module: ModuleType) -> None:
    if hasattr(module, _WRITER):
        setattr(module, _WRITER, _nothing)


def _nothing(*facts: Any) -> None:
    """Instead of writing a stub."""


class _Finder:
    """Finds the one module, silenced as soon as it has run."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As every finder does; None for all other modules."""
        spec = PathFinder.find_spec(name, path) if name == _MODULE else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_silenced(module: ModuleType) -> None:
            run(module)
            _silence(module)

        spec.loader.exec_module = run_silenced  # type: ignore[method-assign]
        return spec


@contextmanager
def _watching() -> Iterator[None]:
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)

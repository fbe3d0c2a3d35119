"""Joins JavaScript modules into the one function body that Gradio takes of a component."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Top-level statements, which begin their line; what stands in a function or a text is indented.
_IMPORT = re.compile(r'^import \{\s*(\w+(?:,\s*\w+)*),?\s*\} from "(\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const|let) )", re.MULTILINE)
_DECLARED = re.compile(
    r"^(export )?(?:async function|function|class|const|let) (\w+)", re.MULTILINE
)
_OTHER = re.compile(r"^(?:import|export)\b.*|^(?:const|let) [\[{].*", re.MULTILINE)


@dataclass(frozen=True)
class Module:
    """A JavaScript file."""

    path: Path
    imports: Mapping[Path, frozenset[str]]
    """By file, the names that it takes of it."""
    exports: frozenset[str]
    """The names that it gives to others."""
    names: frozenset[str]
    """All that it declares for the whole of the file, ``exports`` included."""
    body: str
    """The text without imports, and without the word export."""


@cache
def read_module(path: Path) -> Module:
    """The module in a file.

    Read are ``import { a, b } from "./file.js";`` and ``export`` before a function, class, const or
    let, each at the beginning of a line. Raises ValueError for any other form.
    """
    text = path.read_text(encoding="utf-8")
    imports = {
        (path.parent / source).resolve(): frozenset(re.findall(r"\w+", names))
        for names, source in _IMPORT.findall(text)
    }
    declared = _DECLARED.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    if other := _OTHER.search(body):
        raise ValueError(f"{path}: what does {other.group()!r} import, export or declare?")
    return Module(
        path=path,
        imports=imports,
        exports=frozenset(name for exported, name in declared if exported),
        names=frozenset(name for _, name in declared),
        body=body,
    )


def in_order(entry: Path) -> list[Module]:
    """The module in ``entry`` and all that it needs, each after what it imports.

    Raises ValueError where modules import each other in a circle, or a name that is not exported.
    """
    done: dict[Path, Module] = {}
    _visit(entry.resolve(), (), done)
    return list(done.values())


def _visit(path: Path, above: tuple[Path, ...], done: dict[Path, Module]) -> None:
    if path in done:
        return
    if path in above:
        circle = " -> ".join(each.name for each in (*above[above.index(path) :], path))
        raise ValueError(f"These modules import each other: {circle}")
    module = read_module(path)
    for source, names in module.imports.items():
        _visit(source, (*above, path), done)
        if missing := names - done[source].exports:
            raise ValueError(f"{path}: {source.name} exports no {', '.join(sorted(missing))}")
    done[path] = module


def joined(entry: Path) -> str:
    """``entry`` and all that it needs as the body of one function, in which nothing is global.

    Raises ValueError where two modules declare one name, and whatever `in_order` raises.
    """
    owners: dict[str, Path] = {}
    modules = in_order(entry)
    for module in modules:
        for name in module.names:
            if name in owners:
                raise ValueError(f"{owners[name]} and {module.path} both declare {name}.")
            owners[name] = module.path
    title = entry.stem.removeprefix("mount_")
    bodies = (module.body for module in modules)
    return "\n".join(['"use strict";', *bodies, f"//# sourceURL=segdemo/{title}.js"])

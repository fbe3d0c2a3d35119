"""JavaScript imports point down: the table of folders, and what each file says of itself."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

from segdemo.ui.gradio_support.javascript import in_order, read_module

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "segdemo" / "ui"
MAX_LINES = 400
MAX_FILES = 25

# A module imports from its own folder and from the folders above it, never from those below.
FOLDERS = (
    ("viewer/static/arithmetic",),
    ("gradio_support/static",),
    ("viewer/static/state",),
    ("viewer/static/loading",),
    ("viewer/static/drawing",),
    ("viewer/static/modes",),
    ("viewer/static/cards",),
    ("viewer/static/toolbar",),
    (
        "viewer/static",
        "adding/static",
        "batch/static",
        "intake/static",
        "language/static",
        "running/static",
        "sharing/static",
        "transfers/static",
    ),
)
LEVEL = {folder: level for level, folders in enumerate(FOLDERS) for folder in folders}

MODULES = {path: read_module(path) for path in sorted(UI.glob("*/static/**/*.js"))}
# They compute and nothing else, so that they can be tested without a page.
PURE = [
    *(path for path in MODULES if path.parent.name == "arithmetic"),
    UI / "batch/static/batch_counts.js",
]
TESTED = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests" / "js").iterdir())
    if path.is_file()
)


def title(path: Path) -> str:
    """A file as the failures name it."""
    return path.relative_to(UI).as_posix()


def folder(path: Path) -> str:
    return title(path.parent)


# --- Which names a file uses -----------------------------------------------------------------

_QUOTED = re.compile(r"""//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
# A slash after one of these begins a regular expression; elsewhere it divides.
_BEFORE_PATTERN = re.compile(r"(?:[(,=:!&|?{};]|\breturn)\s*$")
_PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\\n])+/\w*")
_TOKEN = re.compile(r"\.\.\.|[\w$]+|[^\s\w]")


def code(text: str) -> str:
    """The text without comments, strings and regular expressions, but with what `${}` evaluates."""
    kept: list[str] = []
    # For each template around here, how many braces are open in the expression.
    depths: list[int] = []
    at = 0
    in_template = False
    while at < len(text):
        sign = text[at]
        if in_template:
            if text.startswith("${", at):
                depths.append(0)
                in_template = False
                at += 2
                kept.append(" ")
            else:
                in_template = sign != "`"
                at += 2 if sign == "\\" else 1
            continue
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            kept.append(" '' " if sign != "/" else "")
            continue
        pattern = _PATTERN.match(text, at) if sign == "/" else None
        if pattern and _BEFORE_PATTERN.search("".join(kept[-20:])):
            at = pattern.end()
            kept.append(" '' ")
            continue
        at += 1
        if sign == "`":
            in_template = True
            continue
        if depths and sign == "}" and depths[-1] == 0:
            depths.pop()
            in_template = True
            continue
        if depths and sign in "{}":
            depths[-1] += 1 if sign == "{" else -1
        kept.append(sign)
    return "".join(kept)


@cache
def used(path: Path) -> frozenset[str]:
    """The names in a module's code that are neither properties nor keys or methods of an object."""
    tokens = _TOKEN.findall(code(MODULES[path].body))
    found = set()
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else ""
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        is_key = before in ("{", ",") and (after == ":" or _is_method(tokens, at))
        if re.match(r"[A-Za-z_$]", token) and before != "." and not is_key:
            found.add(token)
    return frozenset(found)


def _is_method(tokens: list[str], at: int) -> bool:
    """Whether `name(...) {` begins here."""
    if tokens[at + 1 : at + 2] != ["("]:
        return False
    depth = 0
    for place in range(at + 1, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place], 0)
        if depth == 0:
            return tokens[place + 1 : place + 2] == ["{"]
    return False


def imported(path: Path) -> set[str]:
    return {name for names in MODULES[path].imports.values() for name in names}


# --- Claims ----------------------------------------------------------------------------------


def test_every_folder_has_a_place_in_the_table():
    assert {folder(path) for path in MODULES} == LEVEL.keys()


def test_imports_point_down():
    wrong = [
        f"{title(path)} imports {title(source)}"
        for path, module in MODULES.items()
        for source in module.imports
        if folder(source) != folder(path) and LEVEL[folder(source)] >= LEVEL[folder(path)]
    ]
    assert not wrong


def test_no_module_imports_itself_in_a_circle_and_every_import_is_exported():
    for path in MODULES:
        assert in_order(path)[-1].path == path


def test_every_name_of_another_file_is_imported():
    exported = {name for module in MODULES.values() for name in module.exports}
    wrong = {
        title(path): sorted(strange)
        for path, module in MODULES.items()
        if (strange := (used(path) & exported) - imported(path) - module.names)
    }
    assert not wrong, "imported from nowhere, or called like what another file exports"


def test_every_import_is_used():
    idle = {title(path): sorted(rest) for path in MODULES if (rest := imported(path) - used(path))}
    assert not idle


def test_every_export_is_used_elsewhere_or_tested():
    needed = {
        (source, name)
        for module in MODULES.values()
        for source, names in module.imports.items()
        for name in names
    }
    idle = [
        f"{title(path)}: {name}"
        for path, module in MODULES.items()
        for name in sorted(module.exports)
        if (path, name) not in needed and not re.search(rf"\b{name}\b", TESTED)
    ]
    assert not idle


def test_a_module_that_only_computes_touches_no_page():
    page = {
        "document",
        "window",
        "element",
        "props",
        "trigger",
        "watch",
        "navigator",
        "localStorage",
    }
    assert not {title(path): names for path in PURE if (names := sorted(used(path) & page))}


def test_a_module_that_only_computes_imports_no_other_kind():
    wrong = [title(path) for path in PURE if not MODULES[path].imports.keys() <= set(PURE)]
    assert not wrong


def test_modules_are_short_open_with_their_job_and_are_few_to_a_folder():
    long = [
        title(path)
        for path in MODULES
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    ]
    silent = [
        title(path) for path in MODULES if not path.read_text(encoding="utf-8").startswith("// ")
    ]
    files = Counter(path.parent for path in UI.glob("*/static/**/*") if path.is_file())
    crowded = [title(place) for place, count in files.items() if count > MAX_FILES]
    assert not long + silent + crowded


def test_names_are_found_in_code_and_nowhere_else():
    source = """
    // comment
    export const KEPT = a.property + "text" + `plain ${one + `${two}`} plain`;
    const object = { key: three, method(x) { return /four/.test(x); }, called: five(six) };
    """
    words = set(re.findall(r"\w+", code(source)))
    assert {"one", "two", "three", "five", "six"} <= words
    assert not {"comment", "text", "plain", "four"} & words

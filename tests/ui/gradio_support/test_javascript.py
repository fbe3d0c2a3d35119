"""How JavaScript modules become the one function body of a component."""

import pytest

from segdemo.ui.gradio_support.javascript import in_order, joined, read_module


@pytest.fixture
def write(tmp_path):
    """Writes modules by name and gives back the path of the first one."""

    def write(**texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        return tmp_path / f"{next(iter(texts))}.js"

    return write


def test_a_module_says_what_it_needs_and_gives(write):
    entry = write(
        entry="// Job.\n\n"
        'import {\n  a, b,\n} from "./other.js";\n\n'
        "export async function c() {\n  const d = a;\n}\nlet e = `\n  const f`;\n",
        other="export const a = 1;\nexport const b = 2;\n",
    )
    module = read_module(entry)
    assert module.imports == {entry.with_name("other.js"): {"a", "b"}}
    assert (module.exports, module.names) == ({"c"}, {"c", "e"})
    assert "import" not in module.body
    assert "\nasync function c() {" in module.body


def test_what_is_needed_comes_first_and_once(write):
    entry = write(
        top='import { a } from "./left.js";\nimport { b } from "./right.js";\na(b);\n',
        left='import { low } from "./low.js";\nexport const a = low;\n',
        right='import { low } from "./low.js";\nexport const b = low;\n',
        low="export const low = 1;\n",
    )
    assert [module.path.stem for module in in_order(entry)] == ["low", "left", "right", "top"]


def test_the_joined_text_is_strict_and_named_and_says_nothing_of_modules(write):
    entry = write(
        mount_it='import { a } from "./other.js";\na();\n', other="export function a() {}\n"
    )
    assert joined(entry).splitlines() == [
        '"use strict";',
        "function a() {}",
        "",
        "a();",
        "",
        "//# sourceURL=segdemo/it.js",
    ]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (
            {
                "a": 'import { b } from "./b.js";\nexport const a = b;\n',
                "b": 'import { a } from "./a.js";\nexport const b = a;\n',
            },
            "a.js -> b.js -> a.js",
        ),
        ({"a": 'import { b } from "./b.js";\n', "b": "const b = 1;\n"}, "b.js exports no b"),
        (
            {
                "a": 'import { b } from "./b.js";\nconst same = b;\n',
                "b": "const same = 1;\nexport const b = same;\n",
            },
            "both declare same",
        ),
        ({"a": 'import b from "./b.js";\n'}, "import b from"),
        ({"a": 'import { b as c } from "./b.js";\n'}, "import { b as c }"),
        ({"a": "export default 1;\n"}, "export default"),
        ({"a": "const { b } = window;\n"}, "const { b"),
    ],
    ids=[
        "circle",
        "not exported",
        "one name twice",
        "default import",
        "other name",
        "default",
        "parts",
    ],
)
def test_what_cannot_be_joined_is_named(write, texts, problem):
    with pytest.raises(ValueError, match=problem.replace("{", r"\{")):
        joined(write(**texts))

"""The string table: every text is well formed, and every use of it fills its placeholders."""

import ast
import string
from pathlib import Path

import pytest

from segdemo import errors
from segdemo.strings import DEFAULT_LANGUAGE, section, table, text

PACKAGE = Path(__file__).resolve().parent.parent / "segdemo"
KEYS = sorted(table())


def placeholders(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


SPEAKERS = {"text"} | {name for name in vars(errors) if name.endswith("Error")}


def uses():
    """Key and names of the facts of every text and error whose key is written out."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id=name), args=[ast.Constant(value=str(key)), *_], keywords=facts
                ) if name in SPEAKERS:
                    names = {fact.arg for fact in facts}
                    if None not in names:  # facts that are spread tell their names elsewhere
                        yield pytest.param(key, names, id=f"{path.name}:{node.lineno}-{key}")


@pytest.mark.parametrize("key", KEYS)
def test_every_text_is_there_in_english_and_asks_for_the_same_facts_in_all_languages(key):
    entry = table()[key]
    expected = placeholders(entry[DEFAULT_LANGUAGE])
    for language, template in entry.items():
        assert template.strip() == template != "", language
        assert placeholders(template) == expected, language
        assert all(name.isidentifier() for name in expected), language


@pytest.mark.parametrize(("key", "facts"), list(uses()))
def test_every_use_of_a_text_gives_exactly_its_facts(key, facts):
    assert facts == placeholders(table()[key][DEFAULT_LANGUAGE])


def test_placeholders_are_filled():
    assert text("file_empty", name="a.pth").startswith("The file a.pth is empty")


def test_braces_in_a_fact_stay_as_they_are():
    assert "{name} {0} %s" in text("file_empty", name="{name} {0} %s")


def test_a_language_that_lacks_a_text_falls_back_to_english():
    assert text("file_empty", "xx", name="a") == text("file_empty", "en", name="a")


def test_an_unknown_key_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        text("no_such_key")


def test_a_missing_fact_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        text("file_empty")
    with pytest.raises(KeyError):
        text("file_empty", other="a")


def test_a_section_holds_the_texts_under_a_prefix_without_it():
    found = section("file_")
    assert found["empty"] == table()["file_empty"]["en"]
    assert len(found) == sum(key.startswith("file_") for key in KEYS)
    assert section("nothing_begins_like_this") == {}

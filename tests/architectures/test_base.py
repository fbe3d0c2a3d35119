"""Renaming: placeholders, places counted from the end, and exact cover."""

from segdemo.architectures.base import KeyMapping
from tests.table import every


def renamed(renames, keys):
    return KeyMapping(id="test", origin="a test", renames=renames).rename(keys)


def test_a_number_is_carried_over():
    assert renamed({"down{n}.conv": "encoder.{n}"}, ["down3.conv.weight"]) == {
        "down3.conv.weight": "encoder.3.weight"
    }


def test_a_number_can_be_moved_by_an_offset():
    assert renamed({"up{n}": "a.{n-1}.b{n+10}"}, ["up1.bias"]) == {"up1.bias": "a.0.b11.bias"}


def test_several_numbers_keep_their_places():
    found = renamed({"s{n}.c{k}": "{k-1}.{n}.x"}, ["s4.c2.weight"])
    assert found == {"s4.c2.weight": "1.4.x.weight"}


def test_a_place_is_counted_from_the_largest_number_that_occurs():
    keys = ["side1.w", "side2.w", "side3.w"]
    assert renamed({"side{n}": "side.{~n}"}, keys) == {
        "side1.w": "side.2.w",
        "side2.w": "side.1.w",
        "side3.w": "side.0.w",
    }


def test_a_place_is_counted_within_its_own_module():
    keys = ["s1.c1d.w", "s1.c2d.w", "s2.c1d.w"]
    assert renamed({"s{n}.c{k}d": "{n}.up.{~k}"}, keys) == {
        "s1.c1d.w": "1.up.1.w",
        "s1.c2d.w": "1.up.0.w",
        "s2.c1d.w": "2.up.0.w",
    }


def test_names_that_differ_after_the_number_are_counted_apart():
    renames = {"c{k}": "down.{k}", "c{k}d": "up.{~k}"}
    found = renamed(renames, ["c1.w", "c2.w", "c3.w", "c1d.w", "c2d.w"])
    assert [found["c1d.w"], found["c2d.w"]] == ["up.1.w", "up.0.w"]


def test_one_key_that_is_not_explained_refuses_all():
    assert renamed({"conv": "head"}, ["conv.weight", "extra.weight"]) is None


def test_two_keys_may_not_become_one():
    assert renamed({"a": "head", "b": "head"}, ["a.weight", "b.weight"]) is None


def test_a_star_is_the_number_after_those_in_its_place():
    renames = {"down{n}": "encoder.{n}.x", "middle": "encoder.{*}.x", "up{n}": "decoder.{n}"}
    found = renamed(renames, ["down0.w", "middle.w", "middle.b", "down1.w", "up7.w"])
    assert (found["middle.w"], found["middle.b"]) == ("encoder.2.x.w", "encoder.2.x.b")


def test_a_star_that_stands_alone_is_zero():
    assert renamed({"middle": "encoder.{*}"}, ["middle.w"]) == {"middle.w": "encoder.0.w"}


def test_a_number_named_twice_is_the_same_number():
    renames = {"encoder{n}.enc{n}conv": "encoder.{n-1}"}
    assert renamed(renames, ["encoder2.enc2conv.w"]) == {"encoder2.enc2conv.w": "encoder.1.w"}
    assert renamed(renames, ["encoder2.enc1conv.w"]) is None


def test_what_is_never_used_is_explained_and_left_out():
    renames = {"conv": "head", "classifier.{n}": None}
    assert renamed(renames, ["conv.w", "classifier.0.w", "classifier.6.b"]) == {"conv.w": "head.w"}
    assert renamed(renames, ["conv.w"]) == {"conv.w": "head.w"}
    assert renamed(renames, ["conv.w", "classifier.w"]) is None


@every("key", ["down01.w", "down-1.w", "down.w", "downx.w", "xdown1.w", "down1"])
def test_only_a_plain_number_stands_in_a_placeholder(key):
    assert renamed({"down{n}": "encoder.{n}"}, [key]) is None


def test_a_dot_in_a_template_is_a_dot():
    assert renamed({"a.b": "c"}, ["axb.weight"]) is None


def test_a_number_too_long_to_be_a_level_is_none():
    assert renamed({"down{n}": "encoder.{n}"}, ["down12345.w"]) is None


def test_another_first_name_is_told_before_a_pattern_is_compiled():
    mapping = KeyMapping(id="one", origin="a test", renames={"a.{n}": "b.{n}", "c": "d"})
    assert mapping.match("e.0.weight") is None
    assert "_any" not in vars(mapping)
    assert mapping.rename(["a.0.weight", "c.bias"]) == {
        "a.0.weight": "b.0.weight",
        "c.bias": "d.bias",
    }


def test_a_number_in_a_first_name_is_left_to_the_patterns():
    mapping = KeyMapping(id="one", origin="a test", renames={"a{n}": "b.{n}", "c": "d"})
    assert mapping.match("a12.weight") is not None
    assert mapping.match("a.weight") is None

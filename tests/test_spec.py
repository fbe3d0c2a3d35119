"""The spec: who decides which field, its JSON form, and a sentence for every senseless value."""

import json
from dataclasses import asdict, fields

import pytest

from segdemo.errors import SpecError
from segdemo.spec import (
    NO_OVERRIDES,
    Overrides,
    Postprocessing,
    Preprocessing,
    SegmentationSpec,
    require_known,
)
from tests.table import every

FULL = SegmentationSpec(
    preprocessing=Preprocessing(
        resize="longest",
        side=512,
        longest=2048,
        height=256,
        scale=0.5,
        resample="bicubic",
        channels="bgr",
        bands=(3, 2, 1),
        window=(-160.0, 240.0),
        divisor="maximum",
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        standardise="image",
        multiple_of=32,
    ),
    postprocessing=Postprocessing(
        activation="softmax", classes=("sky", "Zelle"), threshold=0.25, ground=1
    ),
)


def of(part, name, value):
    return {part: {name: value}}


def resolve(*layers):
    return SegmentationSpec.resolve(layers)


def test_nobody_speaking_leaves_the_neutral_default():
    assert resolve() == SegmentationSpec()
    assert resolve().origins == {}


def test_the_full_spec_differs_from_the_default_in_every_field():
    for part in ("preprocessing", "postprocessing"):
        neutral = asdict(getattr(SegmentationSpec(), part))
        given = asdict(getattr(FULL, part))
        assert all(given[name] != neutral[name] for name in neutral)


def test_json_brings_every_field_back():
    assert SegmentationSpec.from_json(FULL.to_json()) == FULL
    assert SegmentationSpec.from_json(SegmentationSpec().to_json()) == SegmentationSpec()


def test_json_is_plain():
    document = json.loads(FULL.to_json())
    assert document["preprocessing"]["mean"] == [0.1, 0.2, 0.3]
    assert document["postprocessing"]["classes"] == ["sky", "Zelle"]
    assert document.keys() == {"preprocessing", "postprocessing"}


def test_missing_fields_are_neutral():
    spec = SegmentationSpec.from_json('{"preprocessing": {"side": 64}}', origin="me")
    assert spec == SegmentationSpec(preprocessing=Preprocessing(side=64))
    assert spec.origins == {"preprocessing.side": "me"}


def test_the_first_who_speaks_of_a_field_decides_it():
    spec = resolve(
        ("user", of("preprocessing", "side", 100)),
        ("file", {"preprocessing": {"side": 200, "mean": [0.5]}}),
        ("recipe", {"preprocessing": {"mean": [0.1], "std": [0.2]}}),
    )
    assert (spec.preprocessing.side, spec.preprocessing.mean) == (100, (0.5,))
    assert spec.preprocessing.std == (0.2,)
    assert spec.origins == {
        "preprocessing.side": "user",
        "preprocessing.mean": "file",
        "preprocessing.std": "recipe",
    }


def test_speaking_the_default_aloud_decides_too():
    spec = resolve(
        ("user", of("postprocessing", "threshold", 0.5)),
        ("file", of("postprocessing", "threshold", 0.9)),
    )
    assert spec.postprocessing.threshold == 0.5
    assert spec.origins["postprocessing.threshold"] == "user"


def test_every_field_can_be_decided():
    spec = SegmentationSpec.resolve([("file", FULL.to_dict())])
    named = {f"preprocessing.{entry.name}" for entry in fields(Preprocessing)}
    named |= {f"postprocessing.{entry.name}" for entry in fields(Postprocessing)}
    assert spec.origins.keys() == named
    assert set(spec.origins.values()) == {"file"}


def test_what_newer_files_may_say_is_ignored():
    layer = {"title": "x", "preprocessing": {"colour": "mauve"}, "more": 1}
    assert resolve(("file", layer)) == SegmentationSpec()


SENSELESS = {
    ("preprocessing", "standardise"): ["zscore", True, None, 1],
    ("preprocessing", "resize"): ["squash", "", None, 1, ["longest"]],
    ("preprocessing", "side"): [0, -1, 1.5, "512", True, None, 1 << 15, 10**400],
    ("preprocessing", "longest"): [-1, 1.5, "512", True, None, 1 << 15],
    ("preprocessing", "height"): [-1, 1.5, "512", True, None, 1 << 15],
    ("preprocessing", "scale"): [0, -0.5, float("nan"), float("inf"), "1", True, 17, 10**400],
    ("preprocessing", "resample"): ["cubic", None, 3],
    ("preprocessing", "channels"): ["RGB", "rgba", 3, None],
    ("preprocessing", "bands"): [1, "1", [0], [1.5], [True], [None], ["1"], {}],
    ("preprocessing", "window"): [1, [1], [1, 2, 3], [2, 1], [0, 0], [0, float("nan")], "ct", None],
    ("preprocessing", "divisor"): [0, -255, "max", float("nan"), None, True, 1e-60, 1e9],
    ("preprocessing", "mean"): [[], 0.5, "0.5", ["a"], [None], [float("nan")], [1e300], [True]],
    ("preprocessing", "std"): [[], 1.0, [0], [-1.0], [0.2, 0.0], [float("inf")], [1e-300], {}],
    ("preprocessing", "multiple_of"): [0, -16, 1.5, "16", True, 2048],
    ("postprocessing", "activation"): ["relu", None, 1, ""],
    ("postprocessing", "classes"): ["sky", [1], None, {"0": "sky"}],
    ("postprocessing", "ground"): [-1, 0.5, "0", True],
    ("postprocessing", "threshold"): [0, 1, -0.1, 1.1, float("nan"), "0.5", None, True],
}


def test_every_field_has_senseless_values_to_try():
    named = {("preprocessing", entry.name) for entry in fields(Preprocessing)}
    named |= {("postprocessing", entry.name) for entry in fields(Postprocessing)}
    assert named == SENSELESS.keys()


@every(
    ("part", "name", "value"),
    [(part, name, value) for (part, name), values in SENSELESS.items() for value in values],
)
def test_a_senseless_value_is_refused_by_a_sentence_that_names_it(part, name, value):
    with pytest.raises(SpecError) as caught:
        resolve(("file", of(part, name, value)))
    message = str(caught.value)
    assert f'"{part}.{name}"' in message
    assert message.endswith(".")
    assert len(message) < 300


def test_a_senseless_value_that_somebody_overrules_does_no_harm():
    spec = resolve(
        ("user", of("preprocessing", "side", 64)), ("file", of("preprocessing", "side", -1))
    )
    assert spec.preprocessing.side == 64


@every("layer", [None, [], "text", 3])
def test_a_layer_is_an_object(layer):
    with pytest.raises(SpecError):
        resolve(("file", layer))
    with pytest.raises(SpecError):
        resolve(("file", {"preprocessing": layer}))


@every("document", ["", "{", "nonsense", "[" * 100_000, "1", "null", '"x"'])
def test_json_that_is_broken_is_one_sentence(document):
    with pytest.raises(SpecError) as caught:
        SegmentationSpec.from_json(document)
    assert len(str(caught.value)) < 300


def test_a_long_value_is_shown_in_part():
    with pytest.raises(SpecError) as caught:
        resolve(("file", of("preprocessing", "resize", "x" * 10_000)))
    assert "..." in str(caught.value)


@every("value", [(0.5,), [1, 2.5], [0]])
def test_whole_numbers_are_numbers(value):
    assert resolve(("file", of("preprocessing", "mean", value))).preprocessing.mean == tuple(
        float(number) for number in value
    )


def test_overrides_that_decide_the_same_are_equal_in_any_order():
    one = NO_OVERRIDES.with_override("preprocessing.side", 64).with_override(
        "preprocessing.resize", "none"
    )
    other = NO_OVERRIDES.with_overrides({"preprocessing": {"resize": "none", "side": 64}})
    assert one == other
    assert len({one, other}) == 1
    assert one.spec == {"preprocessing": {"resize": "none", "side": 64}}


def test_the_last_override_of_a_field_counts():
    overrides = NO_OVERRIDES.with_override("preprocessing.mean", [0.5]).with_override(
        "preprocessing.mean", [0.1, 0.2, 0.3]
    )
    assert overrides.spec == {"preprocessing": {"mean": [0.1, 0.2, 0.3]}}


def test_an_override_that_is_taken_back_leaves_nothing():
    overrides = Overrides(assume="unet").with_override("postprocessing.activation", "none")
    assert overrides.with_override("postprocessing.activation", None) == Overrides(assume="unet")
    assert NO_OVERRIDES.with_override("preprocessing.side", None) == NO_OVERRIDES


def test_a_field_in_one_word_with_its_part_is_told_how_to_nest_it():
    with pytest.raises(SpecError) as caught:
        require_known({"postprocessing.activation": "sigmoid"})
    assert caught.value.key == "spec_dotted"
    assert '{"postprocessing": {"activation": ...}}' in caught.value.message()


def test_a_file_in_the_place_of_overrides_is_told_from_a_description():
    with pytest.raises(SpecError) as caught:
        require_known("folder/names.json")
    assert caught.value.key == "names_no_renaming"
    assert "names=" in caught.value.message()

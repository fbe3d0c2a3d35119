"""What was assumed of a checkpoint, told by whom, and decided otherwise."""

import pytest
from checkpoint_files import write_checkpoint
from code_bases import TutorialUNet, randomised
from safetensors.torch import save_file

from segdemo.errors import SpecError
from segdemo.inference.segmenter import load
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.strings import speaking, text
from segdemo.ui.viewer.assumed import assumed, decide, settled
from tests.table import every

MEAN = [0.485, 0.456, 0.406]
WORDS = {"preprocessing": {"mean": MEAN, "resize": "longest", "side": 64}}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("one") / "net.safetensors", words=WORDS)


@pytest.fixture(scope="module")
def plain(path):
    return load(path, device="cpu")


def by_name(segmenter, overrides=NO_OVERRIDES):
    return {one.name: one for one in assumed(segmenter, overrides)}


def read(plain, overrides):
    return plain.with_overrides(overrides.spec)


def test_each_assumption_says_who_decided_it(plain):
    told = by_name(plain)
    assert told["preprocessing.mean"].origin == "the file itself"
    assert told["preprocessing.std"].origin == "by default"
    assert told["postprocessing.activation"].origin == "the number of classes"
    assert told["assume"].origin == "the tensors"
    assert not any(one.changed for one in told.values())


def test_what_a_person_decided_is_theirs_and_nothing_else_is(plain):
    overrides = decide(plain, NO_OVERRIDES, "preprocessing.std", "0.5, 0.4, 0.3")
    told = by_name(read(plain, overrides), overrides)
    assert [name for name, one in told.items() if one.changed] == ["preprocessing.std"]
    assert told["preprocessing.std"].origin == "your choice"
    assert told["preprocessing.std"].raw == "0.5, 0.4, 0.3"
    assert told["preprocessing.mean"].origin == "the file itself"


def test_everything_is_told_in_the_language_of_whoever_asks(plain):
    english = by_name(plain)
    with speaking("zh"):
        chinese = by_name(plain)
    assert english["preprocessing.std"].label == text("assumed_std", "en")
    assert chinese["preprocessing.std"].label == text("assumed_std", "zh")
    assert chinese["preprocessing.mean"].origin == text("origin_file", "zh")


def test_a_known_file_is_told_in_the_language_of_whoever_asks_not_of_whoever_loaded_it(plain):
    loaded = plain.with_overrides({})
    with speaking("zh"):
        loaded.spec.origins["preprocessing.std"] = text("origin_known", title="Cars")
    assert by_name(loaded)["preprocessing.std"].origin == "known file: Cars"


@every("rule", ["none", "at_most", "longest", "shortest", "stretch", "scale"])
def test_only_sizes_that_make_a_difference_are_asked_for(plain, rule):
    told = by_name(plain.with_overrides({"preprocessing": {"resize": rule}}))
    assert ("preprocessing.scale" in told) == (rule == "scale")
    assert ("preprocessing.side" in told) == (rule not in ("scale", "none"))


def test_a_grey_network_is_not_asked_for_the_order_of_its_channels(tmp_path):
    path = write_checkpoint(tmp_path / "grey.safetensors", in_channels=1)
    assert "preprocessing.channels" not in by_name(load(path, device="cpu"))


def test_softmax_is_offered_to_several_classes_alone(tmp_path, plain):
    path = write_checkpoint(tmp_path / "three.safetensors", classes=3)
    several = by_name(load(path, device="cpu"))["postprocessing.activation"]
    single = by_name(plain)["postprocessing.activation"]
    assert [value for value, _ in several.options] == ["sigmoid", "softmax", "none"]
    assert [value for value, _ in single.options] == ["sigmoid", "none"]


def test_whatever_holds_is_among_the_options_and_told_as_one_of_them(plain):
    odd = plain.with_overrides({"preprocessing": {"divisor": 127.5}})
    for segmenter in (plain, odd):
        for one in assumed(segmenter):
            if one.control == "choice":
                assert dict(one.options)[one.raw] == one.value
    assert by_name(odd)["preprocessing.divisor"].value == "divided by 127.5"


def test_what_a_control_holds_decides_the_same_again(plain):
    """So that nothing is rounded on its way through the page."""
    words = {"preprocessing": {"mean": [1 / 3, 0.1, 2e-7], "divisor": 0.1 + 0.2, "side": 333}}
    odd = plain.with_overrides(words)
    for one in assumed(odd):
        overrides = decide(plain, NO_OVERRIDES, one.name, one.raw)
        again = read(plain, overrides).spec
        part, _, field = one.name.partition(".")
        if field:
            assert getattr(getattr(again, part), field) == getattr(getattr(odd.spec, part), field)


@every(
    ("name", "raw"),
    [
        ("preprocessing.side", "0"),
        ("preprocessing.side", "12.5"),
        ("preprocessing.side", "9" * 5000),
        ("preprocessing.multiple_of", "many"),
        ("preprocessing.divisor", "0"),
        ("preprocessing.divisor", "nan"),
        ("preprocessing.divisor", "inf"),
        ("preprocessing.mean", ""),
        ("preprocessing.mean", "0.1, 0.2"),
        ("preprocessing.mean", "a, b, c"),
        ("preprocessing.std", "0"),
        ("preprocessing.std", "-1"),
        ("preprocessing.resize", "larger"),
        ("preprocessing.channels", "<b>rgb</b>\n"),
        ("postprocessing.activation", "tanh"),
        ("postprocessing.classes", "[]"),
        ("postprocessing.threshold", "0.5"),
        ("__class__", "x"),
        ("assume", "vgg"),
        ("", ""),
    ],
)
def test_a_senseless_value_is_one_printable_sentence(plain, name, raw):
    with pytest.raises(SpecError) as caught:
        decide(plain, NO_OVERRIDES, name, raw)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_numbers_may_be_parted_by_spaces_or_commas(plain):
    for raw in ("0.1,0.2,0.3", " 0.1  0.2 0.3 ", "0.1, 0.2,0.3"):
        overrides = decide(plain, NO_OVERRIDES, "preprocessing.mean", raw)
        assert overrides.spec == {"preprocessing": {"mean": [0.1, 0.2, 0.3]}}


def test_a_decision_for_what_is_so_anyhow_is_none(plain):
    overrides = decide(plain, NO_OVERRIDES, "preprocessing.mean", "0.485, 0.456, 0.406")
    overrides = decide(plain, overrides, "preprocessing.divisor", "255")
    assert settled(plain, overrides) == NO_OVERRIDES
    overrides = decide(plain, overrides, "preprocessing.side", "65")
    assert settled(plain, overrides).spec == {"preprocessing": {"side": 65}}


@pytest.fixture(scope="module")
def ambiguous(tmp_path_factory):
    """A file that two networks fit."""
    network = randomised(TutorialUNet(era="bias", depth=2, width=2))
    path = tmp_path_factory.mktemp("two") / "net.safetensors"
    save_file(network.state_dict(), path)
    return path


def test_all_networks_that_the_tensors_fit_are_offered(ambiguous):
    plain = load(ambiguous, device="cpu")
    told = by_name(plain)["assume"]
    offered = dict(told.options)
    assert offered.keys() == {plain.detection.id, *(a.id for a in plain.detection.alternatives)}
    assert len(offered) == len(set(offered.values())) > 1
    other = next(name for name in offered if name != told.raw)
    overrides = decide(plain, NO_OVERRIDES, "assume", other)
    assert overrides == Overrides(assume=other)
    again = load(ambiguous, device="cpu", assume=other)
    assert by_name(again, overrides)["assume"].changed
    assert by_name(again, overrides)["assume"].origin == "your choice"
    assert decide(plain, overrides, "assume", told.raw) == NO_OVERRIDES

"""What stands beside a checkpoint: the sensible is taken, and nothing else does any harm."""

import json
import os

import pytest

from segdemo.checkpoints.sidecar_files import NAMES, neighbours, saved_words
from segdemo.spec import SegmentationSpec
from tests.table import every

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# As briaai/RMBG-1.4 has it.
RMBG = {
    "do_normalize": True,
    "do_pad": False,
    "do_rescale": True,
    "do_resize": True,
    "feature_extractor_type": "ImageFeatureExtractor",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [1, 1, 1],
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"width": 1024, "height": 1024},
}


@pytest.fixture
def beside(tmp_path):
    """Writes one neighbour and reads what it says."""

    def read(name, document, *, in_channels=3, classes=1):
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        (tmp_path / name).write_bytes(raw)
        layers = dict(neighbours(tmp_path / "a.pth", in_channels=in_channels, classes=classes))
        assert layers.keys() <= {name}
        return layers.get(name, {})

    return read


def preprocessor(beside, document, **network):
    return beside("preprocessor_config.json", document, **network).get("preprocessing", {})


def albumentations(beside, *steps, **network):
    document = {"__version__": "1.4.24", "transform": {"transforms": list(steps)}}
    name = "albumentations_config_eval.json"
    return beside(name, document, **network).get("preprocessing", {})


def config(beside, document, **network):
    return beside("config.json", document, **network).get("postprocessing", {})


def test_a_checkpoint_alone_has_no_neighbours(tmp_path):
    assert neighbours(tmp_path / "a.pth", in_channels=3, classes=1) == []


def test_every_neighbour_speaks_under_its_own_name_the_most_specific_first(tmp_path):
    documents = {
        "config.json": {"activation": "sigmoid"},
        "preprocessor_config.json": {"resample": 3},
        "albumentations_config_eval.json": {
            "transform": {"transforms": [{"__class_fullname__": "Resize", "height": 8, "width": 8}]}
        },
        "processor_config.json": {"image_processor": {"resample": 2}},
        "tokenizer_config.json": {"resample": 0},
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    found = neighbours(tmp_path / "a.pth", in_channels=3, classes=1)
    assert tuple(name for name, _ in found) == NAMES
    assert SegmentationSpec.resolve(found).preprocessing.resample == "bicubic"


def test_an_image_processor_says_how_a_picture_is_prepared(beside):
    assert preprocessor(beside, RMBG) == {
        "resize": "stretch",
        "side": 1024,
        "resample": "bilinear",
        "divisor": 255.0,
        "mean": [0.5, 0.5, 0.5],
        "std": [1, 1, 1],
    }


@every(
    ("size", "expected"),
    [
        (512, {"resize": "stretch", "side": 512}),
        ([512, 512], {"resize": "stretch", "side": 512}),
        ({"height": 384, "width": 384}, {"resize": "stretch", "side": 384}),
        ({"shortest_edge": 520}, {"resize": "shortest", "side": 520, "longest": 0}),
        (
            {"shortest_edge": 800, "longest_edge": 1333},
            {"resize": "shortest", "side": 800, "longest": 1333},
        ),
        ({"longest_edge": 1024}, {"resize": "longest", "side": 1024}),
        ({"height": 384, "width": 512}, {"resize": "stretch", "side": 512, "height": 384}),
        ([384, 512], {"resize": "stretch", "side": 512, "height": 384}),
        ([512], {}),
        ({}, {}),
        (None, {}),
        ("512", {}),
        (512.5, {}),
        (True, {}),
        (0, {}),
        (-1, {}),
        (10**9, {}),
        ({"height": None, "width": None}, {}),
        ({"shortest_edge": "x"}, {}),
    ],
)
def test_a_size_is_taken_where_a_rule_of_ours_says_the_same(beside, size, expected):
    assert preprocessor(beside, {"size": size}) == expected


@every(
    ("document", "expected"),
    [
        ({"do_flip_channel_order": True}, {"channels": "bgr"}),
        ({"do_flip_channel_order": False}, {}),
        ({"size_divisor": 32}, {"multiple_of": 32}),
        ({"size_divisor": 0}, {}),
        (
            {"size": 800, "max_size": 1333},
            {"resize": "shortest", "side": 800, "longest": 1333},
        ),
        (
            {"size": 288, "feature_extractor_type": "MobileViTFeatureExtractor"},
            {"resize": "shortest", "side": 288, "longest": 0},
        ),
        (
            {"size": 512, "feature_extractor_type": "SegformerFeatureExtractor"},
            {"resize": "stretch", "side": 512},
        ),
        (
            {
                "size": {"height": 384, "width": 384},
                "keep_aspect_ratio": True,
                "ensure_multiple_of": 32,
            },
            {"resize": "shortest", "side": 384, "longest": 0, "multiple_of": 32},
        ),
    ],
)
def test_image_processors_of_every_era_are_understood(beside, document, expected):
    assert preprocessor(beside, document) == expected


def test_a_processor_has_an_image_processor_inside(beside):
    inside = {"size": {"height": 64, "width": 64}, "do_flip_channel_order": True}
    found = beside("processor_config.json", {"image_processor": inside})
    assert found["preprocessing"] == {"resize": "stretch", "side": 64, "channels": "bgr"}


def test_what_is_switched_off_is_said_too(beside):
    document = {**RMBG, "do_resize": False, "do_rescale": False, "do_normalize": False}
    assert preprocessor(beside, document) == {
        "resize": "none",
        "resample": "bilinear",
        "divisor": 1.0,
        "mean": [0.0],
        "std": [1.0],
    }


@every(("factor", "divisor"), [(1 / 255, 255.0), (0.0039, 255.0), (1 / 127.5, 127.5), (1, 1.0)])
def test_a_factor_is_the_divisor_upside_down(beside, factor, divisor):
    assert preprocessor(beside, {"rescale_factor": factor}) == {"divisor": divisor}


@every("factor", [0, -1, "1/255", None, True, [], float("nan"), float("inf"), 1e-300])
def test_a_senseless_factor_is_left_out(beside, factor):
    assert preprocessor(beside, {"rescale_factor": factor}) == {}


@every(("number", "name"), [(0, "nearest"), (1, "lanczos"), (2, "bilinear"), (3, "bicubic")])
def test_the_filter_has_the_number_that_pillow_gives_it(beside, number, name):
    assert preprocessor(beside, {"resample": number}) == {"resample": name}


@every("number", [4, -1, "2", None, True, [2], {}, 2.5])
def test_another_filter_is_left_out(beside, number):
    assert preprocessor(beside, {"resample": number}) == {}


@every(
    ("mean", "std"),
    [
        ([0.5, 0.5], [0.5, 0.5]),
        ([0.5] * 4, [0.5] * 4),
        ([], []),
        ([0.5], [0]),
        ([0.5], [-1]),
        ([0.5], [float("nan")]),
        ([float("inf")], [1]),
        ("0.5", "0.5"),
        (0.5, 0.5),
        ([None], [1]),
        ([[0.5]], [[1]]),
        ([True], [True]),
    ],
)
def test_numbers_that_do_not_fit_the_network_are_left_out_together(beside, mean, std):
    document = {"image_mean": mean, "image_std": std, "resample": 2}
    assert preprocessor(beside, document) == {"resample": "bilinear"}


def test_a_mean_without_a_deviation_says_nothing(beside):
    assert preprocessor(beside, {"image_mean": [0.5]}) == {}


def test_numbers_for_four_channels_fit_a_network_of_four(beside):
    document = {"image_mean": [0.5] * 4, "image_std": [0.5] * 4}
    assert preprocessor(beside, document, in_channels=4)["mean"] == [0.5] * 4


def test_both_spellings_of_albumentations_mean_the_same(beside):
    step = {"__class_fullname__": "Normalize", "normalization": "standard", "p": 1.0}
    ones = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD, "max_pixel_value": 255.0}
    levels = {
        "mean": [value * 255 for value in IMAGENET_MEAN],
        "std": [value * 255 for value in IMAGENET_STD],
        "max_pixel_value": 1.0,
    }
    for spelling in (ones, levels):
        found = albumentations(beside, {**step, **spelling})
        assert found["divisor"] == 255.0
        assert found["mean"] == pytest.approx(IMAGENET_MEAN)
        assert found["std"] == pytest.approx(IMAGENET_STD)


def test_the_steps_of_albumentations_are_taken_where_a_rule_of_ours_says_the_same(beside):
    resize = {"__class_fullname__": "Resize", "height": 320, "width": 320, "interpolation": 2}
    pad = {"__class_fullname__": "PadIfNeeded", "pad_height_divisor": 32, "pad_width_divisor": 32}
    tensor = {"__class_fullname__": "albumentations.pytorch.ToTensorV2", "p": 1.0}
    assert albumentations(beside, resize, pad, tensor) == {
        "resize": "stretch",
        "side": 320,
        "resample": "bicubic",
        "multiple_of": 32,
    }


@every(("name", "rule"), [("LongestMaxSize", "longest"), ("SmallestMaxSize", "shortest")])
def test_one_side_alone_may_be_set(beside, name, rule):
    step = {"__class_fullname__": f"albumentations.{name}", "max_size": 640, "interpolation": 1}
    assert albumentations(beside, step) == {"resize": rule, "side": 640, "resample": "bilinear"}


@every(
    "step",
    [
        {"__class_fullname__": "Normalize"},
        {"__class_fullname__": "Normalize", "mean": [0.5], "std": [0.0]},
        {"__class_fullname__": "Normalize", "mean": [0.5], "std": [1], "normalization": "min_max"},
        {"__class_fullname__": "Normalize", "mean": [0.5], "std": [1], "max_pixel_value": 0},
        {"__class_fullname__": "Normalize", "mean": [0.5], "std": [1], "max_pixel_value": "1"},
        {"__class_fullname__": "Normalize", "mean": "x", "std": [1]},
        {"__class_fullname__": "Resize"},
        {"__class_fullname__": "Resize", "height": 320, "width": 320, "p": 0.5},
        {"__class_fullname__": "LongestMaxSize", "max_size": [1, 2]},
        {"__class_fullname__": "PadIfNeeded", "min_height": 32, "min_width": 32},
        {"__class_fullname__": ["Resize"], "height": 8, "width": 8},
        {"height": 8, "width": 8},
        "Resize",
        None,
    ],
)
def test_a_step_that_cannot_be_said_in_our_terms_is_left_out(beside, step):
    assert albumentations(beside, step) == {}


def test_names_of_classes_come_in_the_order_of_their_numbers(beside):
    document = {"id2label": {"1": "Hat", "0": "Background", "2": "Hair"}}
    assert config(beside, document, classes=3) == {"classes": ["Background", "Hat", "Hair"]}


@every(
    "labels",
    [
        {"0": "a", "1": "b", "2": "c"},
        {"0": "a"},
        {"1": "a", "2": "b"},
        {"0": "LABEL_0", "1": "LABEL_1"},
        {"0": "a", "1": 2},
        {"0": "a", "1": ""},
        {"0": "a", "1": "b\nc"},
        {"0": "a", "1": "b" * 81},
        ["a", "b"],
        "ab",
        None,
        {},
    ],
)
def test_names_that_are_not_those_of_the_networks_classes_are_left_out(beside, labels):
    assert config(beside, {"id2label": labels}, classes=2) == {}


def test_names_of_any_language_are_names(beside):
    document = {"id2label": {"0": "背景", "1": "vaisseau sanguin"}}
    assert config(beside, document, classes=2)["classes"] == ["背景", "vaisseau sanguin"]


@every(
    ("activation", "classes", "expected"),
    [
        ("sigmoid", 1, "sigmoid"),
        ("sigmoid", 3, "sigmoid"),
        ("softmax", 3, "softmax"),
        ("softmax2d", 3, "softmax"),
    ],
)
def test_the_activation_of_smp_is_taken(beside, activation, classes, expected):
    document = {"_model_class": "Unet", "activation": activation, "classes": 77}
    assert config(beside, document, classes=classes) == {"activation": expected}


@every(
    ("activation", "classes"),
    [(None, 1), ("identity", 1), ("gelu", 1), ("softmax", 1), (["sigmoid"], 1), (1, 1)],
)
def test_another_activation_is_left_out(beside, activation, classes):
    assert config(beside, {"activation": activation}, classes=classes) == {}


def test_the_network_that_a_config_names_is_not_believed(beside):
    document = {
        "model_type": "SegformerForSemanticSegmentation",
        "architectures": ["BriaRMBG"],
        "auto_map": {"AutoModelForImageSegmentation": "briarmbg.BriaRMBG"},
        "in_ch": 3,
        "out_ch": 1,
        "torch_dtype": "float32",
    }
    assert beside("config.json", document) == {}


GARBAGE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"3",
    b'"text"',
    b"\xff\xfe\x00",
    b"\0" * 100,
    b"<!doctype html>",
    b"version https://git-lfs.github.com/spec/v1",
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b'{"size": ' + b"9" * 5000 + b"}",
    b'{"size": ' + b"9" * 400 + b"}",
    b'{"size": 1e999, "rescale_factor": -1e999, "image_mean": [NaN], "image_std": [Infinity]}',
    b'{"image_mean": [1e308, 1e308, 1e308], "image_std": [1e-320, 0, 0]}',
    b'{"id2label": ' + b'{"0": ' * 50 + b"1" + b"}" * 51,
    b'{"size": ' + b"[" * 500 + b"]" * 500 + b"}",
    b'{"transform": {"transforms": [' + b"[" * 900 + b"]" * 900 + b"]}}",
    b'{"transform": {"transforms": 3}}',
    b'{"transform": [1]}',
    b'{"transform": {"transforms": [{"__class_fullname__": "Normalize", "mean": [1e308],'
    b' "std": [1e308], "max_pixel_value": 1e308}]}}',
    b'{"id2label": {"0": {"1": []}}, "activation": {"a": 1}, "size": {"height": {}, "width": {}}}',
    b'{"resample": {"a": 1}, "do_resize": [], "do_rescale": {}, "do_normalize": "no"}',
    b'{"size": 512}' + b" " * 1_000_001,
]


@every("name", NAMES)
@every("raw", GARBAGE, ids=lambda raw: raw[:20].hex())
def test_garbage_says_nothing(beside, name, raw):
    assert beside(name, raw) == {}


@every("name", NAMES)
def test_what_is_no_file_says_nothing(tmp_path, name):
    (tmp_path / name).mkdir()
    assert neighbours(tmp_path / "a.pth", in_channels=3, classes=1) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    assert neighbours(tmp_path / "a.pth", in_channels=3, classes=1) == []


def test_half_a_million_bytes_of_labels_are_read_and_left_out(beside):
    labels = {str(number): "x" * 40 for number in range(9000)}
    assert config(beside, {"id2label": labels}, classes=2) == {}


def test_what_a_checkpoint_says_of_itself_beside_its_tensors_is_heard():
    saved = {
        "state_dict": {},
        "classes": ("disc", "cup"),
        "threshold": 0.4,
        "hyper_parameters": {"activation": "Sigmoid", "mean": [0.5], "std": [0.25]},
    }
    assert saved_words(saved, {}, in_channels=3, classes=2) == {
        "preprocessing": {"divisor": 255.0, "mean": [0.5], "std": [0.25]},
        "postprocessing": {
            "classes": ["disc", "cup"],
            "activation": "sigmoid",
            "threshold": 0.4,
        },
    }
    by_number = {"id2label": {1: "cup", 0: "disc"}}
    for content, metadata in (
        (by_number, {}),
        ({}, {"class_names": '["disc", "cup"]', "format": "pt"}),
        ({}, {"id2label": '{"0": "disc", "1": "cup"}'}),
    ):
        words = saved_words(content, metadata, in_channels=3, classes=2)
        assert words == {"postprocessing": {"classes": ["disc", "cup"]}}
    pixels = saved_words(
        {"mean": [120, 110, 100], "std": [60, 60, 60]}, {}, in_channels=3, classes=1
    )
    assert pixels["preprocessing"]["divisor"] == 1.0


@every(
    "content",
    [
        {"classes": ["one", "two", "three"]},
        {"classes": 2, "threshold": 7, "mean": 0.1, "std": "x"},
        {"mean": [0.1, 0.2], "std": [0.1, 0.2]},
        {"names": [1, 2], "activation": "relu", "threshold": True},
        [("classes", ["a", "b"])],
        None,
    ],
)
def test_words_that_fit_no_such_network_are_left_out(content):
    assert (
        saved_words(content, {"classes": "[" * 40, "mean": "nan"}, in_channels=3, classes=2) == {}
    )

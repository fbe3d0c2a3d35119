"""The segmenter: a file and a picture in, probabilities and masks of the right place out."""

import json
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from code_bases import TutorialUNet, randomised
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.checkpoints import recognise as recognise_module
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.checkpoints.safetensors_header import parse_metadata
from segdemo.errors import FileError, PredictionError, SettingsError, SpecError, UnknownNetworkError
from segdemo.inference import segmenter as segmenter_module
from segdemo.inference.maps import quantise
from segdemo.inference.prediction import Prediction
from segdemo.inference.segmenter import Segmenter, load
from segdemo.settings import Settings
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec
from tests.table import every

CPU = torch.device("cpu")
AS_IT_IS = {"preprocessing": {"resize": "none"}}


def random_picture(width=37, height=29, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a checkpoint and loads it."""

    def written(*, settings=None, assume=None, **options):
        path = write_checkpoint(tmp_path / "net.safetensors", **options)
        return load(path, device="cpu", settings=settings, assume=assume)

    return written


class RedChannel(nn.Module):
    """Returns the first channel of its input, without the border that it is told to lose."""

    def __init__(self, border=0):
        super().__init__()
        self.border = border
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        end = -self.border or None
        return x[:, :1, self.border : end, self.border : end]


def red_channel(*, border=0, max_side=4096, memory_megabytes=4096, **preprocessing):
    """A segmenter whose map is the red channel of the picture, divided by 255."""
    theirs = TutorialUNet(era="bias", depth=1, width=2).state_dict()
    return Segmenter(
        network=RedChannel(border),
        spec=SegmentationSpec(
            preprocessing=Preprocessing(**{"resize": "none", **preprocessing}),
            postprocessing=Postprocessing(activation="none"),
        ),
        detection=detect(theirs, assume="unet_unpadded" if border else None),
        device=CPU,
        max_side=max_side,
        memory_megabytes=memory_megabytes,
    )


def red_of(picture):
    return np.asarray(picture)[None, :, :, 0].astype(np.float32) / 255


@pytest.mark.parametrize(("width", "height"), [(37, 29), (16, 64), (33, 17)])
@pytest.mark.parametrize("classes", [1, 2, 4])
def test_any_size_gives_probabilities_and_a_mask_of_the_pictures_size(
    checkpoint, width, height, classes
):
    segmenter = checkpoint(classes=classes, words=AS_IT_IS)
    prediction = segmenter.predict(random_picture(width, height))
    assert prediction.probabilities.shape == (classes, height, width)
    assert prediction.probabilities.dtype == np.float32
    assert 0 <= prediction.probabilities.min() <= prediction.probabilities.max() <= 1
    assert prediction.probabilities.std() > 1e-4
    mask = prediction.mask(0.5)
    assert (mask.shape, mask.dtype) == ((height, width), np.bool_)


def test_the_mask_has_the_pictures_size_when_the_network_saw_another(checkpoint):
    words = {"preprocessing": {"resize": "stretch", "side": 32}}
    prediction = checkpoint(words=words).predict(random_picture(50, 20))
    assert prediction.probabilities.shape == (1, 32, 32)
    assert prediction.network_size == (32, 32)
    assert prediction.mask(0.5).shape == (20, 50)
    assert prediction.foreground_at((25, 10)).shape == (10, 25)


def test_a_prediction_is_what_the_network_says_of_the_prepared_picture(checkpoint):
    segmenter = checkpoint(words=AS_IT_IS)
    picture = random_picture(36, 28)
    x = torch.from_numpy(np.asarray(picture).astype(np.float32) / 255).permute(2, 0, 1)[None]
    expected = segmenter.network(x).sigmoid()[0].numpy()
    np.testing.assert_allclose(segmenter.predict(picture).probabilities, expected, atol=1e-6)


def test_predicting_twice_gives_the_same(checkpoint):
    segmenter = checkpoint()
    first, second = (segmenter.predict(random_picture()).probabilities for _ in range(2))
    assert np.array_equal(first, second)


def test_threads_may_share_a_segmenter(checkpoint):
    segmenter = checkpoint(words=AS_IT_IS)
    pictures = [random_picture(40 + n, 30, seed=n) for n in range(8)]
    alone = [segmenter.predict(picture).probabilities for picture in pictures]
    together = [None] * len(pictures)

    def predict(n):
        together[n] = segmenter.predict(pictures[n]).probabilities

    threads = [Thread(target=predict, args=(n,)) for n in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@every("multiple_of", [1, 16, 32])
@every(("width", "height"), [(37, 29), (32, 64), (1, 1)])
def test_padding_is_cropped_back_to_the_pixel(multiple_of, width, height):
    segmenter, picture = red_channel(multiple_of=multiple_of), random_picture(width, height)
    prediction = segmenter.predict(picture)
    assert np.array_equal(prediction.probabilities, red_of(picture))
    (seen,) = segmenter.network.seen
    assert seen.shape[2] % multiple_of == seen.shape[3] % multiple_of == 0


@every("place", [(0, 0), (36, 0), (0, 28), (36, 28), (17, 11)])
def test_a_network_that_loses_a_border_still_covers_every_pixel_of_the_picture(place):
    picture = Image.new("RGB", (37, 29))
    picture.putpixel(place, (255, 0, 0))
    probabilities = red_channel(border=4).predict(picture).probabilities
    assert probabilities.shape == (1, 29, 37)
    assert np.array_equal(probabilities, red_of(picture))


def test_the_unpadded_network_sees_the_picture_with_its_border_mirrored(tmp_path):
    theirs = randomised(TutorialUNet(era="bias", padding=0, depth=2, width=4))
    path = tmp_path / "net.safetensors"
    save_file(theirs.state_dict(), path, {"segdemo": json.dumps(AS_IT_IS)})
    picture = random_picture(67, 53)
    prediction = load(path, device="cpu", assume="unet_unpadded").predict(picture)
    pixels = np.pad(np.asarray(picture), [(4, 4), (4, 4), (0, 0)], mode="reflect")
    with torch.no_grad():
        x = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
        expected = theirs(x).sigmoid()[0].numpy()
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)


@every("depth", [1, 3])
@every(("width", "height"), [(16, 16), (17, 31)])
def test_a_picture_smaller_than_the_unpadded_network_needs_is_filled_up(
    tmp_path, depth, width, height
):
    theirs = randomised(TutorialUNet(era="bias", depth=depth, width=2))
    path = tmp_path / "net.pth"
    torch.save(theirs.state_dict(), path)
    segmenter = load(path, device="cpu", assume="unet_unpadded")
    prediction = segmenter.predict(random_picture(width, height))
    assert prediction.mask().shape == (height, width)


def test_a_large_picture_is_reduced_to_the_limit_and_says_so():
    segmenter = red_channel(max_side=20)
    prediction = segmenter.predict(random_picture(40, 30))
    assert prediction.network_size == (20, 15)
    assert prediction.reduced
    assert prediction.mask(0.5).shape == (30, 40)
    assert not red_channel(max_side=40).predict(random_picture(40, 30)).reduced


def in_memory(megabytes, network):
    """A segmenter of pictures as they are, with no more memory than that."""
    return Segmenter(
        network=network,
        spec=SegmentationSpec(preprocessing=Preprocessing(resize="none")),
        detection=detect(network.state_dict()),
        device=CPU,
        max_side=4096,
        memory_megabytes=megabytes,
    )


def in_memory_of(megabytes, network, width, height):
    """What a network says of a picture with no more memory than that."""
    return in_memory(megabytes, network).predict(random_picture(width, height))


def test_what_needs_too_much_memory_is_computed_in_parts_and_says_so():
    network = randomised(UNet(UNetConfig.standard(width=2)))
    whole = in_memory_of(64, network, 640, 620)
    parts = in_memory_of(8, network, 640, 620)
    assert (whole.parts, whole.reduced) == (1, False)
    assert parts.parts > 1
    assert not parts.reduced
    assert np.abs(parts.probabilities - whole.probabilities).max() < 1e-5


def test_where_parts_would_say_something_else_the_picture_is_made_smaller():
    network = randomised(UNet(UNetConfig.standard(width=2, up="bilinear")))
    assert not in_memory_of(64, network, 640, 320).reduced
    prediction = in_memory_of(4, network, 640, 320)
    assert prediction.reduced
    assert prediction.parts == 1
    width, height = prediction.network_size
    assert width == pytest.approx(2 * height, abs=1)
    assert 300 < width < 600
    assert prediction.mask().shape == (320, 640)


def test_of_so_many_classes_that_their_maps_are_too_much_the_picture_is_made_smaller():
    network = randomised(UNet(UNetConfig.standard(width=2, classes=200)))
    prediction = in_memory_of(64, network, 640, 620)
    assert prediction.reduced
    # The sides are rounded to whole pixels.
    assert prediction.probabilities.nbytes * 2 == pytest.approx(64 * 2**20, rel=0.02)


class Noting:
    """Turns that note how many pictures like the one that comes may go together."""

    def __init__(self):
        self.most = []

    def run(self, forward, given, *, network, most):
        self.most.append(most)
        return forward(given), 0.25


@every(("megabytes", "most"), [(4096, 8), (8, 3), (1, 1)])
def test_where_a_small_picture_does_not_fill_the_device_as_many_go_together_as_fit(
    monkeypatch, megabytes, most
):
    monkeypatch.setattr(segmenter_module, "_FILLED_BY_MANY", ("cpu",))
    network = randomised(UNet(UNetConfig.standard(width=8, up="bilinear")))
    segmenter = in_memory(megabytes, network)
    scheduler = Noting()
    segmenter.predict(random_picture(160, 160), scheduler)
    assert scheduler.most == [most]


def test_on_a_cpu_each_picture_goes_alone(checkpoint):
    scheduler = Noting()
    checkpoint().predict(random_picture(), scheduler)
    assert scheduler.most == [1]


def test_the_time_of_a_prediction_is_without_that_of_the_others(checkpoint):
    class Long(Noting):
        def run(self, forward, given, **options):
            answer, _ = super().run(forward, given, **options)
            return answer, 3600.0

    assert 3600e3 < checkpoint().predict(random_picture(), Long()).milliseconds < 3700e3


def test_a_prediction_says_where_and_how_long_it_ran(checkpoint):
    prediction = checkpoint().predict(random_picture())
    assert prediction.milliseconds > 0
    assert prediction.device.startswith("CPU")
    assert prediction.device_and_precision == f"{prediction.device} · fp32"


def of_probabilities(*channels):
    values = np.asarray(channels, dtype=np.float32)[:, None, None].repeat(4, 1).repeat(6, 2)
    return Prediction(
        probabilities=values, picture_size=(6, 4), milliseconds=1.0, device="CPU, 1 threads"
    )


@every(("channels", "foreground"), [((0.3,), 0.3), ((0.75, 0.25), 0.25), ((0.5, 0.3, 0.2), 0.5)])
def test_the_foreground_is_the_one_class_or_all_but_the_background(channels, foreground):
    prediction = of_probabilities(*channels)
    np.testing.assert_allclose(prediction.foreground, foreground, atol=1e-7)
    assert prediction.foreground.shape == (4, 6)


def test_a_probability_equal_to_the_threshold_is_foreground():
    assert of_probabilities(0.25).mask(0.25).all()
    assert not of_probabilities(0.25).mask(0.26).any()


@pytest.mark.parametrize("k", [1, 77, 128, 255])
def test_a_mask_is_that_of_the_quantised_map(checkpoint, k):
    prediction = checkpoint().predict(random_picture())
    quantised = quantise(prediction.foreground_at(prediction.picture_size))
    assert np.array_equal(prediction.mask(k / 256), quantised >= k)


def test_nan_is_a_sentence(checkpoint):
    segmenter = checkpoint()
    segmenter.network.head.bias.fill_(float("nan"))
    with pytest.raises(PredictionError) as caught:
        segmenter.predict(random_picture())
    assert caught.value.key == "prediction_not_finite"


def test_a_network_of_four_channels_takes_the_bands_of_a_file(checkpoint, tmp_path):
    segmenter = checkpoint(in_channels=4)
    bands = np.random.default_rng(0).integers(0, 256, (29, 37, 5), dtype=np.uint8)
    np.save(tmp_path / "bands.npy", bands)
    expected = segmenter.network(torch.from_numpy(bands[..., :4]).permute(2, 0, 1)[None] / 255)
    for given in (bands, tmp_path / "bands.npy"):
        prediction = segmenter.predict(given)
        np.testing.assert_allclose(
            prediction.probabilities, expected[0].sigmoid().detach().numpy(), atol=1e-5
        )
        assert prediction.bands == (1, 2, 3, 4)
        assert [notice.key for notice in prediction.notices] == ["note_bands"]
    with pytest.raises(PredictionError) as caught:
        segmenter.predict(random_picture())
    assert caught.value.key == "prediction_channels"


def test_a_grey_network_takes_colour_pictures(checkpoint):
    assert checkpoint(in_channels=1).predict(random_picture()).mask().shape == (29, 37)


@every("mode", ["L", "RGBA", "LA", "P", "CMYK", "1", "I;16", "I", "F"])
def test_a_picture_of_any_mode_is_taken(mode):
    picture = Image.new(mode, (20, 16))
    assert red_channel().predict(picture).probabilities.shape == (1, 16, 20)


def test_sixteen_bits_are_not_clipped_to_white():
    ramp = np.linspace(2000, 60_000, 64 * 64).astype(np.uint16).reshape(64, 64)
    probabilities = red_channel().predict(Image.fromarray(ramp)).probabilities
    assert 0.45 < probabilities.mean() < 0.55


def test_what_is_transparent_is_white():
    picture = Image.new("RGBA", (20, 16), (0, 0, 0, 0))
    assert (red_channel().predict(picture).probabilities == 1).all()


def test_a_photo_that_lies_on_its_side_is_turned_upright(tmp_path):
    picture, exif = random_picture(40, 20), Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as photo:
        prediction = red_channel().predict(photo)
    assert prediction.picture_size == (20, 40)
    assert np.array_equal(prediction.probabilities, np.rot90(red_of(picture), -1, axes=(1, 2)))


def test_the_picture_stays_as_it_was():
    picture = random_picture()
    before = picture.tobytes()
    red_channel(channels="bgr").predict(picture)
    assert picture.tobytes() == before


def test_halved_weights_run_in_float32(checkpoint):
    segmenter = checkpoint(half=True)
    assert {p.dtype for p in segmenter.network.parameters()} == {torch.float32}
    assert segmenter.predict(random_picture()).precision == "fp32"


def test_the_weights_stay_in_memory_once(checkpoint):
    segmenter = checkpoint(half=True)
    assert all(tensor.is_meta for tensor in segmenter.detection.tensors.values())
    assert segmenter.byte_size >= 4 * segmenter.detection.parameters


def test_the_file_may_vanish_after_loading(tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    segmenter = load(path, device="cpu")
    before = segmenter.predict(random_picture()).probabilities
    path.unlink()
    assert np.array_equal(segmenter.predict(random_picture()).probabilities, before)


def test_the_files_own_words_decide_over_the_code_bases_recipe(tmp_path):
    path = tmp_path / "net.safetensors"
    words = {"preprocessing": {"scale": 0.25}, "postprocessing": {"threshold": 0.3}}
    theirs = TutorialUNet(depth=1, width=2)
    save_file(theirs.state_dict(), path, {"segdemo": json.dumps(words)})
    spec = load(path, device="cpu").spec
    assert (spec.preprocessing.resize, spec.preprocessing.scale) == ("scale", 0.25)
    assert spec.postprocessing.threshold == 0.3
    assert spec.origins["preprocessing.scale"] == "segdemo"
    assert "milesial" in spec.origins["preprocessing.resize"]


@pytest.mark.parametrize(
    ("classes", "activation"), [(1, "sigmoid"), (2, "softmax"), (5, "softmax")]
)
def test_the_number_of_classes_suggests_the_activation(checkpoint, classes, activation):
    spec = checkpoint(classes=classes).spec
    assert spec.postprocessing.activation == activation


def test_the_files_own_words_decide_over_what_the_classes_suggest(checkpoint):
    words = {"postprocessing": {"activation": "sigmoid"}}
    assert checkpoint(classes=2, words=words).spec.postprocessing.activation == "sigmoid"


@pytest.mark.parametrize(("name", "value"), [("mean", [0.5, 0.5]), ("std", [1, 1, 1, 1])])
def test_statistics_of_other_channels_are_refused(checkpoint, name, value):
    with pytest.raises(SpecError) as caught:
        checkpoint(words={"preprocessing": {name: value}})
    assert f"preprocessing.{name}" in str(caught.value)
    assert "1 or 3 numbers" in str(caught.value)


def test_statistics_of_colour_suit_a_grey_network(checkpoint):
    words = {"preprocessing": {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}}
    assert checkpoint(in_channels=1, words=words).predict(random_picture()).mask().shape


# A statement of each who may speak of a field, the surest first.
SPEAKERS = ("your choice", "segdemo", "preprocessor_config.json", "config.json", "known file: Ours")


@pytest.fixture
def statements(tmp_path, monkeypatch):
    """Loads a milesial U-Net of which all in ``speakers`` say what ``says`` makes of them."""

    def loaded(speakers, says, *, classes=1):
        words, own = (says(name) if name in speakers else {} for name in SPEAKERS[:2])
        path = tmp_path / "net.safetensors"
        theirs = TutorialUNet(depth=1, width=2, classes=classes)
        save_file(theirs.state_dict(), path, {"segdemo": json.dumps(own)})
        for name in SPEAKERS[2:4]:
            (tmp_path / name).unlink(missing_ok=True)
            if name in speakers:
                (tmp_path / name).write_text(json.dumps(says(name)))
        known = SimpleNamespace(title="Ours", words=says(SPEAKERS[4]), classes=("a",) * classes)
        monkeypatch.setattr(
            recognise_module, "known_file", lambda _: known if SPEAKERS[4] in speakers else None
        )
        return load(path, device="cpu", overrides=words).spec

    return loaded


RESAMPLE = {
    "your choice": {"preprocessing": {"resample": "nearest"}},
    "segdemo": {"preprocessing": {"resample": "lanczos"}},
    "preprocessor_config.json": {"resample": 2},
    "known file: Ours": {"preprocessing": {"resample": "nearest"}},
}
MEAN = {
    "your choice": {"preprocessing": {"mean": [0.1]}},
    "segdemo": {"preprocessing": {"mean": [0.2]}},
    "preprocessor_config.json": {"image_mean": [0.3], "image_std": [1.0]},
    "known file: Ours": {"preprocessing": {"mean": [0.4]}},
}
SIDE = {
    "your choice": {"preprocessing": {"side": 1}},
    "segdemo": {"preprocessing": {"side": 2}},
    "preprocessor_config.json": {"size": 3},
    "known file: Ours": {"preprocessing": {"side": 4}},
}
ACTIVATION = {
    "your choice": {"postprocessing": {"activation": "none"}},
    "segdemo": {"postprocessing": {"activation": "softmax"}},
    "config.json": {"activation": "sigmoid"},
    "known file: Ours": {"postprocessing": {"activation": "none"}},
}
CLASSES = {
    "your choice": {"postprocessing": {"classes": ["1"]}},
    "segdemo": {"postprocessing": {"classes": ["2"]}},
    "config.json": {"id2label": {"0": "3"}},
    "known file: Ours": {"postprocessing": {"classes": ["4"]}},
}


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("preprocessing.resample", RESAMPLE),
        ("preprocessing.mean", MEAN),
        ("preprocessing.side", SIDE),
        ("postprocessing.activation", ACTIVATION),
        ("postprocessing.classes", CLASSES),
    ],
)
def test_of_each_field_the_surest_who_speaks_of_it_decides(statements, field, says):
    part, _, name = field.partition(".")
    for first, speaker in enumerate(says):
        rest = list(says)[first:]
        spec = statements(rest, says.get)
        assert spec.origins[field] == speaker
        expected = statements([speaker], says.get)
        assert getattr(getattr(spec, part), name) == getattr(getattr(expected, part), name)


def test_the_recipe_and_the_class_count_speak_last(statements):
    spec = statements([], RESAMPLE.get)
    assert spec.preprocessing.resample == "bicubic"
    assert "milesial" in spec.origins["preprocessing.resample"]
    assert spec.origins["postprocessing.activation"] == ""
    assert "preprocessing.mean" not in spec.origins


def test_what_is_known_of_a_network_with_other_classes_is_left_out(tmp_path, monkeypatch):
    path = write_checkpoint(tmp_path / "net.safetensors", classes=3)
    known = SimpleNamespace(title="Ours", words={"preprocessing": {"side": 7}}, classes=("a", "b"))
    monkeypatch.setattr(recognise_module, "known_file", lambda _: known)
    assert "preprocessing.side" not in load(path, device="cpu").spec.origins


@every(("classes", "side"), [(4, 768), (1, 1024)])
def test_a_published_network_is_prepared_as_it_was_trained_if_it_is_that_network(
    tmp_path, classes, side
):
    snapshot = tmp_path / "models--tryonlabs--u2net-cloth-segmentation/snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    network = U2Net(U2NetConfig.lite(classes=classes))
    torch.save(network.state_dict(), snapshot / "u2net_cloth_segm.pth")
    spec = load(snapshot / "u2net_cloth_segm.pth", device="cpu").spec
    assert spec.preprocessing.side == side
    assert (spec.preprocessing.mean == (0.5,)) == (classes == 4)
    assert len(spec.postprocessing.classes) == (4 if classes == 4 else 0)
    origin = spec.origins.get("preprocessing.side")
    assert origin == ("known file: U²-Net, clothes (Levin Dabhi)" if classes == 4 else None)


def test_a_senseless_neighbour_does_not_keep_a_checkpoint_from_loading(tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors", classes=2)
    (tmp_path / "config.json").write_text('{"id2label": {"0": "a"}, "activation": "gelu"}')
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [1, 2], "image_std": [0]}')
    assert load(path, device="cpu").spec == load_alone(tmp_path, path)


def load_alone(tmp_path, path):
    """The spec of a checkpoint that nothing lies beside."""
    (tmp_path / "alone").mkdir()
    return load(path.rename(tmp_path / "alone" / path.name), device="cpu").spec


def test_a_spec_without_a_file_asks_nobody_else(monkeypatch):
    monkeypatch.setattr(recognise_module, "known_file", None)
    spec = resolve_spec(detect(TutorialUNet(depth=1, width=2).state_dict()), {})
    assert spec.preprocessing.resample == "bicubic"


def test_what_the_caller_says_has_to_make_sense(tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    with pytest.raises(SpecError):
        load(path, device="cpu", overrides={"preprocessing": {"mean": [1, 2]}})


def ambiguous(path, words):
    state_dict = TutorialUNet(era="bias", depth=1, width=2).state_dict()
    save_file(state_dict, path, {"segdemo": json.dumps(words)})
    return path


def test_the_files_own_words_decide_which_twin_it_is(tmp_path):
    path = ambiguous(tmp_path / "net.safetensors", {"assume": "unet_unpadded"})
    assert load(path, device="cpu").detection.config.padding == 0


def test_the_user_decides_over_the_files_own_words(tmp_path):
    path = ambiguous(tmp_path / "net.safetensors", {"assume": "unet_unpadded"})
    assert load(path, device="cpu", assume="unet_milesial_bias").detection.config.padding == 1


def test_a_file_that_assumes_what_it_is_not_is_refused(tmp_path):
    path = ambiguous(tmp_path / "net.safetensors", {"assume": "u2net"})
    with pytest.raises(UnknownNetworkError) as caught:
        load(path, device="cpu")
    assert "unet_unpadded" in str(caught.value)


def test_words_that_are_absent_are_empty():
    assert parse_metadata({}) == {}
    assert parse_metadata({"other": "x"}) == {}


@every("document", ["", "{", "[]", "3", "null", '"x"', "[" * 100_000, '{"assume": 1}', "{'a': 1}"])
def test_words_that_are_broken_are_one_sentence(document):
    with pytest.raises(SpecError) as caught:
        parse_metadata({"segdemo": document})
    message = str(caught.value)
    assert message.count("\n") == 0
    assert len(message) < 250
    assert message.endswith(".")


def test_a_threshold_that_no_slider_has_is_refused(checkpoint):
    with pytest.raises(SpecError) as caught:
        checkpoint(words={"postprocessing": {"threshold": 1.5}})
    assert "postprocessing.threshold" in str(caught.value)


def test_a_spec_can_be_resolved_without_weights():
    with torch.device("meta"):
        theirs = TutorialUNet(classes=3)
    spec = resolve_spec(detect(theirs.state_dict()), {})
    assert spec.postprocessing.activation == "softmax"


@every("how", ["argument", "settings"])
def test_a_device_that_is_absent_is_said_before_the_file_is_read(tmp_path, monkeypatch, how):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    options = {"argument": {"device": "cuda"}, "settings": {"settings": Settings(device="cuda")}}
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "absent.pth", **options[how])
    assert caught.value.key == "device_absent"


def test_the_environment_is_asked_when_nothing_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(Settings, "from_environment", lambda: Settings(device="tpu"))
    with pytest.raises(SettingsError):
        load(write_checkpoint(tmp_path / "net.safetensors"))


def test_the_limit_on_the_side_comes_from_the_settings(checkpoint):
    segmenter = checkpoint(settings=Settings(max_network_side=18), words=AS_IT_IS)
    assert max(segmenter.predict(random_picture()).network_size) == 18


def test_so_does_the_limit_on_memory(checkpoint):
    assert checkpoint(settings=Settings(memory_megabytes=77)).memory_megabytes == 77


def test_a_file_that_is_no_checkpoint_is_a_sentence(tmp_path):
    path = tmp_path / "a.pth"
    path.write_text("text")
    with pytest.raises(FileError):
        load(path, device="cpu")


def test_a_segmenter_can_be_put_together_by_hand():
    segmenter = red_channel()
    mirrored = replace(segmenter.spec.preprocessing, channels="bgr")
    segmenter.spec = replace(segmenter.spec, preprocessing=mirrored)
    picture = random_picture()
    blue = np.asarray(picture)[None, :, :, 2].astype(np.float32) / 255
    assert np.array_equal(segmenter.predict(picture).probabilities, blue)


def test_the_former_names_of_the_arguments_of_load_work_and_warn(tmp_path):
    path = write_checkpoint(tmp_path / "net.safetensors")
    with pytest.warns(DeprecationWarning, match=r"load\(overrides=\)"):
        segmenter = load(path, device="cpu", words={"preprocessing": {"divisor": 7.0}})
    assert segmenter.spec.preprocessing.divisor == 7.0
    with pytest.warns(DeprecationWarning, match=r"load\(mmap=\)"):
        load(path, device="cpu", constant=True)
    with pytest.raises(TypeError, match="word"):
        load(path, device="cpu", word={})

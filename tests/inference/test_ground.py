"""What is no foreground: a class by its name, by choice, or what no class claims."""

from dataclasses import replace

import numpy as np
import torch
from code_bases import randomised
from PIL import Image

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.inference.ground import ground_of, needs_ground
from segdemo.inference.processing import with_ground
from segdemo.inference.segmenter import Segmenter
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec
from tests.table import every


@every(
    ("names", "ground"),
    [
        (("cat", "Background"), 1),
        (("_background_", "cat"), 0),
        (("sky", "void", "background"), 2),
        (("road", "unlabelled"), 1),
        (("肝脏", "背景"), 1),
        (("liver", "spleen"), None),
        ((), None),
    ],
)
def test_the_ground_goes_by_its_usual_names(names, ground):
    assert ground_of(names) == ground


@every(
    ("activation", "count", "names", "ground", "needed"),
    [
        ("sigmoid", 3, (), None, True),
        ("sigmoid", 2, ("disc", "cup"), None, True),
        ("sigmoid", 2, ("background", "cup"), None, False),
        ("sigmoid", 3, (), 0, False),
        ("sigmoid", 1, (), None, False),
        ("softmax", 3, (), None, False),
        ("none", 3, (), None, False),
    ],
)
def test_channels_with_a_sigmoid_each_have_no_ground_unless_one_is_said_to_be(
    activation, count, names, ground, needed
):
    words = Postprocessing(activation=activation, classes=names, ground=ground)
    assert needs_ground(words, count, names) is needed


def test_what_no_class_claims_is_the_rest_of_the_largest():
    found = with_ground(torch.tensor([[[0.25, 0.75]], [[0.5, 0.125]]]))
    assert found.tolist() == [[[0.5, 0.25]], [[0.25, 0.75]], [[0.5, 0.125]]]


def random_picture(width, height):
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def segmenter(**words):
    network = randomised(UNet(UNetConfig.standard(width=2, classes=3)))
    return Segmenter(
        network=network,
        spec=SegmentationSpec(
            preprocessing=Preprocessing(resize="none"), postprocessing=Postprocessing(**words)
        ),
        detection=detect(network.state_dict()),
        device=torch.device("cpu"),
        max_side=256,
        memory_megabytes=4096,
    )


ORGANS = ("liver", "spleen", "kidney")


def test_the_foreground_of_classes_that_overlap_is_their_union_at_every_threshold():
    organs = segmenter(activation="sigmoid", classes=ORGANS)
    prediction = organs.predict(random_picture(48, 32))
    assert prediction.class_names == ("none", *ORGANS)
    assert (organs.class_count, organs.background) == (4, 0)
    alone = prediction.probabilities[1:]
    for k in (100, 128, 150):
        # In float32 1 - (1 - p) is p within rounding, which may fall on either side.
        sure = np.abs(alone - k / 256).min(axis=0) > 1e-6
        union = (alone >= k / 256).any(axis=0)
        assert np.array_equal(prediction.mask(k / 256)[sure], union[sure])
    labels = prediction.labels
    winner = np.where(alone.max(axis=0) > 0.5, alone.argmax(axis=0) + 1, 0)
    sure = np.abs(alone.max(axis=0) - 0.5) > 1e-6
    assert np.array_equal(labels[sure], winner[sure])


def test_where_several_classes_claim_pixels_a_notice_says_how_many():
    prediction = segmenter(activation="sigmoid", classes=ORGANS).predict(random_picture(48, 32))
    claimed = (prediction.probabilities[1:] >= 0.5).sum(axis=0)
    assert prediction.overlap == np.mean(claimed > 1)
    several = replace(prediction, probabilities=np.full((4, 2, 2), 0.75, np.float32))
    assert "100.0% of the pixels" in several.notices[0].message()
    apart = replace(several, probabilities=np.full((4, 2, 2), 0.25, np.float32))
    assert not apart.notices


def test_a_person_can_say_which_channel_is_the_ground():
    overlapping = segmenter(activation="sigmoid", classes=ORGANS)
    chosen = overlapping.with_overrides({"postprocessing": {"ground": 2}})
    assert (chosen.class_count, chosen.background, chosen.class_names) == (3, 2, ORGANS)
    picture = random_picture(48, 32)
    found = chosen.predict(picture)
    assert np.array_equal(found.foreground, 1 - found.probabilities[2])
    compete = segmenter(activation="softmax", classes=ORGANS)
    assert compete.background == 0
    assert compete.with_overrides({"postprocessing": {"ground": 1}}).background == 1

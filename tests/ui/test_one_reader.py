"""One file is one answer: the page, programs, a batch and fine-tuning read a mask the same."""

import numpy as np
import pytest
from PIL import Image

from segdemo.architectures import SizeRequirements
from segdemo.batch import Network, Run, gather, match
from segdemo.errors import SegdemoError
from segdemo.images.masks import VOID, decode_truth
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.spec import Preprocessing
from segdemo.training.labelling import MOST_CLASSES, Labelling
from segdemo.training.pairs import find_pairs
from segdemo.training.samples import InputRules, Samples
from segdemo.ui.api_truth import truth_facts
from segdemo.ui.handlers import Handlers
from segdemo.ui.shelf import Shelf
from segdemo.ui.viewer.truth_file import told
from tests.images.test_mask_readings import CASES
from tests.ui.conftest import save_unet
from tests.ui.hub_fakes import FakeHub


@pytest.fixture(scope="module")
def settings():
    return Settings(device="cpu", max_megapixels=1)


@pytest.fixture(scope="module")
def handlers(settings):
    return Handlers(
        settings=settings,
        predictor=Pool(settings),
        shelf=Shelf(lambda: []),
        hub=FakeHub().access,
        examples=(),
    )


def endings(name):
    return name.replace(" ", "_").replace(",", "").replace("'", "") + ".mask"


def test_the_page_and_fine_tuning_read_every_mask_as_programs_do(handlers, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    differing = []
    for name, (content, _, reading) in CASES.items():
        path = tmp_path / endings(name)
        path.write_bytes(content)
        mask = decode_truth(content, max_megapixels=1)
        page, _ = told(lambda p=path, m=mask: handlers.truth(p, m.size), mask.size)
        with Image.open(page.labels.file.path) as shown:
            same = [np.array_equal(np.asarray(shown), mask.labels)]
        if max(mask.numbers) < MOST_CLASSES:
            labelling = Labelling.of([path], max_megapixels=1)
            trained = labelling.labels(labelling.mask(path))
            wanted = mask.labels if labelling.thing is None else mask.foreground()
            same.append(np.array_equal(trained, wanted))
        same.append(truth_facts(handlers.truth(path, mask.size))["reading"] == reading)
        same.append(page.notices == tuple(notice.message() for notice in mask.notices))
        if not all(same):
            differing.append((name, same))
    assert not differing


def test_a_mask_on_the_stored_pixels_of_a_turned_photo_fits_everywhere(
    handlers, settings, tmp_path
):
    upright = np.zeros((48, 64), bool)
    upright[8:20, 5:40] = True
    exif = Image.Exif()
    exif[0x0112] = 6
    for folder in ("photos", "drawn"):
        (tmp_path / folder).mkdir()
    stored = np.ascontiguousarray(np.rot90(upright)).astype(np.uint8) * 255
    for number in range(2):
        Image.fromarray(stored).convert("RGB").save(
            tmp_path / f"photos/{number}.jpg", exif=exif, quality=95
        )
        Image.fromarray(stored).save(tmp_path / f"drawn/{number}.png")
    photo, drawn = tmp_path / "photos/0.jpg", tmp_path / "drawn/0.png"
    decoded, _ = handlers.decoded(photo)
    truth = handlers.truth(drawn, decoded.image.size, beside=decoded)
    np.testing.assert_array_equal(truth.labels, upright)
    pairs = find_pairs(tmp_path / "photos", tmp_path / "drawn")
    labelling = Labelling.of([pair.mask for pair in pairs], max_megapixels=1)
    rules = InputRules(
        preprocessing=Preprocessing(),
        requirements=SizeRequirements(),
        in_channels=3,
        max_side=512,
        max_megapixels=1,
    )
    np.testing.assert_array_equal(Samples(pairs, labelling, rules)[0].labels, upright)


def run_of(tmp_path, settings, masks):
    """A run of one small network over even pictures, each with its mask."""
    for folder in ("pictures", "masks", "kept"):
        (tmp_path / folder).mkdir()
    save_unet(tmp_path / "net.safetensors", title="Net")
    for number, mask in enumerate(masks):
        height, width = mask.shape
        Image.new("RGB", (width, height), "navy").save(tmp_path / f"pictures/{number}.png")
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / f"masks/{number}.png")
    pictures, drawn = (
        gather(sorted((tmp_path / folder).iterdir()), limit=10**6)
        for folder in ("pictures", "masks")
    )
    return Run(
        predictor=Pool(settings),
        networks=(Network(title="net", path=tmp_path / "net.safetensors"),),
        pairs=match(pictures, drawn),
        folder=tmp_path / "kept",
        measured_size=lambda size: size,
        known=lambda error: error if isinstance(error, SegdemoError) else SegdemoError("api_pick"),
        max_bytes=10**6,
        max_megapixels=1,
    )


def positives(outcome):
    curve = outcome.tables.curves[0]
    return int(curve.true_positives[0]), int(curve.true_negatives[256])


def test_a_batch_is_read_as_one_data_set(tmp_path, settings):
    half = np.zeros((32, 40), int)
    half[:, :20] = 1
    # Alone, the second is ground and thing; beside the first it has a thing and void.
    first = np.where(half == 1, 1, np.where(np.arange(40) > 30, VOID, 0))
    second = np.where(half == 1, VOID, 0)
    run = run_of(tmp_path, settings, [first, second])
    outcomes = list(run.outcomes())
    assert [positives(one) for one in outcomes] == [(32 * 20, 32 * 11), (0, 32 * 20)]
    alone = decode_truth((tmp_path / "masks/1.png").read_bytes(), max_megapixels=1)
    assert set(alone.numbers) == {0, 1}


def test_what_was_decided_about_all_masks_of_a_batch_is_told_once(tmp_path, settings):
    classes = np.repeat([[0, 85, 170, 255]], 32, axis=0).repeat(10, axis=1)
    outcomes = list(run_of(tmp_path, settings, [classes, classes, classes]).outcomes())
    keys = [[notice.key for notice in one.truth_notices] for one in outcomes]
    assert keys == [["truth_greys"], [], []]


def test_masks_of_a_batch_that_are_none_fail_alone(tmp_path, settings):
    noise = np.random.default_rng(0).integers(0, 256, (32, 40))
    (outcome,) = run_of(tmp_path, settings, [noise]).outcomes()
    assert outcome.truth_failure.key == "truth_photograph"
    assert outcome.tables is not None

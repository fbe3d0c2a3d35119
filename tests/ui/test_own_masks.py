"""A network's own mask as truth: a perfect score, or the notice that names the reading for it."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from gradio.utils import get_upload_folder
from PIL import Image

from segdemo import ui
from segdemo.catalog import SHIPPED_FOLDER, shipped
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.ui.api import Programs
from segdemo.ui.handlers import Handlers
from segdemo.ui.shelf import Shelf
from tests.ui.hub_fakes import FakeHub

# The smallest file of each task, with the picture of the page that is its own.
BINARY = {
    "nuclei_unet_bilinear": "cell.png",
    "nuclei_tiny8": "nuclei.png",
    "vessels_u2net_lite": "retina.jpg",
    "objects_u2net_lite": "cell.png",
}
CLASSES = {"scene_fcn32s": "street.png"}
SIZE = (112, 80)
PERFECT = 0.9995


@pytest.fixture(scope="module")
def programs():
    settings = Settings(device="cpu", max_megapixels=1)
    wanted = {*BINARY, *CLASSES}
    entries = [entry for entry in shipped(SHIPPED_FOLDER) if entry.path.stem in wanted]
    return Programs(
        Handlers(
            settings=settings,
            predictor=Pool(settings),
            shelf=Shelf(lambda: entries),
            hub=FakeHub().access,
            examples=(),
        )
    )


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return Path(get_upload_folder())


def png(array):
    return written(array if isinstance(array, Image.Image) else Image.fromarray(array), "PNG")


def written(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def u8(array):
    return np.asarray(array).astype(np.uint8)


def blocks(mask, highest):
    """Numbers of objects: the mask cut into squares of 4 pixels, counted."""
    rows, columns = np.indices(mask.shape) // 4
    numbers = (rows * (mask.shape[1] // 4 + 1) + columns) % highest + 1
    return np.where(mask, numbers, 0)


def rgb(mask, ground, thing):
    return np.where(mask[..., None], thing, ground).astype(np.uint8)


def encodings(mask):
    """A mask (H, W) of True and False as data sets store one: name -> bytes."""
    white, one = u8(mask * 255), u8(mask)
    opaque = np.full(mask.shape, 255)
    border = np.where(np.arange(mask.shape[1]) < 3, 0, 255)[None].repeat(len(mask), 0)
    return {
        "0 and 255": png(white),
        "0 and 1": png(one),
        "1 bit": png(Image.fromarray(mask)),
        "labels from 1": png(one + 1),
        "inverse": png(255 - white),
        "ground 255, thing 128": png(u8(255 - mask * 127)),
        "ground 255, thing 0": png(u8(np.where(mask, 0, 255))),
        "0 and 127": png(u8(mask * 127)),
        "void 250 at the edge": png(np.pad(one, 1, constant_values=250)[1:-1, 1:-1]),
        "objects": png(u8(blocks(mask, 250))),
        "many objects": tiff(blocks(mask, 60_000).astype(np.uint16)),
        "True and False": tiff(mask),
        "white is zero": tiff(one.astype(np.uint16), photometric="miniswhite"),
        "int8": tiff((mask * 255.0 - 128).astype(np.int8)),
        "int64": tiff(mask.astype(np.int64)),
        "float64": tiff(mask.astype(np.float64)),
        "65535": tiff(white.astype(np.uint16) * 257),
        "red on black": png(rgb(mask, (0, 0, 0), (255, 0, 0))),
        "red on white": png(rgb(mask, (255, 255, 255), (255, 0, 0))),
        "viridis": png(rgb(mask, (68, 1, 84), (253, 231, 37))),
        "RGBA": png(u8(np.dstack([white, white, white, opaque]))),
        "a transparent border": png(
            u8(np.dstack([white, white, white, np.maximum(border, white)]))
        ),
        "an overlay": png(u8(np.dstack([opaque, opaque, opaque, mask * 100]))),
        "on its side": png(np.ascontiguousarray(np.rot90(white, 2))),
        "mirrored": png(np.ascontiguousarray(white[:, ::-1])),
        "the second page": tiff(np.stack([one * 0, one]), photometric="minisblack"),
        "a channel for each": npy(np.stack([1 - one, one])),
        "the last axis for each": npy(np.dstack([~mask, mask])),
        "probabilities of both": npy(np.stack([~mask, mask]) * np.float32(0.98) + np.float32(0.01)),
        "one array of several": npz(image=white, mask=mask),
        "all bits": tiff(-mask.astype(np.int16)),
        "NaN around": tiff(np.where(mask, 1, np.nan).astype(np.float32)),
        "two colours": png(rgb(mask, (100, 120, 140), (140, 120, 100))),
        "a quarter turn": png(np.ascontiguousarray(np.rot90(white))),
        "transposed": png(np.ascontiguousarray(white.T)),
    }


def class_encodings(labels):
    """Class numbers (H, W), 0 among them, as data sets store them: name -> bytes."""
    table = np.array(
        [[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in CLASS_PALETTES["voc"]]
    )
    one_hot = np.eye(labels.max() + 1)[labels]
    indexed = Image.fromarray(u8(labels))
    indexed.putpalette(table.ravel().tolist())
    return {
        "labels": png(u8(labels)),
        "a palette": png(indexed),
        "colours of VOC": png(u8(table[labels])),
        "from 1, 0 says nothing": png(u8(np.pad(labels + 1, 1)[1:-1, 1:-1])),
        "times 40": png(u8(labels * 40)),
        "int64": tiff(labels.astype(np.int64)),
        "float64": tiff(labels.astype(np.float64)),
        "mirrored": png(np.ascontiguousarray(u8(labels)[:, ::-1])),
        "a channel for each": npy(one_hot.transpose(2, 0, 1).astype(np.uint8)),
        "the last axis for each": npy(one_hot),
        "a page for each": tiff(u8(one_hot.transpose(2, 0, 1)), photometric="minisblack"),
        "probabilities": npy(np.float32(0.9) * one_hot + np.float32(0.1 / one_hot.shape[2])),
        "a quarter turn": png(np.ascontiguousarray(np.rot90(u8(labels)))),
    }


def uploaded(folder, name, content):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return {"path": str(folder / name)}


def picture_of(name, folder):
    with Image.open(Path(ui.__file__).parent / "examples" / name) as picture:
        small = picture.convert("RGB").resize(SIZE)
    return uploaded(folder, "picture.png", png(small))


def scored(programs, picture, checkpoint, truth, pick):
    """The score as the mask is read, and the best of the readings that the notices name."""
    told = programs.compare(picture, [checkpoint], 0.5, truth)
    assert told["answers"][0]["error"] is None
    best = pick(told["answers"][0])
    for reading in re.findall(r'[Rr]ead (?:the mask )?as "([^"]+)"', " ".join(told["notices"])):
        again = programs.compare(picture, [checkpoint], 0.5, truth, reading)
        best = max(best, pick(again["answers"][0]))
    return best


def ids(programs, stem):
    return next(entry.id for entry in programs._handlers.shelf.entries() if entry.path.stem == stem)


@pytest.mark.parametrize("stem", BINARY)
def test_the_own_mask_of_a_network_is_right(programs, uploads, stem):
    picture, checkpoint = picture_of(BINARY[stem], uploads), ids(programs, stem)
    answer = programs.compare(picture, [checkpoint], 0.5)["answers"][0]
    with Image.open(answer["mask"]["path"]) as drawn:
        mask = np.asarray(drawn) == 255
    assert 0 < mask.mean() < 1
    wrong = {}
    for name, content in encodings(mask).items():
        truth = uploaded(uploads, "truth", content)
        dice = scored(programs, picture, checkpoint, truth, lambda one: one["scores"]["dice"])
        if dice < PERFECT:
            wrong[name] = dice
    assert not wrong


@pytest.mark.parametrize("stem", CLASSES)
def test_the_own_classes_of_a_network_are_right(programs, uploads, stem):
    picture, checkpoint = picture_of(CLASSES[stem], uploads), ids(programs, stem)
    _, mask, _ = programs.segment(picture, checkpoint, 0.5, "all")
    with Image.open(mask["path"]) as drawn:
        labels = np.asarray(drawn).astype(int)
    assert len(np.unique(labels)) > 2
    wrong = {}
    for name, content in class_encodings(labels).items():
        truth = uploaded(uploads, "truth", content)
        score = scored(
            programs,
            picture,
            checkpoint,
            truth,
            lambda one: (one["class_scores"] or {"mean_iou": 0})["mean_iou"],
        )
        if score < PERFECT:
            wrong[name] = score
    assert not wrong

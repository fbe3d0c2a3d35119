"""Fine-tuning: better on pictures never seen, the same again, and a sentence for every mistake."""

import json
from dataclasses import replace

import leaves
import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from PIL import Image
from safetensors.torch import load_file, save_file
from small_configs import CONFIGS

import segdemo
from segdemo.architectures import ARCHITECTURES
from segdemo.catalog import SHIPPED_FOLDER
from segdemo.checkpoints import detect, read_metadata
from segdemo.errors import TrainingError
from segdemo.metrics.accumulated import BinaryScores
from segdemo.settings import Settings
from segdemo.training.finetune import Listener, Request, finetune
from segdemo.training.start import continued, fresh
from tests.table import every

SIDE = 48
BY_ID = {architecture.id: architecture for architecture in ARCHITECTURES}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return leaves.write(tmp_path_factory.mktemp("pairs"), 8, seed=1, side=SIDE)


@pytest.fixture
def request_for(tmp_path, folders):
    def make(checkpoint=None, **changes):
        checkpoint = checkpoint or write_checkpoint(tmp_path / "net.safetensors")
        asked = {"images": folders[0], "masks": folders[1], "steps": 4, "device": "cpu"}
        asked["out"] = tmp_path / "out.safetensors"
        return Request(checkpoint=checkpoint, **{**asked, **changes})

    return make


def run(request, **listener):
    return finetune(request, Settings(), Listener(**listener))


def started(path, architecture, seed=0):
    network = fresh(BY_ID[architecture], CONFIGS[architecture], seed)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path


def iou_on(path, pictures):
    segmenter, counted = segdemo.load(path, device="cpu"), BinaryScores()
    for picture, mask in pictures:
        found = segmenter.predict(Image.fromarray(picture)).probabilities
        counted.add(found, mask.astype(np.uint8))
    return counted.best


def test_twenty_pictures_teach_a_task_that_the_checkpoint_does_not_know(tmp_path):
    images, masks = leaves.write(tmp_path, 20, seed=2, side=64)
    rng = np.random.default_rng(3)
    unseen = [leaves.draw(rng, 64) for _ in range(20)]
    checkpoint = SHIPPED_FOLDER / "nuclei_tiny8.safetensors"
    request = Request(
        checkpoint=checkpoint,
        images=images,
        masks=masks,
        out=tmp_path / "out.safetensors",
        steps=60,
        device="cpu",
    )
    result = run(request)
    assert result.after["iou"] > result.before["iou"] + 0.2
    assert iou_on(request.out, unseen) > iou_on(checkpoint, unseen) + 0.2


@every("architecture", CONFIGS)
def test_every_architecture_is_trained_and_read_back(architecture, tmp_path, request_for):
    checkpoint = started(tmp_path / "net.safetensors", architecture)
    request = request_for(checkpoint, steps=2, out=tmp_path / "out.safetensors")
    run(request)
    segmenter = segdemo.load(request.out, device="cpu")
    assert segmenter.detection.architecture.id == architecture
    assert segmenter.spec.postprocessing.classes == ("leaves",)
    assert np.isfinite(segmenter.predict(Image.new("RGB", (50, 40))).probabilities).all()


def test_all_architectures_are_tried():
    assert CONFIGS.keys() == BY_ID.keys()


def test_a_decoder_that_so_few_classes_cannot_have_is_left_out(tmp_path):
    detection = detect(load_file(started(tmp_path / "net.safetensors", "espnet")))
    network, config = continued(detection, 1, seed=1)
    assert (detection.config.decoder, config.decoder) == (True, False)
    weights = network.state_dict()
    assert weights.pop("score8.weight").shape == (1, 10, 1, 1)
    changed = [key for key in weights if not torch.equal(weights[key], detection.tensors[key])]
    assert changed == []


def test_a_network_without_padding_learns_what_lies_under_its_output(tmp_path, request_for):
    checkpoint = write_checkpoint(
        tmp_path / "net.safetensors", words={"assume": "unet_unpadded"}, bias=True
    )
    request = request_for(checkpoint, steps=2)
    run(request)
    assert segdemo.load(request.out, device="cpu").detection.id == "unet_unpadded"


def test_the_same_request_gives_the_same_file(request_for):
    first = request_for()
    run(first)
    content = first.out.read_bytes()
    first.out.unlink()
    run(first)
    assert weights(first.out.read_bytes()) == weights(content)


def weights(content):
    """The tensors of a safetensors file; what it says of itself has minutes in it."""
    return content[8 + int.from_bytes(content[:8], "little") :]


def test_a_run_that_was_stopped_goes_on_to_the_same_end(request_for, tmp_path):
    whole = request_for(steps=6)
    run(whole)
    parts = replace(whole, out=tmp_path / "parts.safetensors")
    stopped = run(parts, stops=lambda step: step == 3)
    assert (stopped.finished, stopped.steps) == (False, 3)
    assert not parts.out.exists()
    steps = []
    assert run(parts, step=lambda step, steps_, loss: steps.append(step)).finished
    assert steps == [4, 5, 6]
    assert weights(parts.out.read_bytes()) == weights(whole.out.read_bytes())
    assert {path.name for path in tmp_path.iterdir()} >= {"out.safetensors", "parts.safetensors"}
    assert not list(tmp_path.glob("*.unfinished")) + list(tmp_path.glob("*.part"))


def test_a_stopped_run_is_not_continued_with_other_pictures(request_for, tmp_path):
    request = request_for()
    run(request, stops=lambda step: step == 2)
    other = leaves.write(tmp_path / "other", 8, seed=9, side=SIDE)
    steps = []
    changed = replace(request, images=other[0], masks=other[1])
    run(changed, step=lambda step, steps_, loss: steps.append(step))
    assert steps[0] == 1


def test_minutes_decide_the_number_of_steps(request_for):
    begun = []
    run(request_for(minutes=1e-6), began=begun.append)
    assert begun[0].steps == 20


def test_a_run_ends_when_the_pictures_kept_aside_stop_getting_better(request_for, monkeypatch):
    monkeypatch.setattr("segdemo.training.finetune._LEARNING_RATE", 0.0)
    result = run(request_for(steps=40))
    assert result.steps < 40
    assert result.best_step == 2


def test_the_file_says_what_it_is(request_for, tmp_path):
    words = {
        "title": "Old",
        "licence": "MIT",
        "scores": {"iou": 1.0},
        "preprocessing": {"mean": [0.5], "std": [0.25]},
    }
    request = request_for(write_checkpoint(tmp_path / "net.safetensors", words=words))
    result = run(request)
    written = segdemo.load(request.out, device="cpu")
    assert written.spec.preprocessing.mean == (0.5,)
    assert written.spec.postprocessing.activation == "sigmoid"
    facts = json.loads(read_metadata(request.out)["segdemo"])
    assert (facts["title"], facts["based_on"]) == ("leaves · U-Net", "Old")
    assert facts["licence"] == "MIT"
    assert facts["scores"]["iou"] == result.after["iou"]
    assert request.out.stat().st_mode & 0o777 == 0o644


def three_classes(tmp_path, folders):
    """The left third of each mask becomes a class of its own."""
    target = tmp_path / "classes"
    target.mkdir()
    for path in folders[1].iterdir():
        values = np.asarray(Image.open(path).convert("L")) // 255
        values[:, : SIDE // 3] = 2
        Image.fromarray(values).save(target / path.name)
    return target


def test_masks_of_more_classes_get_a_head_of_their_own(request_for, tmp_path, folders):
    masks = three_classes(tmp_path, folders)
    begun = []
    request = request_for(masks=masks, classes=("ground", "leaf", "edge"))
    result = run(request, began=begun.append)
    assert begun[0].new_head
    assert result.before is None
    assert set(result.after["iou_by_class"]) <= {"ground", "leaf", "edge"}
    segmenter = segdemo.load(request.out, device="cpu")
    assert segmenter.spec.postprocessing.classes == ("ground", "leaf", "edge")
    assert segmenter.spec.postprocessing.activation == "softmax"
    assert len(segmenter.predict(Image.new("RGB", (40, 40))).probabilities) == 3


def test_ground_and_thing_may_stay_two_channels(request_for, tmp_path):
    request = request_for(write_checkpoint(tmp_path / "net.safetensors", classes=2))
    result = run(request)
    assert result.before is not None
    spec = segdemo.load(request.out, device="cpu").spec
    assert spec.postprocessing.classes == ("background", "leaves")
    assert spec.postprocessing.activation == "softmax"


def test_a_grey_network_is_trained_on_colour_pictures(request_for, tmp_path):
    request = request_for(write_checkpoint(tmp_path / "net.safetensors", in_channels=1))
    run(request)
    assert segdemo.load(request.out, device="cpu").detection.config.in_channels == 1


def refusal(request):
    with pytest.raises(TrainingError) as caught:
        run(request)
    assert not request.out.exists() or request.out.read_bytes() == b"there"
    return caught.value


def copies(tmp_path, folders):
    found = []
    for folder in folders:
        target = tmp_path / f"copy_{folder.name}"
        target.mkdir()
        for path in folder.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
        found.append(target)
    return found


def test_a_picture_that_cannot_be_read_is_named(request_for, tmp_path, folders):
    images, masks = copies(tmp_path, folders)
    (images / "003.jpg").write_bytes(b"\xff\xd8\xff nothing")
    error = refusal(request_for(images=images, masks=masks))
    assert error.key == "finetune_picture"
    assert "003.jpg" in str(error)


def test_sizes_that_differ_are_told(request_for, tmp_path, folders):
    images, masks = copies(tmp_path, folders)
    Image.new("L", (30, 20)).save(masks / "002.png")
    error = refusal(request_for(images=images, masks=masks))
    assert error.key == "finetune_sizes"
    assert "48 × 48" in str(error)
    assert "30 × 20" in str(error)


def test_names_have_to_be_as_many_as_classes(request_for):
    assert refusal(request_for(classes=("a", "b"))).key == "finetune_names"


def test_nothing_is_overwritten(request_for, tmp_path):
    (tmp_path / "there.safetensors").write_bytes(b"there")
    error = refusal(request_for(out=tmp_path / "there.safetensors"))
    assert error.key == "finetune_exists"


def test_only_safetensors_are_written(request_for, tmp_path):
    assert refusal(request_for(out=tmp_path / "a.pth")).key == "finetune_ending"


def test_a_place_that_cannot_be_written_is_told(request_for, tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out.safetensors"
    assert refusal(request_for(out=out)).key == "finetune_unwritable"


def test_a_network_of_five_channels_takes_no_pictures(request_for, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "net.safetensors", in_channels=5)
    assert refusal(request_for(checkpoint)).key == "finetune_channels"

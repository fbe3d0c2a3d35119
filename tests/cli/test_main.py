import json

import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from code_bases import TutorialUNet, randomised
from PIL import Image
from safetensors.torch import load_file, save_file

import segdemo
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.cli.main import main
from segdemo.images.decode import decode


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "net.safetensors"
    words = {
        "preprocessing": {"mean": [0.5]},
        "postprocessing": {"classes": ["thing"], "threshold": 0.25},
    }
    tensors = UNet(UNetConfig.standard(width=4, depth=2)).state_dict()
    save_file(tensors, path, metadata={"segdemo": json.dumps(words)})
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "gradient.png"
    Image.linear_gradient("L").resize((50, 40)).save(path)
    return path


def test_inspect_says_what_a_checkpoint_is(checkpoint, capsys):
    assert main(["inspect", str(checkpoint)]) == 0
    out = capsys.readouterr().out
    assert "U-Net (unet), width 4, transposed" in out
    assert "1 · thing" in out
    assert "0.5  (segdemo)" in out


def test_inspect_in_json_tells_who_decided_each_field(checkpoint, capsys):
    assert main(["inspect", str(checkpoint), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["architecture"] == "unet"
    assert facts["class_names"] == ["thing"]
    assert facts["spec"]["preprocessing.mean"] == {"value": [0.5], "origin": "segdemo"}
    assert facts["spec"]["preprocessing.divisor"] == {"value": 255.0, "origin": "default"}


def test_predict_writes_what_the_package_predicts(checkpoint, picture, tmp_path, capsys):
    folder = tmp_path / "out"
    assert main(["predict", str(picture), "-c", str(checkpoint), "--out", str(folder)]) == 0
    expected = segdemo.load(checkpoint).predict(decode(picture, max_megapixels=1)).mask(0.25)
    mask = np.asarray(Image.open(folder / "gradient.mask.png"))
    np.testing.assert_array_equal(mask > 0, expected)
    for kind in ("probability", "overlay", "cutout"):
        with Image.open(folder / f"gradient.{kind}.png") as written:
            assert written.size == (50, 40)
    assert "gradient.png" in capsys.readouterr().out


def test_predict_writes_the_class_of_every_pixel_where_there_are_several(tmp_path, picture):
    checkpoint = write_checkpoint(tmp_path / "several.safetensors", classes=4)
    assert main(["predict", str(picture), "-c", str(checkpoint), "--out", str(tmp_path)]) == 0
    prediction = segdemo.load(checkpoint).predict(decode(picture, max_megapixels=1))
    with Image.open(tmp_path / "gradient.labels.png") as written:
        assert written.mode == "P"
        np.testing.assert_array_equal(np.asarray(written), prediction.labels_at((50, 40)))
        assert written.getpalette()[3:6] == [0xE6, 0x9F, 0x00]


def test_a_bad_picture_is_one_line_and_the_others_are_written(
    checkpoint, picture, tmp_path, capsys
):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    folder = tmp_path / "out"
    pictures = [str(bad), str(picture)]
    assert main(["predict", *pictures, "-c", str(checkpoint), "--out", str(folder)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("segdemo: bad.png: ")
    assert (folder / "gradient.mask.png").exists()


def test_pictures_of_one_name_do_not_overwrite_each_other(checkpoint, picture, tmp_path):
    other = tmp_path / "other" / "gradient.png"
    other.parent.mkdir()
    Image.new("RGB", (30, 20)).save(other)
    folder = tmp_path / "out"
    main(["predict", str(picture), str(other), "-c", str(checkpoint), "--out", str(folder)])
    assert len(list(folder.rglob("*.mask.png"))) == 2


def test_a_bad_checkpoint_is_one_line(picture, capsys):
    assert main(["inspect", str(picture)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("threshold", ["0", "1", "1.5", "half"])
def test_a_threshold_out_of_range_is_a_misuse(checkpoint, picture, threshold):
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(picture), "-c", str(checkpoint), "-t", threshold])
    assert ended.value.code == 2


def test_export_writes_a_file_that_describes_itself(checkpoint, tmp_path, capsys):
    target = tmp_path / "new" / "net.safetensors"
    assert main(["export", str(checkpoint), "--to", str(target)]) == 0
    assert segdemo.load(target).spec == segdemo.load(checkpoint).spec
    assert "net.safetensors: U-Net" in capsys.readouterr().out


def test_export_keeps_the_names_of_the_code_base_on_request(tmp_path, capsys):
    network = randomised(TutorialUNet(), 0)
    path, kept, ours = (tmp_path / f"{name}.safetensors" for name in ("theirs", "kept", "ours"))
    torch.save({"state_dict": network.state_dict()}, path.with_suffix(".pth"))
    checkpoint = str(path.with_suffix(".pth"))
    assert main(["export", checkpoint, "--to", str(kept), "--names", "original"]) == 0
    assert capsys.readouterr().err == ""
    TutorialUNet().load_state_dict(load_file(kept))
    assert main(["export", checkpoint, "--to", str(ours)]) == 0
    assert "--names original" in capsys.readouterr().err
    assert load_file(ours).keys() != load_file(kept).keys()
    picture = torch.rand(1, 3, 32, 32)
    expected = segdemo.load(checkpoint, device="cpu").network(picture)
    for exported in (kept, ours):
        torch.testing.assert_close(segdemo.load(exported, device="cpu").network(picture), expected)


def test_what_only_a_graph_has_is_refused_of_tensors(checkpoint, tmp_path, capsys):
    target = str(tmp_path / "a.safetensors")
    for option in (["--fp16"], ["--output", "labels"]):
        assert main(["export", str(checkpoint), "--to", target, *option]) == 1
        assert ".onnx" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_export_refuses_other_endings_and_the_checkpoint_itself(checkpoint, name, capsys):
    before = checkpoint.read_bytes()
    assert main(["export", str(checkpoint), "--to", str(checkpoint.with_name(name))]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert checkpoint.read_bytes() == before

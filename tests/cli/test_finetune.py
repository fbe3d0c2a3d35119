"""The command: what it asks for, what it says, where the file goes."""

import csv
import os
import signal
from dataclasses import replace

import leaves
import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from PIL import Image

import segdemo
from segdemo.catalog import shipped
from segdemo.cli import finetune as finetuning
from segdemo.cli.main import main


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def arguments(tmp_path):
    images, masks = leaves.write(tmp_path, 5, seed=1, side=32)
    checkpoint = write_checkpoint(tmp_path / "net.safetensors")
    pairs = ["--images", str(images), "--masks", str(masks)]
    return ["finetune", "-c", str(checkpoint), *pairs, "--device", "cpu", "--steps", "4"]


def test_the_result_appears_in_the_page(arguments, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("SEGDEMO_WEIGHTS", str(folder))
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "4 pictures to train on, 1 kept aside" in out
    assert "before" in out
    assert f"Written to {folder / 'leaves_net.safetensors'}" in out
    assert "The page lists it: python app.py" in out
    (entry,) = shipped(folder)
    assert (entry.id, entry.title, entry.task) == ("leaves_net", "leaves · U-Net", "leaves")


def test_a_file_elsewhere_says_how_the_page_finds_it(arguments, tmp_path, capsys):
    assert main([*arguments, "--out", str(tmp_path / "a" / "b.safetensors")]) == 0
    assert f"SEGDEMO_WEIGHTS={tmp_path / 'a'} python app.py" in capsys.readouterr().out


def test_a_person_names_how_the_masks_are_read(arguments, tmp_path, capsys):
    for path in (tmp_path / "masks").iterdir():
        with Image.open(path) as mask:
            inverted = 255 - 255 * (np.asarray(mask.convert("L")) > 0)
        Image.fromarray(inverted.astype(np.uint8)).save(path)
    out = ["--out", str(tmp_path / "b.safetensors")]
    assert main([*arguments, *out, "--truth-reading", "sideways"]) == 1
    assert "sideways" in capsys.readouterr().err
    assert main([*arguments, *out, "--truth-reading", "inverse"]) == 0


def test_what_was_decided_about_the_masks_is_said(arguments, tmp_path, capsys):
    for path in (tmp_path / "masks").iterdir():
        with Image.open(path) as mask:
            counted = 1 + (np.asarray(mask.convert("L")) > 0)
        Image.fromarray(counted.astype(np.uint8)).save(path)
    assert main([*arguments, "--out", str(tmp_path / "b.safetensors")]) == 0
    assert "counted from 1" in capsys.readouterr().out


def test_ctrl_c_saves_the_run_and_the_same_command_goes_on(
    arguments, tmp_path, monkeypatch, capsys
):
    out = ["--out", str(tmp_path / "b.safetensors")]
    listener = finetuning._listener

    def pressing(say, asked, log):
        made = listener(say, asked, log)

        def stops(step):
            if step == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return made.stops(step)

        return replace(made, stops=stops)

    monkeypatch.setattr(finetuning, "_listener", pressing)
    before = signal.getsignal(signal.SIGINT)
    assert main([*arguments, *out]) == 130
    assert "Stopped after step 2" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(finetuning, "_listener", listener)
    assert main([*arguments, *out]) == 0
    said = capsys.readouterr().out
    assert "step 1 ·" not in said
    assert "step 4 ·" in said


def test_what_is_skipped_is_said_and_the_run_leaves_a_table(arguments, tmp_path, capsys):
    (tmp_path / "masks" / "000.png").unlink()
    (tmp_path / "masks" / "lost.png").write_bytes(b"")
    assert main([*arguments, "--out", str(tmp_path / "b.safetensors")]) == 0
    out = capsys.readouterr().out
    assert "1 pictures without a mask of their name are left out: 000.jpg" in out
    assert "1 masks without a picture of their name are left out: lost.png" in out
    with (tmp_path / "b.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert all(0 <= float(row["score"]) <= float(row["best"]) for row in rows)
    assert all(float(row["loss"]) > 0 for row in rows)


def test_folders_of_ones_own_may_judge(arguments, tmp_path, capsys):
    images, masks = leaves.write(tmp_path / "other", 1, seed=2, side=32)
    judge = ["--validation-images", str(images), "--validation-masks", str(masks)]
    assert main([*arguments, *judge, "--out", str(tmp_path / "b.safetensors")]) == 0
    assert "5 pictures to train on, 1 kept aside" in capsys.readouterr().out
    assert main([*arguments, *judge[:2], "--out", str(tmp_path / "c.safetensors")]) == 1
    assert "Give both" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--binary", "--instances"])
def test_objects_that_are_numbered_are_one_thing_where_a_person_says_so(arguments, tmp_path, flag):
    for path in (tmp_path / "masks").iterdir():
        with Image.open(path) as mask:
            covered = np.asarray(mask.convert("L")) > 0
        numbers = (1 + np.arange(covered.size).reshape(covered.shape) // 100 % 12) * covered
        Image.fromarray(numbers.astype(np.uint8)).save(path)
    out = tmp_path / "b.safetensors"
    assert main([*arguments, flag, "--out", str(out)]) == 0
    assert segdemo.load(out).detection.config.classes == 1


def test_a_mistake_is_one_line(arguments, tmp_path, capsys):
    assert main([*arguments, "--masks", str(tmp_path / "absent")]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert "absent" in errors[0]


@pytest.mark.parametrize(
    "misuse",
    [["--steps", "0"], ["--steps", "many"], ["--minutes", "inf"], ["--seed", "-1"]],
)
def test_numbers_out_of_range_are_a_misuse(arguments, misuse):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *misuse])
    assert ended.value.code == 2


def test_a_result_that_is_no_better_says_so():
    result = finetuning.Result(
        finished=True, steps=4, best_step=2, before={"iou": 0.5}, after={"iou": 0.5}, seconds=1.0
    )
    assert "no better" in list(finetuning._table(result))[-1]

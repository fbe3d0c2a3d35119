"""The command for thousands of pictures: what it writes, says, leaves alone and survives."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checkpoint_files import write_checkpoint
from PIL import Image

import segdemo
from segdemo.cli.main import main
from segdemo.cli.progress import Progress, duration
from segdemo.inference.maps import quantise
from segdemo.strings import text
from tests.table import every


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two binary checkpoints, one of four classes, and pictures of one name."""
    folder = tmp_path_factory.mktemp("predict")
    write_checkpoint(folder / "a.safetensors", words={"postprocessing": {"threshold": 0.3}})
    write_checkpoint(folder / "b.safetensors", seed=1)
    write_checkpoint(folder / "four.safetensors", classes=4)
    for number, place in enumerate(("p1", "p2")):
        (folder / place).mkdir()
        noise = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / place / "1.png")
    return folder


@pytest.fixture
def predict(folder, tmp_path, capsys):
    """Runs the command on the two pictures; exit code, lines, complaints, and the files."""

    def run(*options, checkpoint="a", pictures=("p1", "p2")):
        named = [str(folder / name) for name in pictures]
        given = ["-c", str(folder / f"{checkpoint}.safetensors"), "--out", str(tmp_path / "out")]
        code = main(["predict", *named, *given, *options])
        said = capsys.readouterr()
        out = tmp_path / "out"
        files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
        return code, said.out.splitlines(), said.err.splitlines(), files

    return run


def test_two_pictures_of_one_name_keep_their_folders(predict):
    code, lines, _, files = predict("--only", "mask")
    assert (code, files) == (0, ["p1/1.mask.png", "p2/1.mask.png"])
    assert len(lines) == 2


def test_probabilities_have_16_bits_and_the_mask_is_cut_in_steps_of_256(predict, folder, tmp_path):
    predict("-t", "0.7")
    with Image.open(folder / "p1" / "1.png") as picture:
        prediction = segdemo.load(folder / "a.safetensors").predict(picture)
    expected = prediction.foreground_at((24, 20))
    with Image.open(tmp_path / "out" / "p1" / "1.probability.png") as read:
        assert read.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(read) // 256, quantise(expected))
    with Image.open(tmp_path / "out" / "p1" / "1.mask.png") as read:
        np.testing.assert_array_equal(np.asarray(read) > 0, quantise(expected) >= 179)
    np.testing.assert_array_equal(prediction.mask(0.7), quantise(expected) >= 179)


def test_several_checkpoints_each_have_a_folder(predict, folder):
    other = str(folder / "b.safetensors")
    _, lines, _, files = predict("-c", other, "--only", "mask")
    assert files == [f"{name}/{place}/1.mask.png" for name in "ab" for place in ("p1", "p2")]
    assert "1.png · b:" in lines[1]


def test_a_line_of_json_has_all_that_is_known(predict, tmp_path):
    code, lines, _, _ = predict("--jsonl", checkpoint="four", pictures=("p1",))
    (record,) = map(json.loads, lines)
    assert code == 0
    assert record["checkpoint"] == "four"
    assert (record["width"], record["height"]) == (24, 20)
    assert (record["reduced"], record["parts"], record["notices"]) == (False, 1, [])
    assert sum(one["share"] for one in record["classes"]) == pytest.approx(1)
    assert record["files"]["labels"] == str(tmp_path / "out" / "1.labels.png")
    assert record["threshold"] == 0.5


def test_the_own_threshold_of_a_checkpoint_holds_where_none_is_given(predict):
    _, lines, _, _ = predict("--jsonl", "--only", "mask", pictures=("p1",))
    assert json.loads(lines[0])["threshold"] == 77 / 256


def test_the_overlay_of_several_classes_has_each_in_its_colour(predict, folder, tmp_path):
    predict("--only", "overlay,labels", checkpoint="four", pictures=("p1",))
    with Image.open(tmp_path / "out" / "1.labels.png") as read:
        labels, colours = np.asarray(read), np.array(read.getpalette()).reshape(-1, 3)
    with Image.open(folder / "p1" / "1.png") as picture:
        pixels = np.asarray(picture).astype(float)
    with Image.open(tmp_path / "out" / "1.overlay.png") as read:
        overlay = np.asarray(read)
    expected = np.where(labels[..., None] > 0, 0.4 * pixels + 0.6 * colours[labels], pixels)
    assert len(np.unique(labels)) > 1
    assert np.abs(overlay - expected).max() <= 1


def test_what_is_there_is_left_alone(predict, tmp_path):
    predict("--only", "mask")
    kept = tmp_path / "out" / "p1" / "1.mask.png"
    kept.write_bytes(b"kept")
    (tmp_path / "out" / "p2" / "1.mask.png").unlink()
    _, lines, _, files = predict("--only", "mask", "--skip-existing", "--jsonl")
    assert kept.read_bytes() == b"kept"
    assert [json.loads(line).get("skipped", False) for line in lines] == [True, False]
    assert len(files) == 2


def test_shards_are_parts_of_the_whole_with_the_names_of_the_whole(predict):
    _, first, _, files = predict("--shard", "1/2", "--only", "mask")
    assert files == ["p1/1.mask.png"]
    _, second, _, files = predict("--shard", "2/2", "--only", "mask")
    assert files == ["p1/1.mask.png", "p2/1.mask.png"]
    assert len(first) == len(second) == 1


def test_more_jobs_write_the_same(predict, tmp_path):
    def contents():
        return {p.name + p.parent.name: p.read_bytes() for p in (tmp_path / "out").rglob("*.png")}

    predict("--jobs", "1")
    alone = contents()
    predict("--jobs", "3")
    assert contents() == alone
    assert len(alone) == 8


def test_bad_pictures_are_told_and_counted(predict, folder, tmp_path):
    for name in ("bad.png", "worse.png"):
        (tmp_path / name).write_bytes(b"none")
    bad = (str(tmp_path / "bad.png"), str(tmp_path / "worse.png"), str(tmp_path / "absent.png"))
    code, lines, errors, files = predict("--jsonl", "--only", "mask", pictures=(*bad, "p1"))
    assert code == 1
    assert ["error" in json.loads(line) for line in lines] == [True, True, True, False]
    assert len(errors) == 4
    assert "3 of 4 failed" in errors[-1]
    assert len(files) == 1


def test_outputs_beside_the_pictures_are_not_taken_for_pictures(predict, folder, tmp_path, capsys):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "1.png").write_bytes((folder / "p1" / "1.png").read_bytes())
    here = str(tmp_path / "here")
    main(["predict", here, "-c", str(folder / "a.safetensors"), "--out", here])
    capsys.readouterr()
    _, lines, errors, _ = predict(pictures=(here,))
    assert len(lines) == 1
    assert "4 files that an earlier run wrote" in errors[0]


def test_a_list_may_name_the_pictures(predict, folder, tmp_path):
    (tmp_path / "list.txt").write_text(f"{folder / 'p1'}\n# no more\n", encoding="utf-8")
    _, lines, _, _ = predict("--list", str(tmp_path / "list.txt"), pictures=())
    assert len(lines) == 1


@every(
    "misuse",
    [
        *(("--only", "masks"), ("--only", ","), ("--shard", "3/2"), ("--shard", "1")),
        *(("--jobs", "0"), ("--jobs", "many"), ("-t", "nan")),
    ],
)
def test_a_misuse_ends_with_2_and_a_sentence(misuse, folder):
    checkpoint = str(folder / "a.safetensors")
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(folder / "p1"), "-c", checkpoint, *misuse])
    assert ended.value.code == 2


def test_a_file_in_place_of_the_folder_is_one_sentence(folder, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    arguments = ["-c", str(folder / "a.safetensors"), "--out", str(tmp_path / "file")]
    assert main(["predict", str(folder / "p1"), *arguments]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert "is a file, and outputs need a folder" in error


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "segdemo", *arguments],
        cwd=Path(segdemo.__file__).parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
def test_output_that_nobody_reads_any_longer_is_no_traceback(folder, tmp_path):
    pictures = [str(folder / "p1"), str(folder / "p2")]
    given = ["-c", str(folder / "a.safetensors"), "--out", str(tmp_path), "--jsonl"]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe, command("predict", *pictures, *given, stdout=pipe) as run:
        error = run.communicate()[1]
    assert (run.returncode, error) == (141, "")


@pytest.mark.slow
def test_ctrl_c_is_one_sentence_and_leaves_no_half_file(folder, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(60):
        Image.effect_noise((500, 500), 50).convert("RGB").save(pictures / f"{number}.png")
    given = ["-c", str(folder / "a.safetensors"), "--out", str(tmp_path / "out"), "--jsonl"]
    with command("predict", str(pictures), *given, stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        run.send_signal(signal.SIGINT)
        error = run.communicate()[1]
    assert run.returncode == 130
    assert error.splitlines() == [f"segdemo: {text('cli_stopped')}"]
    for path in (tmp_path / "out").rglob("*"):
        with Image.open(path) as image:
            image.load()


def test_progress_tells_the_rest_by_what_took_time():
    progress = Progress(10)
    progress.step(worked=False)
    progress.step()
    progress.step()
    assert "3 of 10" in progress.line(4.0)
    assert "0.5 a second" in progress.line(4.0)
    assert "0:14 left" in progress.line(4.0)


@every(("seconds", "shown"), [(7, "0:07"), (750, "12:30"), (11100, "3:05:00")])
def test_a_duration_is_read_as_on_a_clock(seconds, shown):
    assert duration(seconds) == shown


def test_fields_of_the_spec_can_be_decided(tmp_path, capsys):
    path = write_checkpoint(tmp_path / "net.safetensors")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    asked = [str(tmp_path / "a.png"), "-c", str(path), "--out", str(tmp_path), "--jsonl"]
    chosen = [
        "preprocessing.resize=longest",
        "preprocessing.side=80",
        "preprocessing.mean=0.5,0.5,0.5",
    ]
    assert main(["predict", *asked, *(f"--set={one}" for one in chosen)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["network_size"] == [80, 60]


def test_a_field_that_there_is_not_is_refused_with_the_nearest(tmp_path, capsys):
    told = {
        "preprocessing.sid=3": "preprocessing.side",
        "side=3": "preprocessing.side",
        "preprocessing.side": "preprocessing.side=512",
    }
    wrong = {}
    for given, expected in told.items():
        with pytest.raises(SystemExit):
            main(["predict", "a.png", "-c", "net", "--set", given])
        said = capsys.readouterr().err
        if expected not in said:
            wrong[given] = said
    assert not wrong
    assert main(["predict", "a.png", "-c", "vessels_unet", "--set", "preprocessing.side=big"]) == 1

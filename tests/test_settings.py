"""Settings: every variable is read, and every senseless value is refused by a sentence."""

import os
from dataclasses import FrozenInstanceError, fields

import pytest

from segdemo.errors import SettingsError
from segdemo.settings import Settings
from tests.table import every

VARIABLES = {entry.metadata["variable"]: entry.name for entry in fields(Settings)}
NUMBERS = sorted(
    VARIABLES.keys()
    - {
        *("SEGDEMO_DEVICE", "SEGDEMO_PRECISION", "SEGDEMO_WEIGHTS"),
        *("SEGDEMO_UPLOADS", "SEGDEMO_MCP", "SEGDEMO_HOSTS", "SEGDEMO_LOG"),
    }
)


def read(**environment):
    return Settings.from_environment(environment)


def test_an_empty_environment_gives_the_defaults():
    assert read() == Settings()
    assert Settings().device is None


@every("variable", VARIABLES)
@every("value", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_unset(variable, value):
    assert read(**{variable: value}) == Settings()


@every(
    ("variable", "raw", "value"),
    [
        ("SEGDEMO_DEVICE", "cuda:1", "cuda:1"),
        ("SEGDEMO_DEVICE", " cpu ", "cpu"),
        ("SEGDEMO_PRECISION", "BF16 ", "bf16"),
        ("SEGDEMO_MAX_MEGAPIXELS", "12.5", 12.5),
        ("SEGDEMO_MAX_MEGAPIXELS", "1e2", 100.0),
        ("SEGDEMO_MAX_UPLOAD_MB", "7", 7),
        ("SEGDEMO_MAX_SIDE", " 512 ", 512),
        ("SEGDEMO_MEMORY_MB", "900", 900),
        ("SEGDEMO_CACHE_MB", "1", 1),
        ("SEGDEMO_HUB_TIMEOUT", "2.5", 2.5),
        ("SEGDEMO_MAX_DOWNLOAD_MB", "300", 300),
        ("SEGDEMO_UPLOADS", "on", True),
        ("SEGDEMO_UPLOADS", " Off ", False),
        ("SEGDEMO_MCP", "on", True),
        ("SEGDEMO_LOG", "JSON", "json"),
        ("SEGDEMO_RUN_SECONDS", "90", 90.0),
    ],
)
def test_every_variable_is_read(variable, raw, value):
    assert getattr(read(**{variable: raw}), VARIABLES[variable]) == value


@every("variable", NUMBERS)
@every("raw", ["0", "-1", "nan", "inf", "-inf", "many", "1 2", "1,5", "9" * 5000])
def test_a_senseless_number_is_refused_by_a_sentence(variable, raw):
    with pytest.raises(SettingsError) as caught:
        read(**{variable: raw})
    message = str(caught.value)
    assert variable in message
    assert f'"{raw}"' in message
    assert "positive" in message
    assert message.endswith(".")


@every(
    "variable",
    ["SEGDEMO_MAX_UPLOAD_MB", "SEGDEMO_MAX_SIDE", "SEGDEMO_MEMORY_MB", "SEGDEMO_MAX_DOWNLOAD_MB"],
)
def test_a_count_is_whole(variable):
    with pytest.raises(SettingsError) as caught:
        read(**{variable: "1.5"})
    assert "whole number" in str(caught.value)


def test_folders_are_separated_like_those_of_path(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b c"
    first.mkdir()
    second.mkdir()
    raw = os.pathsep.join(["", str(first), str(second), ""])
    assert read(SEGDEMO_WEIGHTS=raw).weights_folders == (first, second)


def test_the_home_folder_may_be_abbreviated(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    assert read(SEGDEMO_WEIGHTS="~/weights").weights_folders == (tmp_path / "weights",)


@every("name", ["absent", "a_file", "nul\0byte", "x" * 5000])
def test_a_folder_that_is_none_is_refused_by_a_sentence(tmp_path, name):
    (tmp_path / "a_file").write_text("text")
    raw = os.pathsep.join([str(tmp_path), str(tmp_path / name)])
    with pytest.raises(SettingsError) as caught:
        read(SEGDEMO_WEIGHTS=raw)
    assert "which is not a list of folders that exist" in str(caught.value)


@every("raw", ["1", "true", "no", "onn"])
def test_a_switch_is_on_or_off(raw):
    with pytest.raises(SettingsError) as caught:
        read(SEGDEMO_UPLOADS=raw)
    assert "which is not on or off" in str(caught.value)


def test_a_space_takes_no_checkpoints_of_strangers_unless_it_says_so():
    assert read().checkpoint_uploads
    assert not read(SPACE_ID="owner/name").checkpoint_uploads
    assert read(SPACE_ID="owner/name", SEGDEMO_UPLOADS="on").checkpoint_uploads
    assert not read(SEGDEMO_UPLOADS="off").checkpoint_uploads


def test_other_variables_are_not_ours():
    assert read(PATH="/bin", SEGDEMO_UNKNOWN="x") == Settings()


def test_every_variable_is_named_like_ours_and_explained():
    for entry in fields(Settings):
        assert entry.metadata["variable"].startswith("SEGDEMO_")
        assert entry.metadata["meaning"]
        assert entry.metadata["expected"].startswith(("a ", "on ", "fp32, ", "text "))


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().device = "cpu"


def test_hosts_are_names_that_may_begin_with_a_star():
    assert read(SEGDEMO_HOSTS="Demo.example.org, *.example.org").hosts == (
        "demo.example.org",
        "*.example.org",
    )
    for raw in ("http://demo.example.org", "demo.*", "a b"):
        with pytest.raises(SettingsError, match="SEGDEMO_HOSTS"):
            read(SEGDEMO_HOSTS=raw)

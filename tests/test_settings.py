"""Settings: every variable is read, and every senseless value is refused by a sentence."""

from dataclasses import FrozenInstanceError, fields

import pytest

from segdemo.errors import SettingsError
from segdemo.settings import Settings

VARIABLES = {entry.metadata["variable"]: entry.name for entry in fields(Settings)}


def read(**environment):
    return Settings.from_environment(environment)


def test_an_empty_environment_gives_the_defaults():
    assert read() == Settings()
    assert Settings().device is None


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_unset(variable, value):
    assert read(**{variable: value}) == Settings()


@pytest.mark.parametrize(
    ("variable", "raw", "value"),
    [
        ("SEGDEMO_DEVICE", "cuda:1", "cuda:1"),
        ("SEGDEMO_DEVICE", " cpu ", "cpu"),
        ("SEGDEMO_MAX_MEGAPIXELS", "12.5", 12.5),
        ("SEGDEMO_MAX_MEGAPIXELS", "1e2", 100.0),
        ("SEGDEMO_MAX_UPLOAD_MB", "7", 7),
        ("SEGDEMO_MAX_SIDE", " 512 ", 512),
        ("SEGDEMO_CACHE_MB", "1", 1),
    ],
)
def test_every_variable_is_read(variable, raw, value):
    assert getattr(read(**{variable: raw}), VARIABLES[variable]) == value


@pytest.mark.parametrize("variable", sorted(VARIABLES.keys() - {"SEGDEMO_DEVICE"}))
@pytest.mark.parametrize("raw", ["0", "-1", "nan", "inf", "-inf", "many", "1 2", "1,5", "9" * 5000])
def test_a_senseless_number_is_refused_by_a_sentence(variable, raw):
    with pytest.raises(SettingsError) as caught:
        read(**{variable: raw})
    message = str(caught.value)
    assert variable in message
    assert f'"{raw}"' in message
    assert "positive" in message
    assert message.endswith(".")


@pytest.mark.parametrize("variable", ["SEGDEMO_MAX_UPLOAD_MB", "SEGDEMO_MAX_SIDE"])
def test_a_count_is_whole(variable):
    with pytest.raises(SettingsError) as caught:
        read(**{variable: "1.5"})
    assert "whole number" in str(caught.value)


def test_other_variables_are_not_ours():
    assert read(PATH="/bin", SEGDEMO_UNKNOWN="x") == Settings()


def test_every_variable_is_named_like_ours_and_explained():
    for entry in fields(Settings):
        assert entry.metadata["variable"].startswith("SEGDEMO_")
        assert entry.metadata["meaning"]
        assert entry.metadata["expected"].startswith("a ")


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().device = "cpu"

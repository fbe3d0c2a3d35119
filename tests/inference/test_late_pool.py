import pytest
import torch
from checkpoint_files import write_checkpoint
from PIL import Image

from segdemo.errors import SettingsError
from segdemo.inference import late_pool
from segdemo.inference.late_pool import LatePool, local_predictor
from segdemo.inference.pool import Pool
from segdemo.settings import Settings


def test_without_a_gpu_the_pool_is_made_when_a_network_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(late_pool, "_may_have_gpu", lambda: False)
    predictor = local_predictor(Settings())
    assert isinstance(predictor, LatePool)
    assert (predictor.status().device, predictor.status().loaded) == ("the CPU", ())
    path = write_checkpoint(tmp_path / "a.pth")
    prediction = predictor.predict(path, Image.new("RGB", (32, 32)))
    assert prediction.picture_size == (32, 32)
    assert predictor.load(path) is predictor.load(path)
    assert predictor.status().loaded == (path,)
    if not torch.cuda.is_available():
        assert predictor.status() == predictor.made().status()


def test_where_there_may_be_a_gpu_or_one_is_asked_for_it_is_looked_for_at_once(monkeypatch):
    monkeypatch.setattr(late_pool, "_may_have_gpu", lambda: True)
    assert isinstance(local_predictor(Settings()), Pool)
    assert isinstance(local_predictor(Settings(device="cpu")), LatePool)
    with pytest.raises(SettingsError):
        local_predictor(Settings(device="hexagon"))

"""The recipes run as they stand and give what they say."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RECIPES = re.findall(
    r"^## (.+?)\n\n```python\n(.*?)^```$",
    (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE | re.DOTALL,
)


def test_every_recipe_gives_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "segdemo").symlink_to(ROOT / "segdemo")
    left = {}
    for title, code in RECIPES:
        exec(compile(code, title, "exec"), left.setdefault(title, {}))
    given = {name: value for names in left.values() for name, value in names.items()}
    assert len(RECIPES) == 10
    assert given["mask"].any()
    assert sorted(given["files"]) == ["mask", "overlay"]
    assert all(path.is_file() for path in given["files"].values())
    assert len(given["names"]) > 1
    assert all(0 < share < 1 for share in given["shares"])
    assert (given["architecture"], given["side"]) == ("U-Net", 512)
    assert max(given["size"]) == 256
    assert 0.3 < given["iou"] < 1
    assert given["dice"][("retina.jpg", "vessels_unet")] == 1
    assert given["prediction"].bands == (4, 3, 2, 1)
    assert np.isfinite(given["prediction"].probabilities).all()
    assert given["sentence"].endswith(".")

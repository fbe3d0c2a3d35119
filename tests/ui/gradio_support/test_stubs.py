import sys
from importlib import import_module

import segdemo.ui  # noqa: F401 (which imports Gradio)


def test_a_component_is_defined_without_a_stub_beside_it(tmp_path, monkeypatch):
    lines = ("import gradio as gr", "class Own(gr.HTML):", "    EVENTS = []")
    (tmp_path / "own_component.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert import_module("own_component").Own.EVENTS == []
    finally:
        sys.modules.pop("own_component", None)
    assert not list(tmp_path.glob("*.pyi"))

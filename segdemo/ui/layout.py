"""The page: which components there are and which event calls which handler."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from segdemo.strings import text
from segdemo.ui.errors import explain
from segdemo.ui.handlers import MAX_SLOTS, MIN_SLOTS, Handlers
from segdemo.ui.picture_input import PictureInput
from segdemo.ui.viewer import ComparisonViewer


def build(handlers: Handlers, static: Path) -> gr.Blocks:
    """The page around ``handlers``; ``static`` holds the example pictures and their maps."""
    gr.set_static_paths([static])
    first = handlers.examples[0] if handlers.examples else None
    chosen = first.checkpoints if first else handlers.first_checkpoints()
    # What people upload is deleted a day later at the latest; the check runs every hour.
    demo = gr.Blocks(title=text("page_title"), analytics_enabled=False, delete_cache=(3600, 86400))
    with demo:
        with gr.Row(elem_id="page"):
            with gr.Column(elem_id="controls", scale=0, min_width=340):
                gr.Markdown(f"# {text('page_title')}\n{text('page_tagline')}", elem_id="title")
                picture = PictureInput(
                    value=str(first.picture) if first else None,
                    label=text("page_picture"),
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "webcam", "clipboard"],
                    height=220,
                    elem_id="picture",
                )
                count = gr.State(max(MIN_SLOTS, len(chosen)))
                slots = [_slot(handlers, number, chosen) for number in range(MAX_SLOTS)]
                with gr.Row(elem_id="slots-more"):
                    add = gr.Button(text("page_add"), size="sm", min_width=100, elem_id="add")
                    remove = gr.Button(
                        text("page_remove"),
                        size="sm",
                        min_width=100,
                        interactive=False,
                        elem_id="remove",
                    )
                run = gr.Button(text("page_compare"), variant="primary", elem_id="compare")
                examples = gr.Dataset(
                    label=text("page_examples"),
                    components=[gr.Image(render=False)],
                    samples=[[str(example.picture)] for example in handlers.examples],
                    type="index",
                    elem_id="examples",
                    visible=bool(handlers.examples),
                )
                gr.Markdown(handlers.status(), elem_id="status")
            with gr.Column(elem_id="results", scale=1, min_width=320):
                viewer = ComparisonViewer(first.comparison if first else None, elem_id="viewer")
        _wire(handlers, picture, count, slots, add, remove, run, examples, viewer)
    demo.queue(max_size=32, default_concurrency_limit=4)
    return demo


Slot = tuple[gr.Group, gr.Dropdown, gr.Dropdown]


def _slot(handlers: Handlers, number: int, chosen: Sequence[str]) -> Slot:
    """A filter by architecture beside the checkpoints that pass it."""
    visible = number < max(MIN_SLOTS, len(chosen))
    with gr.Group(visible=visible, elem_classes="slot") as group, gr.Row():
        architecture = gr.Dropdown(
            handlers.architectures(),
            value="",
            label=text("page_architecture"),
            scale=0,
            min_width=116,
            elem_id=f"architecture-{number}",
        )
        checkpoint = gr.Dropdown(
            handlers.checkpoints(""),
            value=chosen[number] if number < len(chosen) else None,
            label=text("page_network", letter="ABCD"[number]),
            scale=1,
            min_width=180,
            elem_id=f"checkpoint-{number}",
        )
    return group, architecture, checkpoint


def _wire(
    handlers: Handlers,
    picture: gr.Image,
    count: gr.State,
    slots: Sequence[Slot],
    add: gr.Button,
    remove: gr.Button,
    run: gr.Button,
    examples: gr.Dataset,
    viewer: ComparisonViewer,
) -> None:
    groups = [group for group, _, _ in slots]
    checkpoints = [checkpoint for _, _, checkpoint in slots]

    def compare(path: str | None, shown: int, *chosen: str | None) -> Any:
        try:
            yield from handlers.compare(path, chosen[:shown])
        except Exception as error:
            raise gr.Error(explain(error), print_exception=False) from error

    def refresh(path: str | None, shown: int, *chosen: str | None) -> Any:
        # Taking the picture away, or choosing networks before there is one, is no mistake.
        if path is None:
            yield gr.skip()
        else:
            yield from compare(path, shown, *chosen)

    def resize(shown: int, change: int) -> list[Any]:
        shown = min(MAX_SLOTS, max(MIN_SLOTS, shown + change))
        return [
            shown,
            gr.update(interactive=shown < MAX_SLOTS),
            gr.update(interactive=shown > MIN_SLOTS),
            *(gr.update(visible=number < shown) for number in range(MAX_SLOTS)),
        ]

    def more(shown: int) -> list[Any]:
        return resize(shown, 1)

    def fewer(shown: int) -> list[Any]:
        return resize(shown, -1)

    def narrow(architecture: str, chosen: str | None) -> Any:
        choices = handlers.checkpoints(architecture)
        kept = chosen if chosen in [value for _, value in choices] else None
        return gr.update(choices=choices, value=kept)

    def open_example(index: int) -> list[Any]:
        example = handlers.examples[index]
        shown = len(example.checkpoints)
        padded = [*example.checkpoints, *[None] * (MAX_SLOTS - shown)]
        return [
            str(example.picture),
            example.comparison,
            *resize(shown, 0),
            *(gr.update(choices=handlers.checkpoints(""), value=chosen) for chosen in padded),
            *("" for _ in slots),
        ]

    counted = [count, add, remove, *groups]
    running: dict[str, Any] = {
        "inputs": [picture, count, *checkpoints],
        "outputs": viewer,
        # Two runs at once would only share the same cores or memory.
        "concurrency_limit": 1,
        "concurrency_id": "device",
        "trigger_mode": "always_last",
        # The viewer shows for itself which network is running.
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    run.click(compare, **running)
    gr.on([picture.input, *(checkpoint.input for checkpoint in checkpoints)], refresh, **running)
    quick: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    add.click(more, count, counted, **quick)
    # A panel leaves with its slot.
    remove.click(fewer, count, counted, **quick).then(refresh, **running)
    for _, architecture, checkpoint in slots:
        architecture.input(narrow, [architecture, checkpoint], checkpoint, **quick)
    examples.click(
        open_example,
        examples,
        [picture, viewer, *counted, *checkpoints, *(filter_ for _, filter_, _ in slots)],
        **quick,
    )

"""The page's components and where they stand."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import gradio as gr

from segdemo.strings import text
from segdemo.ui.adding.panel import HubPanel
from segdemo.ui.batch.tab import BatchParts, create_batch_components
from segdemo.ui.handlers import Handlers
from segdemo.ui.intake.events import IntakeParts
from segdemo.ui.intake.places import FilePlace
from segdemo.ui.intake.zone import DropZone
from segdemo.ui.language.panel import LanguageChoice
from segdemo.ui.language.texts import labelled
from segdemo.ui.running.state_line import StateLine
from segdemo.ui.sharing.saved_file import SavedFiles
from segdemo.ui.slots import MAX_SLOTS, SLOTS_AT_FIRST
from segdemo.ui.transfers.panel import TransferList
from segdemo.ui.viewer.viewer import ComparisonViewer
from segdemo.ui.visitor import Visitor

ONE, MANY = "one", "many"
"""The tabs: one image in the viewer, or many in a gallery."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Slot:
    """A checkpoint, and the button that takes it away."""

    group: gr.Group
    checkpoint: gr.Dropdown
    remove: gr.Button


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """Everything on the page that events read or change."""

    visitor: gr.State
    language: LanguageChoice
    intake: IntakeParts
    picture: FilePlace
    truth: FilePlace
    count: gr.State
    slots: Sequence[Slot]
    more: gr.Button
    transfers: TransferList
    run: StateLine
    examples: gr.Dataset
    panel: HubPanel
    viewer: ComparisonViewer
    tabs: gr.Tabs
    batch: BatchParts
    saved: SavedFiles


def create_components(handlers: Handlers, static: Path) -> Parts:
    """The components, to be called inside ``gr.Blocks``; ``static`` holds the examples' files."""
    gr.set_static_paths([static])
    first = handlers.examples[0] if handlers.examples else None
    chosen = first.checkpoints if first else handlers.first_checkpoints()
    visitor = gr.State(Visitor(), delete_callback=Visitor.close)
    count = gr.State(max(SLOTS_AT_FIRST, len(chosen)))
    limits = {
        "megabytes": handlers.max_upload_bytes // 1_000_000,
        "megapixels": handlers.max_megapixels,
    }
    language = LanguageChoice(elem_id="language")
    with gr.Row(elem_id="page"):
        with gr.Column(elem_id="controls", scale=0, min_width=340):
            labelled(
                gr.Markdown(elem_id="title"),
                value=lambda: f"# {text('page_title')}\n{text('page_tagline')}",
            )
            zone = DropZone(
                picture_megabytes=handlers.max_upload_bytes // 1_000_000,
                network_megabytes=handlers.adding.max_megabytes,
                uploads=handlers.adding.uploads,
                elem_id="zone",
            )
            picture = FilePlace(
                handlers.placing.show_picture(first.picture) if first else None,
                kind="picture",
                limits=limits,
                elem_id="picture",
            )
            truth = FilePlace(kind="mask", limits=limits, elem_id="truth")
            slots = [_slot(handlers, number, chosen) for number in range(MAX_SLOTS)]
            more = labelled(gr.Button(size="sm", elem_id="add"), value="page_add")
            transfers = TransferList(elem_id="transfers")
            panel = HubPanel(
                online=handlers.adding.online,
                uploads=handlers.adding.uploads,
                max_megabytes=handlers.adding.max_megabytes,
                elem_id="adding",
            )
            if may_sign_in():
                gr.LoginButton(
                    text("page_sign_in"),
                    text("page_sign_out", name="{}"),
                    size="sm",
                    elem_id="sign-in",
                )
            examples = labelled(
                gr.Dataset(
                    components=[gr.Image(render=False)],
                    samples=[[str(example.picture)] for example in handlers.examples],
                    type="index",
                    elem_id="examples",
                    visible=bool(handlers.examples),
                ),
                label="page_examples",
            )
            labelled(gr.Markdown(elem_id="status"), value=handlers.status)
        with (
            gr.Column(elem_id="results", scale=1, min_width=320),
            gr.Tabs(selected=ONE, elem_id="views") as tabs,
        ):
            with labelled(gr.Tab(id=ONE), label="page_tab_one"):
                run = StateLine(elem_id="state")
                viewer = ComparisonViewer(
                    first.comparison if first else None, address=True, elem_id="viewer"
                )
            with labelled(gr.Tab(id=MANY), label="page_tab_many"):
                batch = create_batch_components(limits)
    return Parts(
        visitor=visitor,
        language=language,
        intake=IntakeParts(
            zone=zone, picture=picture, truth=truth, pictures=batch.pictures, masks=batch.masks
        ),
        picture=picture,
        truth=truth,
        count=count,
        slots=slots,
        more=more,
        transfers=transfers,
        run=run,
        examples=examples,
        panel=panel,
        viewer=viewer,
        tabs=tabs,
        batch=batch,
        saved=SavedFiles(elem_id="saved"),
    )


def may_sign_in(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space whose README asks for sign-in, with what Gradio needs for it."""
    configured = bool(environment.get("SPACE_ID") and environment.get("OAUTH_CLIENT_ID"))
    return configured and all(find_spec(name) for name in ("authlib", "itsdangerous"))


def _slot(handlers: Handlers, number: int, chosen: Sequence[str]) -> Slot:
    visible = number < max(SLOTS_AT_FIRST, len(chosen))
    with gr.Group(visible=visible, elem_classes="slot") as group, gr.Row():
        checkpoint = labelled(
            gr.Dropdown(
                handlers.shelf.choices(),
                value=chosen[number] if number < len(chosen) else None,
                scale=1,
                min_width=180,
                elem_id=f"checkpoint-{number}",
            ),
            label=lambda: text("page_network", letter="ABCD"[number]),
        )
        remove = labelled(
            gr.Button(size="sm", scale=0, min_width=76, elem_id=f"remove-{number}"),
            value=lambda: text("page_remove", letter="ABCD"[number]),
        )
    return Slot(group=group, checkpoint=checkpoint, remove=remove)

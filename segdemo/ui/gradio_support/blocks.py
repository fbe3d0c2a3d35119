"""The page's ``gr.Blocks``: whatever goes wrong on any road to it is answered by a sentence."""

from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction

from segdemo.ui.gradio_support.errors import refusal


class Page(gr.Blocks):
    """Gradio tells a program only of its own errors, and of all others that ``error`` is null."""

    async def process_api(
        self, block_fn: BlockFunction | int, inputs: list[Any], *rest: Any, **options: Any
    ) -> dict[str, Any]:
        """Runs a function; arguments that a program leaves out at the end are null."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        if function.api_visibility == "public":
            inputs = [*inputs, *[None] * (len(function.inputs) - len(inputs))]
        try:
            return await super().process_api(block_fn, inputs, *rest, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise refusal(error) from error

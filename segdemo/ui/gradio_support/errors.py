"""Turns exceptions into sentences for users; unexpected ones are logged under a reference."""

import html
import logging
import secrets

import gradio as gr
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from segdemo.errors import SegdemoError
from segdemo.strings import text
from segdemo.wording import one_line

_CALLS = "/gradio_api/call/"
_log = logging.getLogger(__name__)


def explain(error: Exception) -> str:
    """The sentence for ``error``; a mistake of ours gets a neutral one, and the log the rest."""
    return known(error).message()


def known(error: Exception) -> SegdemoError:
    """``error`` itself if a person can mend it, or one that names the place in the log."""
    if isinstance(error, SegdemoError):
        return error
    reference = secrets.token_hex(3)
    _log.error("unexpected failure %s", reference, exc_info=error, extra={"reference": reference})
    return SegdemoError("unexpected", reference=reference)


def refusal(error: Exception) -> gr.Error:
    """What to raise in a handler of the page, so that the sentence for ``error`` pops up."""
    return gr.Error(_as_html(explain(error)), print_exception=False)


def plain_refusal(error: Exception) -> gr.Error:
    """What to raise in an endpoint: programs read the sentence as it is."""
    return gr.Error(explain(error), print_exception=False)


def warn(sentence: str) -> None:
    """Let a sentence pop up while the handler goes on."""
    gr.Warning(_as_html(sentence))


def _as_html(sentence: str) -> str:
    # Gradio's toasts are HTML, and a sentence may quote a file or the words of a link.
    return html.escape(sentence, quote=False)


async def misunderstood(request: Request, error: Exception) -> Response:
    """The answer to a call whose arguments Gradio cannot tell; other mistakes are raised again."""
    if not request.url.path.startswith(_CALLS):
        raise error
    return JSONResponse({"error": text("api_call", reason=one_line(error))}, status_code=422)

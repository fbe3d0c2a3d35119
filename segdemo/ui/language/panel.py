"""The component with which a visitor chooses the language of the page."""

from segdemo.strings import LANGUAGES
from segdemo.ui.gradio_support.display import Display

ENTRY = "language/static/mount_language_choice.js"


class LanguageChoice(Display):
    """Begins with what the browser remembers or prefers.

    Event: ``speak`` with the ``language``, when it is another one than the page arrives in and
    whenever another one is chosen.
    """

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(
            ENTRY,
            texts="language_",
            elem_id=elem_id,
            render=render,
            languages=LANGUAGES,
        )

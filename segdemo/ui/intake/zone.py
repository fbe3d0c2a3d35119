"""The component that takes files wherever they are dropped or pasted on the page."""

from typing import Any

from segdemo.hub.forms import WEIGHT_ENDINGS
from segdemo.ui.gradio_support.display import Display

ENTRY = "intake/static/mount_zone.js"
ARRIVAL_FAILED = "() => { window.dispatchEvent(new Event('segdemo-unread')); }"
"""Script that tells the zone in the browser that the server has not looked at what was sent."""


class DropZone(Display):
    """Sends files to the server, shows how far they are, and what was said of them.

    Output: ``Told``. Event: ``arrive`` with the ``paths`` of uploads, the ``target`` that a
    person meant ("picture", "mask", "network", "pictures", "masks" or "any") and a ``serial``,
    which the answer has to repeat.
    """

    def __init__(
        self,
        *,
        picture_megabytes: int,
        network_megabytes: int,
        uploads: bool,
        elem_id: str | None = None,
        render: bool = True,
    ) -> None:
        """The limits of what is sent; ``uploads`` is whether networks may be."""
        limits: dict[str, Any] = {
            "picture": picture_megabytes,
            "network": network_megabytes,
            "uploads": uploads,
            "endings": list(WEIGHT_ENDINGS),
        }
        super().__init__(ENTRY, texts="zone_", elem_id=elem_id, render=render, limits=limits)

"""The routes that a supervisor asks: is the server alive, is it ready, what are its figures."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from segdemo.ui.operations.disk import DiskQuota
from segdemo.ui.operations.turns import TurnQueue

_UNREADY = 503


def routes(quota: DiskQuota) -> list[Route]:
    """``/healthz``, ``/readyz`` and ``/metrics`` of the page that is served with them."""

    def healthz(request: Request) -> Response:
        """200 as long as the server answers at all."""
        return JSONResponse({"status": "ok"})

    def readyz(request: Request) -> Response:
        """200 when it takes runs; 503 while it starts and once it is about to stop."""
        demo = _demo(request)
        ready = demo is not None and demo.is_running and not demo._queue.draining
        status = "ready" if ready else "stopping" if demo and demo._queue.draining else "starting"
        return JSONResponse({"status": status}, 200 if ready else _UNREADY)

    def metrics(request: Request) -> Response:
        """Figures in the text format of Prometheus."""
        # Imported when somebody first asks.
        from segdemo.ui.operations.metrics import exposition  # noqa: PLC0415

        demo = _demo(request)
        queue = demo._queue if demo is not None else None
        content, kind = exposition(queue if isinstance(queue, TurnQueue) else None, quota)
        return PlainTextResponse(content, media_type=kind)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


def _demo(request: Request) -> Any:
    """The page; None before it is there."""
    return getattr(request.app, "blocks", None)

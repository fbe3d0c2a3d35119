"""Transfers from Xet, the Hub's storage of deduplicated chunks, by the package hf_xet."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.utils import XetFileData, httpx, parse_xet_file_data_from_response
from huggingface_hub.utils._runtime import is_xet_available

from segdemo.errors import HubError
from segdemo.hub.network_errors import no_hub, silent
from segdemo.hub.transport import Session, is_as_secure, origin
from segdemo.wording import shown

_POLL_SECONDS = 0.05


def offered(response: httpx.Response, session: Session) -> XetFileData | None:
    """Where Xet has the file that ``response`` describes; None where plain HTTP is the only way.

    That is a Hub without Xet, an environment without hf_xet or with HF_HUB_DISABLE_XET, and an
    answer that asks for our token at another origin than the Hub's.
    """
    if not is_xet_available():
        return None
    found = parse_xet_file_data_from_response(response, endpoint=session.endpoint)
    if found is None or origin(found.refresh_route) != origin(session.endpoint):
        return None
    return found


def download(
    session: Session,
    file: XetFileData,
    path: Path,
    *,
    size: int,
    progress: Callable[[int], None],
) -> None:
    """Write the ``size`` bytes of a file to ``path``; ``progress`` is told how many have arrived.

    The content is not verified. Raises HubError, also when nothing arrived for as long as the
    session waits.
    """
    from hf_xet import XetFileInfo, XetSession  # noqa: PLC0415 (only where it is installed)

    storage, token, expires = _granted(session, file)
    # Not the session that huggingface_hub shares between all its users: one transfer of it can
    # neither be reached nor aborted alone.
    group = XetSession().new_file_download_group(
        endpoint=str(storage),
        token=token,
        token_expiry_unix_secs=expires,
        token_refresh_url=file.refresh_route,
        token_refresh_headers=session.headers(file.refresh_route),
    )
    group.start_download_file(XetFileInfo(file.file_hash, size), str(path))
    # Waiting cannot be bounded; but it ends when the group is aborted from another thread.
    finished = _in_thread(group.wait_to_finish)
    try:
        with session.cancel.calling(group.abort):
            moved, since = (0, 0), time.monotonic()
            while not wait([finished], _POLL_SECONDS).done:
                report = group.progress()
                now = (report.total_bytes_completed, report.total_transfer_bytes_completed)
                if now != moved:
                    moved, since = now, time.monotonic()
                    # What came over the network may be compressed, or not yet be written.
                    progress(min(max(now), size))
                elif time.monotonic() > since + session.seconds:
                    raise silent(storage, session.seconds)
        finished.result()
    except (OSError, RuntimeError) as error:
        session.cancel.raise_if_cancelled()
        raise HubError("hub_broken_off", host=shown(storage.host)) from error
    finally:
        group.abort()
        # So that nothing is written to the path any more.
        wait([finished], session.seconds)


def _in_thread(work: Callable[[], object]) -> Future[object]:
    """Do ``work`` in a thread that nothing waits for at the end of the process."""
    future: Future[object] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, name="xet", daemon=True).start()
    return future


def _granted(session: Session, file: XetFileData) -> tuple[httpx.URL, str, int]:
    """The address of the storage, a token for it and when that expires, in Unix seconds."""
    answer = session.request("GET", file.refresh_route)
    try:
        storage = httpx.URL(answer.headers[constants.HUGGINGFACE_HEADER_X_XET_ENDPOINT])
        token = answer.headers[constants.HUGGINGFACE_HEADER_X_XET_ACCESS_TOKEN]
        expires = int(answer.headers[constants.HUGGINGFACE_HEADER_X_XET_EXPIRATION])
    except (KeyError, ValueError, httpx.InvalidURL) as error:
        raise no_hub(answer.url) from error
    if not is_as_secure(storage, httpx.URL(session.endpoint)):
        raise no_hub(answer.url)
    return storage, token, expires

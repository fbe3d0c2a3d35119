"""The Hub's other storage, Xet, as far as a download goes: a token, a plan, and chunks."""

import time
from collections.abc import Iterator

from hub_server.answers import Answer, as_json, ranged
from hub_server.store import File

_CHUNK = 64 * 1024
_SECONDS = 3600
TOKEN = "xet_read"


def headers(file: File, token_url: str) -> dict[str, str]:
    """What the description of a file says of its place there; any 64 digits name it."""
    return {"X-Xet-Hash": file.sha256, "Link": f'<{token_url}>; rel="xet-auth"'}


def token(endpoint: str) -> Answer:
    """Where the storage is, and who may read from it for an hour."""
    return Answer(
        200,
        {
            "X-Xet-Cas-Url": endpoint,
            "X-Xet-Access-Token": TOKEN,
            "X-Xet-Token-Expiration": str(int(time.time()) + _SECONDS),
        },
    )


def plan(file: File, endpoint: str) -> Answer:
    """Which chunks of which block of the storage ("xorb") make up the file: all of one."""
    size, count = len(_xorb(file)), len(list(_chunks(file)))
    chunks = {"start": 0, "end": count}
    block = {
        "range": chunks,
        "url": f"{endpoint}/xorbs/{file.sha256}",
        "url_range": {"start": 0, "end": size - 1},
    }
    term = {"hash": file.sha256, "unpacked_length": len(file.content), "range": chunks}
    return as_json(
        {
            "offset_into_first_range": 0,
            "terms": [term],
            "fetch_info": {file.sha256: [block]},
        }
    )


def block(file: File, wanted: str | None) -> Answer:
    """The bytes of the block."""
    return ranged(_xorb(file), wanted, {"Content-Type": "application/octet-stream"})


def _chunks(file: File) -> Iterator[bytes]:
    for start in range(0, len(file.content), _CHUNK):
        yield file.content[start : start + _CHUNK]


def _xorb(file: File) -> bytes:
    """Each chunk after its version, its length in the block, its compression and its length."""
    return b"".join(
        b"\0" + len(chunk).to_bytes(3, "little") + b"\0" + len(chunk).to_bytes(3, "little") + chunk
        for chunk in _chunks(file)
    )

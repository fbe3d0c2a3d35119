"""Loads a network from the Hugging Face Hub in one call."""

from dataclasses import replace
from pathlib import Path

from segdemo.errors import HubError
from segdemo.hub.addresses import parse
from segdemo.hub.cached import cached_files
from segdemo.hub.client import Token, offline
from segdemo.hub.download import Downloads
from segdemo.hub.listing import look
from segdemo.hub.publish import WEIGHTS_NAME
from segdemo.hub.references import Address
from segdemo.inference.segmenter import Segmenter, load
from segdemo.settings import Settings
from segdemo.wording import first_of, shown

_MEGABYTE = 1_000_000


def from_pretrained(
    repo_id: str,
    *,
    filename: str | None = None,
    revision: str | None = None,
    device: str | None = None,
    assume: str | None = None,
    token: str | None = None,
    settings: Settings | None = None,
) -> Segmenter:
    """The network of a repository on the Hub, fetched once and kept in the Hub's cache.

    ``repo_id`` is owner/name or anything else that names a repository or a file of it, such as
    the address of its page. Without a filename the repository must hold one checkpoint, or one
    called model.safetensors. The token is the environment's HF_TOKEN by default; ``device`` and
    ``assume`` are those of ``load``. In offline mode it is what was fetched before.
    Raises HubError, CheckpointError or SettingsError.
    """
    settings = settings or Settings.from_environment()
    address = parse(repo_id)
    if address is None:
        raise HubError("hub_not_an_address", text=shown(repo_id))
    address = replace(
        address,
        filename=filename or address.filename,
        revision=revision or address.revision,
    )
    path = _cached(address, settings) if offline() else _fetched(address, token, settings)
    return load(path, device=device, assume=assume, settings=settings, mmap=True)


def _fetched(address: Address, token: Token, settings: Settings) -> Path:
    if address.filename is None:
        repository = look(address, token=token, seconds=settings.hub_timeout_seconds)
        loadable = [file.address for file in repository.files if file.verdict.reason is None]
        if not loadable:
            # Each has its reason; the first is the one of the most likely file.
            reason = repository.files[0].verdict.reason
            assert reason is not None
            raise reason
        address = _the_one(loadable)
    download = Downloads(settings).start(address, token=token)
    for _ in download.updates():
        pass
    return download.path


def _cached(address: Address, settings: Settings) -> Path:
    most = settings.max_download_megabytes * _MEGABYTE
    paths = {
        file.address: file.path
        for file in cached_files(most_bytes=most)
        if (file.address.repo_id, file.address.repo_type) == (address.repo_id, address.repo_type)
        and address.filename in (None, file.address.filename)
    }
    if not paths:
        raise HubError("hub_offline")
    return paths[_the_one(list(paths))]


def _the_one(addresses: list[Address]) -> Address:
    """The only checkpoint, or the one with the name that most libraries give it.

    Graphs are there beside the weights that they were exported from.
    """
    weights = [one for one in addresses if not (one.filename or "").endswith(".onnx")]
    addresses = weights or addresses
    named = [address for address in addresses if address.filename == WEIGHTS_NAME]
    chosen = addresses if len(addresses) == 1 else named
    if len(chosen) != 1:
        raise HubError(
            "hub_which_file",
            name=shown(addresses[0].repo_id),
            count=len(addresses),
            known=first_of(address.filename or "" for address in addresses),
        )
    return chosen[0]

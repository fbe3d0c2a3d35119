"""Sessions with the configured Hub, and what its errors mean to a person."""

import errno
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    DisabledRepoError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    NotASafetensorsRepoError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    SafetensorsParsingError,
)
from huggingface_hub.utils import hf_raise_for_status, httpx

from segdemo.errors import HubError
from segdemo.hub.forms import form_of
from segdemo.hub.network_errors import network_error
from segdemo.hub.references import Address
from segdemo.hub.transport import CancelToken, Session
from segdemo.settings import Settings
from segdemo.wording import first_of, shown

Token = str | bool | None
"""As in huggingface_hub: a token, False for none, None for that of the environment."""

_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT}


def endpoint() -> str:
    """URL of the Hub without a trailing slash: HF_ENDPOINT, or the public Hub."""
    return constants.ENDPOINT


def host() -> str:
    """Host of the endpoint, safe to show in a message."""
    return shown(endpoint().partition("://")[2])


def no_hub() -> HubError:
    """The error for an answer that no Hub would give."""
    return HubError("hub_no_hub", host=host())


def offline() -> bool:
    """Whether offline mode forbids every request (HF_HUB_OFFLINE)."""
    return constants.is_offline_mode()


def cache_folder() -> Path:
    """Folder of huggingface_hub's cache (HF_HUB_CACHE, HF_HOME)."""
    return Path(constants.HF_HUB_CACHE)


def token_to_send(token: Token = None) -> str | None:
    """The text of the token that a request with ``token`` carries; None for none."""
    if isinstance(token, str):
        return token or None
    implicit = token is None and not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
    return get_token() if token or implicit else None


def has_token(token: Token = None) -> bool:
    """Whether a request with ``token`` would carry one."""
    return token_to_send(token) is not None


@contextmanager
def session(
    address: Address | None = None,
    *,
    seconds: float | None = None,
    token: Token = None,
    cancel: CancelToken | None = None,
    folder: Path | None = None,
) -> Iterator[Session]:
    """Open a session with the Hub; the block raises HubError for every failure of it.

    ``seconds`` (those of SEGDEMO_HUB_TIMEOUT when left out) bound connecting and each wait, and a
    request as a whole unless it is a transfer; ``cancel`` stops the block from another thread.
    ``address``, ``token`` and the cache ``folder`` are also what the messages speak of.
    """
    seconds = seconds or Settings.from_environment().hub_timeout_seconds
    with (
        mapped_errors(address, seconds=seconds, token=token, folder=folder),
        Session(
            endpoint=endpoint(),
            token=token_to_send(token),
            seconds=seconds,
            cancel=cancel or CancelToken(),
        ) as opened,
    ):
        yield opened


@contextmanager
def mapped_errors(
    address: Address | None, *, seconds: float, token: Token, folder: Path | None = None
) -> Iterator[None]:
    """Raise HubError for what huggingface_hub, the network or the disk raises in this block.

    The parameters are what the messages speak of: see ``session``.
    """
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        said = _ErrorMapper(address, token, seconds, folder or cache_folder()).mapped(error)
        if said is None:
            raise
        raise said from error


def question(address: Address, route: str = "") -> str:
    """URL of the Hub's JSON API for a repository, or for ``route`` below it."""
    return f"{endpoint()}/api/{address.repo_type}s/{address.repo_id}{route}"


def described(
    asking: Session, address: Address, params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Fetch the description of a repository at its revision, as JSON. Raises as ``answered``."""
    revision = f"/revision/{quote(address.revision, safe='')}" if address.revision else ""
    found = answered(asking.request("GET", question(address, revision), params=params))
    if not isinstance(found, dict):
        raise no_hub()
    return found


def answered(response: httpx.Response) -> Any:
    """Parse the JSON of an answer. Raises HubError, and huggingface_hub's error for its status."""
    hf_raise_for_status(response)
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise no_hub() from error


class _ErrorMapper:
    """Maps errors to messages that name what was asked for."""

    def __init__(self, address: Address | None, token: Token, seconds: float, folder: Path) -> None:
        self.address = address
        self.token = token
        self.seconds = seconds
        self.folder = folder
        self.name = shown(address.repo_id) if address else host()

    def mapped(self, error: BaseException) -> HubError | None:
        """The error to raise; None for what is no failure of the Hub, the network or the disk."""
        match error:
            # The order matters: each of these is a kind of one further below.
            case HubError():
                return error
            case LocalEntryNotFoundError():
                cause = self.mapped(error.__cause__) if error.__cause__ else None
                return cause or HubError("hub_offline")
            case OfflineModeIsEnabled():
                return HubError("hub_offline")
            case FileMetadataError() | json.JSONDecodeError() | RecursionError():
                return no_hub()
            case HFValidationError():
                return HubError("hub_not_an_address", text=self.name)
            case SafetensorsParsingError() | NotASafetensorsRepoError():
                return HubError("hub_not_safetensors", name=self._file())
            case HfHubHTTPError():
                return self._refusal(error)
            case httpx.HTTPError():
                # From the client of huggingface_hub, which publishing goes through.
                return network_error(error, httpx.URL(endpoint()), self.seconds)
            case OSError():
                return self._disk(error)
            case ValueError() | KeyError() | TypeError() | AttributeError():
                # An answer in another shape than the library can take apart.
                return no_hub() if _raised_in_library(error) else None
        return None

    def _refusal(self, error: HfHubHTTPError) -> HubError:
        status = error.response.status_code
        signed_in = has_token(self.token)
        match error:
            case GatedRepoError():
                key = "hub_gated_refused" if signed_in else "hub_gated"
                return HubError(key, name=self.name, page=self._page())
            case DisabledRepoError():
                return HubError("hub_disabled", name=self.name)
            case RepositoryNotFoundError():
                return self._not_found()
            case RevisionNotFoundError():
                return self._no_revision()
            case RemoteEntryNotFoundError():
                return self._no_file()
        if status == 401:
            # Without a code, the Hub says so both of a wrong token and of what needs one.
            return HubError("hub_token") if signed_in else self._not_found()
        if status == 403:
            if error.server_message:
                reason = shown(error.server_message)
                return HubError("hub_forbidden_because", name=self.name, reason=reason)
            return HubError("hub_forbidden", name=self.name)
        return HubError("hub_refused", name=self.name, status=status)

    def _not_found(self) -> HubError:
        key = "hub_not_found_signed_in" if has_token(self.token) else "hub_not_found"
        return HubError(key, name=self.name)

    def _no_revision(self) -> HubError:
        revision = shown((self.address and self.address.revision) or constants.DEFAULT_REVISION)
        known = self._ask(self._revisions)
        if known:
            return HubError("hub_no_revision_of", name=self.name, revision=revision, known=known)
        return HubError("hub_no_revision", name=self.name, revision=revision)

    def _no_file(self) -> HubError:
        file = shown((self.address and self.address.filename) or "")
        known = self._ask(self._weights)
        if known:
            return HubError("hub_no_file_of", name=self.name, file=file, known=known)
        return HubError("hub_no_file", name=self.name, file=file)

    def _revisions(self, asking: Session, address: Address) -> list[str]:
        refs = answered(asking.request("GET", question(address, "/refs")))
        return [ref["name"] for ref in (*refs["branches"], *refs["tags"])]

    def _weights(self, asking: Session, address: Address) -> list[str]:
        names = [file["rfilename"] for file in described(asking, address)["siblings"]]
        return [name for name in names if form_of(name) == "weights"]

    def _ask(self, names: Callable[[Session, Address], list[str]]) -> str:
        """The first names of a list from the Hub; "" when it cannot be had."""
        if self.address is None:
            return ""
        try:
            with session(seconds=self.seconds, token=self.token) as asking:
                return first_of(names(asking, self.address))
        except (HubError, LookupError, TypeError):
            return ""

    def _disk(self, error: OSError) -> HubError | None:
        if error.errno in _OUT_OF_SPACE:
            return HubError("hub_disk_full", folder=str(self.folder))
        if error.errno is not None and error.filename is not None:
            return HubError(
                "hub_cache_unwritable", folder=str(self.folder), reason=error.strerror or ""
            )
        return None

    def _page(self) -> str:
        space = self.address is not None and self.address.repo_type == "space"
        return f"{endpoint()}/{'spaces/' if space else ''}{self.name}"

    def _file(self) -> str:
        return shown((self.address and self.address.filename) or "") or self.name


def _raised_in_library(error: BaseException) -> bool:
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(
        frame.f_globals.get("__name__", "").startswith("huggingface_hub") for frame in frames
    )

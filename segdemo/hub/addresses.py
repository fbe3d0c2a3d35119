"""Parses what people paste to name a checkpoint on the Hub into an address."""

import re
from urllib.parse import unquote, urlsplit

from segdemo.errors import HubError
from segdemo.hub.client import endpoint
from segdemo.hub.references import Address, RepoType
from segdemo.wording import shown

_MAX_CHARACTERS = 2000
_QUOTES = "\"'`<>“”‘’«»"
_HUB_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"}
_HUB_LIKE = re.compile(r"huggingface|^hf-|\.hf-|-hf\.|hf-mirror")
_PAGES = re.compile(
    r"api|blog|buckets|chat|collections|docs|join|kernels|learn|login|models|new|notifications"
    r"|organizations|papers|posts|pricing|search|settings|tasks"
)
"""First parts of the Hub's own pages, which are no owners."""
_FILE_ROUTES = frozenset({"blame", "blob", "edit", "raw", "resolve", "tree"})
_REVISION_ROUTES = frozenset({"commit", "commits", *_FILE_ROUTES})
_KINDS: dict[str, RepoType] = {"models": "model", "spaces": "space"}
_SPECIAL_REVISION = re.compile(r"refs/(?:pr/\d+|convert/[^/]+)(?=/|$)")

# Lines of code and commands that cards show; the quoted or bare name in them is the address.
_CALL = re.compile(r"""(?:from_pretrained|hf_hub_download|snapshot_download)\s*\(([^()]*)""")
_ARGUMENT = re.compile(r"""(?:(\w+)\s*=\s*)?(?:"([^"]*)"|'([^']*)')""")
_COMMAND = re.compile(r"(?:\$\s*)?(?:hf|huggingface-cli)\s+download\s+(.+)")
_CLONE = re.compile(r"(?:\$\s*)?git\s+(?:lfs\s+)?clone\s+(\S+)(?:\s+\S+)?")


def parse(text: str) -> Address | None:
    """Parse what a person typed or pasted into an address; None for words to search for.

    Understood are owner/name with @revision and a path behind it, spaces/owner/name, hf:// and the
    addresses of pages and files on the Hub, its mirrors and the configured endpoint, and lines with
    from_pretrained, hf_hub_download, hf download or git clone. A single word is a search, so that
    the few repositories without an owner need their full address.
    Raises HubError for what is neither.
    """
    line = text.strip().strip(_QUOTES).strip()
    if not line:
        raise HubError("hub_empty")
    if len(line) > _MAX_CHARACTERS or not line.isprintable():
        raise _senseless(line)
    if call := _CALL.search(line):
        return _from_call(call[1], line)
    if command := _COMMAND.fullmatch(line):
        return _from_command(command[1].split(), line)
    if clone := _CLONE.fullmatch(line):
        line = clone[1].removesuffix(".git")
    if line.lower().startswith("hf://"):
        return _from_path(line[len("hf://") :], line)
    if re.match(r"https?://", line, re.IGNORECASE) or _host(f"https://{line}") in _known_hosts():
        return _from_url(line, line)
    if any(character.isspace() for character in line):
        return None
    if "/" not in line and "@" not in line:
        if "\\" in line or ".." in line or "--" in line or line.startswith("~"):
            raise _senseless(line)
        return None
    return _from_path(line, line)


def _senseless(text: str) -> HubError:
    return HubError("hub_not_an_address", text=shown(text))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _known_hosts() -> set[str]:
    return _HUB_HOSTS | {_host(endpoint())}


def _from_call(arguments: str, line: str) -> Address:
    """``"x/y", filename="f"`` as they stand between the parentheses of a call."""
    found = [(name, single or double) for name, double, single in _ARGUMENT.findall(arguments)]
    named = {name: value for name, value in found if name}
    unnamed = [value for name, value in found if not name]
    positions = dict(zip(("repo_id", "filename"), unnamed, strict=False))
    words = {**positions, **named}
    repo_id = words.get("repo_id") or words.get("pretrained_model_name_or_path")
    if not repo_id:
        raise _senseless(line)
    return _address(
        words.get("repo_type", "model"),
        repo_id,
        line,
        revision=words.get("revision"),
        filename="/".join(filter(None, (words.get("subfolder"), words.get("filename")))) or None,
    )


def _from_command(words: list[str], line: str) -> Address:
    """``x/y file --revision r`` as it stands behind ``hf download``."""
    options: dict[str, str] = {}
    plain: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("--"):
            plain.append(word.strip(_QUOTES))
            continue
        name, equals, value = word.partition("=")
        options[name] = (value if equals else next(waiting, "")).strip(_QUOTES)
    if not plain:
        raise _senseless(line)
    return _address(
        options.get("--repo-type", "model"),
        plain[0],
        line,
        revision=options.get("--revision"),
        filename=plain[1] if len(plain) == 2 else None,
    )


def _from_url(text: str, line: str) -> Address:
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _senseless(line) from error
    host = _host(url)
    segments = parts.path.strip("/").split("/")
    # Where the paths are those of the Hub, the host only says how the reader gets there: we ask
    # our own endpoint. GitHub has /blob/ and /tree/ too, but no /resolve/.
    if host not in _known_hosts() and not _HUB_LIKE.search(host) and "resolve" not in segments[2:4]:
        raise HubError("hub_foreign_host", host=shown(host))
    if segments[0] == "api" and segments[1:2] and segments[1] in ("models", "spaces", "datasets"):
        segments = segments[1:]
    kind = "models"
    if segments[1:] and segments[0] in (*_KINDS, "datasets"):
        kind, *segments = segments
    if _PAGES.fullmatch(segments[0]):
        raise _senseless(line)
    # Names may hold slashes that are written %2F: segments are split first.
    segments = [unquote(segment) for segment in segments]
    length = 1 if segments[1:2] and segments[1] in _REVISION_ROUTES else 2
    repo_id, rest = "/".join(segments[:length]), segments[length:]
    if not rest or rest[0] not in _REVISION_ROUTES:
        return _address(kind, repo_id, line)
    route, behind = rest[0], "/".join(rest[1:])
    if special := _SPECIAL_REVISION.match(behind):
        revision, path = special[0], behind[special.end() :].strip("/")
    else:
        # Not `behind`: an encoded slash belongs to the revision.
        revision, path = "".join(rest[1:2]), "/".join(rest[2:])
    is_file = route in _FILE_ROUTES - {"tree"}
    return _address(kind, repo_id, line, revision=revision, filename=path if is_file else None)


def _from_path(text: str, line: str) -> Address:
    """``[spaces/]owner/name[@revision][/path]``."""
    kind, slash, rest = text.partition("/")
    if kind not in (*_KINDS, "datasets") or not slash:
        kind, rest = "models", text
    if _PAGES.fullmatch(rest.partition("/")[0]):
        raise _senseless(line)
    if rest.count("/") > 2 and rest.split("/")[2] in _REVISION_ROUTES:
        return _from_url(f"https://huggingface.co/{text}", line)
    before, at, behind = rest.partition("@")
    if at and before.count("/") < 2:
        special = _SPECIAL_REVISION.match(behind)
        revision = special[0] if special else behind.partition("/")[0]
        path = behind[len(revision) :].removeprefix("/")
        return _address(kind, before, line, revision=unquote(revision), filename=path or None)
    segments = rest.split("/")
    path = "/".join(segments[2:]).removesuffix("/")
    return _address(kind, "/".join(segments[:2]), line, filename=path or None)


def _address(
    kind: str, repo_id: str, line: str, *, revision: str | None = None, filename: str | None = None
) -> Address:
    if kind in ("dataset", "datasets"):
        raise HubError("hub_dataset", name=shown(repo_id))
    repo_type = _KINDS.get(f"{kind.removesuffix('s')}s")
    # Dots that climb may be written %2E, and marks that turn a text around, too.
    parts = f"{repo_id} {revision or ''} {filename or ''}"
    if repo_type is None or ".." in parts or not parts.isprintable():
        raise _senseless(line)
    try:
        return Address(
            repo_id=repo_id,
            repo_type=repo_type,
            revision=revision or None,
            filename=filename or None,
        )
    except HubError as error:
        raise _senseless(line) from error

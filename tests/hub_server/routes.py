"""Which answer the Hub gives to which request."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from hub_server import xet
from hub_server.answers import Answer, as_json, ranged, refusal
from hub_server.faults import Kind
from hub_server.store import PREFIXES, Commit, File, Repository, stored

_TYPES = {f"{name}s": name for name in PREFIXES}


class RefusedError(Exception):
    """The answer is a refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class Hub:
    """All that is stored, and who is known."""

    endpoint: str = ""
    storage: str = ""
    """The same server under another host name, where large files are sent from."""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    """Names by token."""
    moved: dict[tuple[str, str], str] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    """Large files that were sent and may be committed, by sha256."""
    page_size: int = 1000
    xet: bool = False
    """Whether large files are offered by Xet, too."""


@dataclass
class Asked:
    """A request, taken apart."""

    method: str
    target: str
    """The path as it was sent, still quoted, with the query."""
    headers: Mapping[str, str]
    body: bytes = b""
    kind: Kind = "api"
    repo: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        split = urlsplit(self.target)
        self.route = split.path.rstrip("/") or "/"
        self.parts = [unquote(part) for part in self.route[1:].split("/")]
        self.query = parse_qs(split.query, keep_blank_values=True)
        if self.parts[:2] == ["api", "resolve-cache"]:
            self.kind = "head" if self.method == "HEAD" else "get"
            self.repo, self.path = "/".join(self.parts[3:5]), "/".join(self.parts[6:])
        elif self.parts[0] == "stored":
            self.kind = "get" if self.method == "GET" else "write"
            self.repo, self.path = self.one("repo"), self.one("path")
        elif self.parts[0] in ("v1", "v2", "xorbs") or "xet-read-token" in self.parts:
            self.kind, self.path = "xet", self.parts[-2]
        elif self.parts in (["api", "models"], ["api", "spaces"]):
            self.kind = "list"
        elif self.parts[0] == "api":
            self.repo = "/".join(self.parts[2:4])
            if set(self.parts) & {"create", "preupload", "commit", "validate-yaml"}:
                self.kind = "write"
        elif self.route.endswith(".git/info/lfs/objects/batch"):
            self.kind = "write"
        elif (place := self._resolve()) is not None:
            self.kind = "head" if self.method == "HEAD" else "get"
            self.repo = "/".join(self.parts[place - 2 : place])
            self.path = "/".join(self.parts[place + 2 :])

    def _resolve(self) -> int | None:
        place = 3 if self.parts[0] in _TYPES else 2
        return place if self.parts[place : place + 1] in (["resolve"], ["raw"]) else None

    @property
    def resolved(self) -> tuple[str, str, str, str] | None:
        """Type, id, revision and path of /{id}/resolve/{revision}/{path}."""
        place = self._resolve()
        if place is None or len(self.parts) < place + 3:
            return None
        return (_TYPES.get(self.parts[0], "model"), self.repo, self.parts[place + 1], self.path)

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    def yes(self, name: str) -> bool:
        return self.one(name).lower() in ("1", "true")


def answer(hub: Hub, asked: Asked) -> Answer:
    """Never raises for what a client can send."""
    try:
        for pattern, methods, handler in _ROUTES:
            if asked.method in methods and (found := re.fullmatch(pattern, asked.route)):
                return handler(hub, asked, *map(unquote, found.groups(default="")))
        if asked.resolved and asked.method in ("GET", "HEAD"):
            return _resolve(hub, asked, *asked.resolved)
    except RefusedError as refused:
        return refused.answer
    return refusal(404, "Sorry, we can't find the page you are looking for.")


def _user(hub: Hub, asked: Asked, *, needed: bool = False) -> str | None:
    """Who asks; a token that nobody has is refused even where none is needed."""
    token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and token not in hub.users:
        raise RefusedError(refusal(401, "Invalid credentials in Authorization header"))
    if needed and not token:
        raise RefusedError(refusal(401, "Invalid username or password."))
    return hub.users.get(token)


def _repository(hub: Hub, asked: Asked, kind: str, name: str, *, file: bool = False) -> Repository:
    """The repository, when the one who asks may read it, or this of its files."""
    user = _user(hub, asked)
    if (kind, name) in hub.moved:
        there = asked.target.replace(name, hub.moved[kind, name], 1)
        raise RefusedError(Answer(307, {"Location": there}))
    found = hub.repositories.get((kind, name))
    if found is None or (found.private and not found.readable_by(user)):
        # Whether it exists is not told, and without a token not even that it does not.
        if user is None:
            raise RefusedError(refusal(401, "Invalid username or password.", code="RepoNotFound"))
        raise RefusedError(refusal(404, "Repository not found", code="RepoNotFound"))
    if found.disabled:
        raise RefusedError(refusal(403, "Access to this resource is disabled."))
    if file and found.gated and not found.readable_by(user):
        text = f"Access to {kind} {name} is restricted"
        if user is None:
            text += ". You must have access to it and be authenticated to access it."
            raise RefusedError(refusal(401, text, code="GatedRepo"))
        text += f" and you are not in the authorized list. Visit {hub.endpoint}/{name}."
        raise RefusedError(refusal(403, text, code="GatedRepo"))
    return found


def _commit(repository: Repository, revision: str) -> Commit:
    found = repository.at(revision)
    if found is None:
        raise RefusedError(refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound"))
    return found


def _file(commit: Commit, path: str) -> File:
    found = commit.files.get(path)
    if found is None:
        known = {"X-Repo-Commit": commit.sha}
        raise RefusedError(refusal(404, "Entry not found", code="EntryNotFound", headers=known))
    return found


def _resolve(hub: Hub, asked: Asked, kind: str, name: str, revision: str, path: str) -> Answer:
    """A redirect, for large files to the storage host, for small ones to a path on this one."""
    repository = _repository(hub, asked, kind, name, file=True)
    commit = _commit(repository, revision)
    file = _file(commit, path)
    headers = {
        "X-Repo-Commit": commit.sha,
        "Accept-Ranges": "bytes",
        "X-Linked-Size": str(len(file.content)),
        "X-Linked-Etag": f'"{file.etag}"',
        "ETag": f'"{file.etag}"',
    }
    if file.lfs:
        facts = urlencode({"type": kind, "repo": name, "path": path, "commit": commit.sha})
        headers["Location"] = f"{hub.storage}/stored/{file.sha256}?{facts}"
        if hub.xet:
            token = f"{hub.endpoint}/api/{kind}s/{name}/xet-read-token/{commit.sha}"
            headers |= xet.headers(file, token)
        return Answer(302, headers)
    there = quote(f"/api/resolve-cache/{kind}s/{name}/{commit.sha}/{path}")
    return Answer(307, headers | {"Location": there})


def _resolve_cache(
    hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str, path: str
) -> Answer:
    repository = _repository(hub, asked, _TYPES[kind], f"{owner}/{name}", file=True)
    commit = _commit(repository, revision)
    file = _file(commit, path)
    headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"', "Content-Type": "text/plain"}
    return ranged(file.content, asked.headers.get("Range"), headers)


def _stored(hub: Hub, asked: Asked, digest: str) -> Answer:
    """The storage host asks for no token: its addresses are secret, and signed."""
    repository = hub.repositories.get((asked.one("type"), asked.repo))
    commit = repository and repository.at(asked.one("commit"))
    file = commit and commit.files.get(asked.path)
    if not file or file.sha256 != digest:
        return Answer(403, {"Content-Type": "application/xml"}, b"<Error>AccessDenied</Error>")
    headers = {"ETag": f'"{digest[:32]}"', "Content-Type": "application/octet-stream"}
    return ranged(file.content, asked.headers.get("Range"), headers)


def _xet_token(hub: Hub, asked: Asked, kind: str, owner: str, name: str, _commit: str) -> Answer:
    _repository(hub, asked, _TYPES[kind], f"{owner}/{name}", file=True)
    return xet.token(hub.storage)


def _xet_plan(hub: Hub, asked: Asked, digest: str) -> Answer:
    return xet.plan(_in_xet(hub, asked, digest), hub.storage)


def _xet_block(hub: Hub, asked: Asked, digest: str) -> Answer:
    """Its addresses are secret, and signed."""
    file = _large(hub, digest)
    return xet.block(file, asked.headers.get("Range")) if file else refusal(404, "No such block")


def _in_xet(hub: Hub, asked: Asked, digest: str) -> File:
    file = _large(hub, digest)
    if asked.headers.get("Authorization") != f"Bearer {xet.TOKEN}":
        raise RefusedError(refusal(401, "No token of the storage"))
    if file is None:
        raise RefusedError(refusal(404, "No such file"))
    return file


def _large(hub: Hub, digest: str) -> File | None:
    commits = [c for each in hub.repositories.values() for c in each.commits.values()]
    files = [file for commit in commits for file in commit.files.values() if file.lfs]
    return next((file for file in files if file.sha256 == digest), None)


def _store(hub: Hub, asked: Asked, digest: str) -> Answer:
    sent = File(asked.body, lfs=True)
    if sent.sha256 != digest:
        return Answer(400, {"Content-Type": "application/xml"}, b"<Error>BadDigest</Error>")
    hub.uploads[digest] = asked.body
    return Answer(200)


def _described(hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str) -> Answer:
    repository = _repository(hub, asked, _TYPES[kind], f"{owner}/{name}")
    commit = _commit(repository, revision or "main")
    expand = asked.query.get("expand", [])
    return as_json(repository.described(commit, blobs=asked.yes("blobs"), expand=expand))


def _tree(
    hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str, folder: str
) -> Answer:
    repository = _repository(hub, asked, _TYPES[kind], f"{owner}/{name}")
    commit = _commit(repository, revision)
    within = f"{folder}/" if folder else ""
    inside = [path for path in sorted(commit.files) if path.startswith(within)]
    if folder and not inside:
        return refusal(404, f"{folder} does not exist", code="EntryNotFound")
    entries: dict[str, dict[str, object]] = {}
    for path in inside:
        steps = path.removeprefix(within).split("/")
        for depth in range(1, len(steps)):
            if depth == 1 or asked.yes("recursive"):
                above = within + "/".join(steps[:depth])
                entries[above] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": above}
        if len(steps) == 1 or asked.yes("recursive"):
            entries[path] = commit.files[path].entry(path)
    return _page(hub, asked, list(entries.values()), hub.page_size)


def _refs(hub: Hub, asked: Asked, kind: str, owner: str, name: str) -> Answer:
    return as_json(_repository(hub, asked, _TYPES[kind], f"{owner}/{name}").refs())


def _paths_info(hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str) -> Answer:
    commit = _commit(_repository(hub, asked, _TYPES[kind], f"{owner}/{name}"), revision)
    if "json" in asked.headers.get("Content-Type", ""):
        paths = json.loads(asked.body)["paths"]
    else:
        paths = parse_qs(asked.body.decode()).get("paths", [])
    return as_json([commit.files[path].entry(path) for path in paths if path in commit.files])


def _whoami(hub: Hub, asked: Asked) -> Answer:
    name = _user(hub, asked, needed=True)
    token = {"displayName": "test", "role": "write"}
    return as_json(
        {"type": "user", "name": name, "fullname": name, "orgs": [], "auth": {"accessToken": token}}
    )


def _search(hub: Hub, asked: Asked, kind: str) -> Answer:
    """Newest facts first asked for; each page links to the next."""
    user = _user(hub, asked)
    words = asked.one("search").lower().split()
    filters = {*asked.query.get("filter", []), *asked.query.get("pipeline_tag", [])}
    expand = asked.query.get("expand", [])
    found = []
    for (type_of, name), repository in hub.repositories.items():
        if type_of != _TYPES[kind] or (repository.private and not repository.readable_by(user)):
            continue
        described = repository.described(repository.commits[repository.branches["main"]])
        if not all(word in name.lower() for word in words) or filters - set(described["tags"]):
            continue
        if asked.one("author", repository.owner) != repository.owner:
            continue
        if "gated" in asked.query and asked.yes("gated") != bool(repository.gated):
            continue
        found.append((repository, described))
    if order := asked.one("sort"):
        found.sort(key=lambda each: each[1].get(order, 0), reverse=True)
    shown = {"_id", "id", "modelId", "private", "downloads", "likes", "tags", "pipeline_tag"}
    shown |= {"library_name", "createdAt"} | (
        {"siblings", "sha", "gated"} if asked.yes("full") else set()
    )
    shown = {"_id", "id", *expand} if expand else shown
    listed = [{key: each[key] for key in each.keys() & shown} for _, each in found]
    return _page(hub, asked, listed, min(hub.page_size, int(asked.one("limit") or hub.page_size)))


def _page(hub: Hub, asked: Asked, items: list, size: int) -> Answer:
    start = int(asked.one("cursor") or 0)
    headers = {}
    if start + size < len(items):
        query = urlencode(asked.query | {"cursor": [str(start + size)]}, doseq=True)
        headers["Link"] = f'<{hub.endpoint}{asked.route}?{query}>; rel="next"'
    return as_json(items[start : start + size], headers=headers)


def _writable(hub: Hub, asked: Asked, kind: str, name: str) -> Repository:
    user = _user(hub, asked, needed=True)
    repository = _repository(hub, asked, kind, name)
    if user != repository.owner:
        text = f"Forbidden: pass `create_pr=1` as a query parameter, {user} may not write here"
        raise RefusedError(refusal(403, text))
    return repository


def _create(hub: Hub, asked: Asked) -> Answer:
    user = _user(hub, asked, needed=True)
    wanted = json.loads(asked.body)
    owner, kind = wanted.get("organization") or user, wanted.get("type") or "model"
    name = f"{owner}/{wanted['name']}"
    place = {"url": f"{hub.endpoint}/{PREFIXES[kind]}{name}", "name": name}
    if owner != user:
        text = f'You don\'t have the rights to create a {kind} under the namespace "{owner}"'
        return refusal(403, text)
    if (kind, name) in hub.repositories:
        text = f"You already created this {kind} repo"
        return as_json({"error": text} | place, status=409, headers={"X-Error-Message": text})
    private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
    hub.repositories[kind, name] = Repository(name, kind, private=private)
    return as_json(place)


def _validate_yaml(_hub: Hub, _asked: Asked) -> Answer:
    return as_json({"errors": [], "warnings": []})


def _preupload(hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str) -> Answer:
    repository = _writable(hub, asked, _TYPES[kind], f"{owner}/{name}")
    present = _commit(repository, revision).files
    modes = []
    for wanted in json.loads(asked.body)["files"]:
        path = wanted["path"]
        file = stored(path, b"\0" * min(wanted["size"], 2**24))
        mode = {"path": path, "uploadMode": "lfs" if file.lfs else "regular", "shouldIgnore": False}
        modes.append(mode | ({"oid": present[path].etag} if path in present else {}))
    return as_json({"files": modes, "commitOid": repository.branches["main"]})


def _batch(hub: Hub, asked: Asked, prefix: str, owner: str, name: str) -> Answer:
    _writable(hub, asked, _TYPES.get(prefix.strip("/"), "model"), f"{owner}/{name}")
    objects = []
    for wanted in json.loads(asked.body)["objects"]:
        known = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in hub.uploads:
            known["actions"] = {"upload": {"href": f"{hub.storage}/stored/{wanted['oid']}"}}
        objects.append(known)
    return as_json({"transfer": "basic", "objects": objects})


def _write(hub: Hub, asked: Asked, kind: str, owner: str, name: str, revision: str) -> Answer:
    repository = _writable(hub, asked, _TYPES[kind], f"{owner}/{name}")
    summary, changes = "", {}
    for line in asked.body.splitlines():
        item = json.loads(line)
        value = item["value"]
        if item["key"] == "header":
            summary = value["summary"]
            parent = value.get("parentCommit")
            if parent not in (None, repository.branches.get(revision)):
                return refusal(412, "A commit has happened since. Please refresh and try again.")
        elif item["key"] == "file":
            changes[value["path"]] = File(base64.b64decode(value["content"]), lfs=False)
        elif item["key"] == "lfsFile":
            if value["oid"] not in hub.uploads:
                return refusal(400, "Your push was rejected: an LFS pointer points to nothing.")
            changes[value["path"]] = File(hub.uploads[value["oid"]], lfs=True)
        elif item["key"] == "deletedFile":
            changes[value["path"]] = None
        elif item["key"] == "deletedFolder":
            inside = value["path"].rstrip("/") + "/"
            there = _commit(repository, revision).files
            changes |= {path: None for path in there if path.startswith(inside)}
    commit = repository.commit(changes, message=summary, branch=revision)
    place = f"{hub.endpoint}/{PREFIXES[repository.type]}{repository.id}"
    return as_json({"success": True, "commitUrl": f"{place}/commit/{commit}", "commitOid": commit})


_KIND, _NAME = r"/api/(models|spaces|datasets)", r"/([^/]+)/([^/]+)"
_READ, _POST = ("GET", "HEAD"), ("POST",)
_ROUTES: tuple[tuple[str, tuple[str, ...], Callable[..., Answer]], ...] = (
    (r"/stored/([0-9a-f]{64})", _READ, _stored),
    (r"/stored/([0-9a-f]{64})", ("PUT",), _store),
    (
        r"/api/resolve-cache/(models|spaces|datasets)/([^/]+)/([^/]+)/([^/]+)/(.+)",
        _READ,
        _resolve_cache,
    ),
    (
        r"/api/(models|spaces)/([^/]+)/([^/]+)/xet-read-token/([0-9a-f]{40})",
        _READ,
        _xet_token,
    ),
    (r"/v1/reconstructions/([0-9a-f]{64})", _READ, _xet_plan),
    (r"/xorbs/([0-9a-f]{64})", _READ, _xet_block),
    (r"/api/whoami-v2", _READ, _whoami),
    (r"/api/repos/create", _POST, _create),
    (r"/api/validate-yaml", _POST, _validate_yaml),
    (_KIND, _READ, _search),
    (_KIND + _NAME + r"(?:/revision/([^/]+))?", _READ, _described),
    (_KIND + _NAME + r"/tree/([^/]+)(?:/(.+))?", _READ, _tree),
    (_KIND + _NAME + r"/refs", _READ, _refs),
    (_KIND + _NAME + r"/paths-info/([^/]+)", _POST, _paths_info),
    (_KIND + _NAME + r"/preupload/([^/]+)", _POST, _preupload),
    (_KIND + _NAME + r"/commit/([^/]+)", _POST, _write),
    (r"/(spaces/|datasets/)?([^/]+)/([^/]+)\.git/info/lfs/objects/batch", _POST, _batch),
)

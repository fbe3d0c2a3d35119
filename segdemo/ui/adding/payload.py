"""What the place for adding checkpoints shows: repositories, verdicts, or a sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segdemo.checkpoints import evidence
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import HubError, SegdemoError
from segdemo.hub.references import Found, Repository, WeightFile
from segdemo.strings import text
from segdemo.ui.licences import licence_line
from segdemo.wording import amount, millions, shown

Kind = Literal["found", "files", "problem"]
_UNREAD_SHOWN = 3
_MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of an answer; all of it may be foreign text."""

    title: str
    facts: str
    """What it is, or why it cannot be used."""
    usable: bool = True
    size: str = ""
    mark: str = ""
    """A word of warning."""

    def to_json(self) -> dict[str, Any]:
        """The item as the browser reads it."""
        return {
            "title": self.title,
            "facts": self.facts,
            "usable": self.usable,
            "size": self.size,
            "mark": self.mark,
        }


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Repositories that were found, the files of one of them, or what went wrong."""

    kind: Kind
    serial: int = 0
    """Of the question that it answers, as the browser counts them."""
    title: str = ""
    facts: tuple[str, ...] = ()
    licence: str = ""
    warning: bool = False
    """Whether the licence deserves a second look."""
    items: tuple[Item, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The answer as the browser reads it."""
        return {
            "schema": "segdemo.adding/1",
            "serial": self.serial,
            "kind": self.kind,
            "title": self.title,
            "facts": list(self.facts),
            "licence": self.licence,
            "warning": self.warning,
            "items": [item.to_json() for item in self.items],
            "note": self.note,
        }


def problem(sentence: str, serial: int) -> Answer:
    """A sentence in the place of an answer."""
    return Answer(kind="problem", serial=serial, note=sentence)


def found(words: str, repositories: Sequence[Found], serial: int) -> Answer:
    """The repositories to choose from."""
    if not repositories:
        return problem(text("add_none_found", words=shown(words)), serial)
    return Answer(
        kind="found",
        serial=serial,
        title=_count("add_found_one", "add_found", len(repositories)),
        items=tuple(
            Item(
                title=repository.repo_id,
                facts=" · ".join(_popularity(repository)),
                mark=text("add_gated") if repository.gated else "",
            )
            for repository in repositories
        ),
    )


def _popularity(repository: Found) -> Iterator[str]:
    yield _count("add_downloads_one", "add_downloads", repository.downloads)
    yield _count("add_likes_one", "add_likes", repository.likes)
    yield shown(repository.licence) or text("add_no_licence")


def files(repository: Repository, serial: int, limit_megabytes: int) -> Answer:
    """The verdict on every file of a repository; one beyond the limit cannot be used."""
    address = repository.address
    facts = [text("add_commit", commit=(address.revision or "")[:7])]
    if repository.private:
        facts.append(text("add_private"))
    if repository.gated:
        facts.append(text("add_gated"))
    licence, warning = licence_line(repository.licence, repository.commercial)
    return Answer(
        kind="files",
        serial=serial,
        title=address.repo_id,
        facts=tuple(facts),
        licence=licence,
        warning=warning,
        items=tuple(
            judged(
                shown(file.address.filename or ""),
                file.bytes,
                file.verdict,
                why_not(file, limit_megabytes),
            )
            for file in repository.files
        ),
        note=_unread(repository),
    )


def why_not(file: WeightFile, limit_megabytes: int) -> SegdemoError | None:
    """The reason against a file, its size included; None when it can be used."""
    if file.verdict.reason is None and over_limit(file.bytes, limit_megabytes):
        return HubError(
            "hub_too_large",
            name=shown(file.address.filename or ""),
            size=amount(file.bytes),
            limit=amount(limit_megabytes * _MEGABYTE),
        )
    return file.verdict.reason


def over_limit(size: int, limit_megabytes: int) -> bool:
    """Whether a checkpoint of so many bytes is more than the settings allow."""
    return size > limit_megabytes * _MEGABYTE


def judged(name: str, size: int, verdict: Verdict, reason: SegdemoError | None) -> Item:
    """A file with its verdict: what it is, or the ``reason`` against it and the way out."""
    if reason is not None:
        return Item(title=name, facts=reason.message(), usable=False, size=amount(size))
    return Item(title=name, facts=" · ".join(_network(verdict)), size=amount(size))


def _network(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.title}, {verdict.configuration}" if verdict.configuration else verdict.title
    if verdict.classes:  # The header of a graph may not tell.
        yield _count("add_class", "add_classes", verdict.classes)
    if verdict.in_channels != 3:
        yield _count("add_channel", "add_channels", verdict.in_channels)
    yield text("add_parameters", millions=millions(verdict.parameters))
    if verdict.inputs is not None:
        yield from evidence.on_inputs(verdict.inputs)


def _unread(repository: Repository) -> str:
    if not repository.unread:
        return ""
    names = ", ".join(shown(name) for name in repository.unread[:_UNREAD_SHOWN])
    more = len(repository.unread) - _UNREAD_SHOWN
    if more > 0:
        names = text("add_and_more", names=names, count=more)
    return text("add_unread", names=names)


def _count(one: str, many: str, count: int) -> str:
    return text(one) if count == 1 else text(many, count=f"{count:,}")

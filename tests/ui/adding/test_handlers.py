import shutil

import pytest
import torch

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import FileError, HubError, SegdemoError, UnknownNetworkError
from segdemo.settings import Settings
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.shelf import Shelf
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.visitor import Visitor
from tests.graphs.graph_files import write
from tests.ui.hub_fakes import COMMIT, READABLE, FakeDownload, FakeHub, remote_entry

UNREADABLE = Verdict(reason=UnknownNetworkError("checkpoint_unknown", count=12))
HOSTILE = "<img src=x onerror=alert(1)> 模型.pth"


@pytest.fixture
def hub():
    hub = FakeHub()
    hub.add(
        "alice/cells",
        ("model.safetensors", 176_000_000, READABLE),
        (HOSTILE, 12, UNREADABLE),
        unread=("model.onnx",),
    )
    return hub


@pytest.fixture
def shelf():
    return Shelf(lambda: [remote_entry()])


@pytest.fixture
def adding(hub, shelf):
    return Adding(settings=Settings(max_download_megabytes=200), hub=hub.access, shelf=shelf)


def until_arrived(visitor):
    rows = [rows.rows for rows in visitor.of(Transfers).follow()][-1]
    assert [row.state for row in rows] == ["arrived"]


def test_an_address_answers_with_the_verdict_on_every_file(adding, visitor):
    answer = adding.look(visitor, "alice/cells", 7)
    assert (answer.kind, answer.serial, answer.title) == ("files", 7, "alice/cells")
    assert answer.facts == (f"commit {COMMIT[:7]}",)
    good, bad = answer.items
    assert (good.title, good.size, good.usable) == ("model.safetensors", "176 MB", True)
    assert good.facts == "U-Net, width 4, depth 2 · 1 class · 31.0 M parameters"
    assert not bad.usable
    assert "of no network" in bad.facts
    assert "model.onnx" in answer.note


def test_names_are_one_short_printable_line(adding, visitor):
    assert adding.look(visitor, "alice/cells", 1).items[1].title == HOSTILE.replace("模型", "??")


def test_words_answer_with_repositories(adding, visitor):
    answer = adding.look(visitor, "cells", 1)
    assert answer.kind == "found"
    assert answer.title == "1 repository"
    assert answer.items[0].title == "alice/cells"
    assert answer.items[0].facts == "1,200 downloads · 1 like · mit"


def test_words_that_find_nothing_answer_with_a_sentence(adding, visitor):
    answer = adding.look(visitor, "nothing", 1)
    assert answer.kind == "problem"
    assert "nothing" in answer.note


@pytest.mark.parametrize("words", ["", "   ", "alice/missing"])
def test_what_goes_wrong_is_a_sentence_in_place(adding, visitor, words):
    answer = adding.look(visitor, words, 3)
    assert (answer.kind, answer.serial) == ("problem", 3)
    assert answer.note.endswith(".")


@pytest.mark.parametrize(
    ("licence", "commercial", "said", "warning"),
    [
        ("mit", True, "Licence: mit.", False),
        ("cc-by-nc-4.0", False, "not for commercial use", True),
        ("other", None, "is not known", True),
        ("", None, "No licence is stated", True),
    ],
)
def test_a_licence_that_deserves_a_second_look_is_marked(
    adding, hub, visitor, licence, commercial, said, warning
):
    hub.add("bob/x", ("a.pth", 1_000_000, READABLE), licence=licence, commercial=commercial)
    answer = adding.look(visitor, "bob/x", 1)
    assert said in answer.licence
    assert answer.warning is warning


def test_a_file_beyond_the_limit_says_so_before_any_download(adding, hub, visitor):
    hub.add("bob/big", ("big.pth", 201_000_000, READABLE))
    item = adding.look(visitor, "bob/big", 1).items[0]
    assert not item.usable
    assert "200 MB" in item.facts
    with pytest.raises(HubError, match="200 MB"):
        adding.use(visitor, 0)


def test_use_lists_the_file_for_this_visitor_and_fetches_it(adding, hub, shelf, visitor, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"")
    download = FakeDownload(path=path)
    hub.downloads.append(download)
    adding.look(visitor, "alice/cells", 1)
    entry = adding.use(visitor, 0)
    assert entry.id in [name for _, name in shelf.choices(visitor)]
    assert shelf.find(entry.id, visitor).path is None
    download.end()
    until_arrived(visitor)
    assert shelf.find(entry.id, visitor).path == path
    assert hub.asked[-1] == ("start", "model.safetensors", None, None)
    assert shelf.find(entry.id, Visitor()) is None


@pytest.mark.parametrize("number", [-1, 2, 10**9])
def test_a_number_that_no_file_has_is_a_sentence(adding, visitor, number):
    adding.look(visitor, "alice/cells", 1)
    with pytest.raises(HubError, match="Look again"):
        adding.use(visitor, number)


def test_what_cannot_be_used_is_not_used_whatever_a_browser_asks(adding, visitor):
    adding.look(visitor, "alice/cells", 1)
    with pytest.raises(UnknownNetworkError):
        adding.use(visitor, 1)
    assert visitor.entries == {}


@pytest.mark.parametrize("closed", ["private", "gated"])
def test_what_only_the_visitors_token_opens_goes_to_a_folder_of_their_own(
    adding, hub, shelf, visitor, closed
):
    hub.add("alice/closed", ("a.pth", 1_000_000, READABLE), **{closed: True})
    download = FakeDownload()
    hub.downloads.append(download)
    answer = adding.look(visitor, "alice/closed", 1, token="hers")
    entry = adding.use(visitor, 0, token="hers")
    assert closed in answer.facts
    download.path = visitor.folder / "a.pth"
    download.path.write_bytes(b"")
    download.end()
    until_arrived(visitor)
    assert ("look", "alice/closed", "hers") in hub.asked
    assert ("start", "a.pth", "hers", visitor.folder) in hub.asked
    assert shelf.find(entry.id, visitor).path == download.path
    assert shelf.find(entry.id, Visitor()) is None
    visitor.close()
    assert not download.path.exists()


def test_a_token_is_not_sent_for_what_everybody_may_fetch(adding, hub, visitor):
    hub.downloads.append(FakeDownload(failure=HubError("hub_cancelled")))
    hub.downloads[0].end()
    adding.look(visitor, "alice/cells", 1, token="hers")
    adding.use(visitor, 0, token="hers")
    list(visitor.of(Transfers).follow())
    assert hub.asked[-1] == ("start", "model.safetensors", None, None)


def test_without_a_sign_in_what_the_operator_may_fetch_goes_to_the_common_cache(
    adding, hub, visitor
):
    hub.add("alice/closed", ("a.pth", 1_000_000, READABLE), private=True)
    hub.downloads.append(FakeDownload(failure=HubError("hub_cancelled")))
    hub.downloads[0].end()
    adding.look(visitor, "alice/closed", 1)
    adding.use(visitor, 0)
    list(visitor.of(Transfers).follow())
    assert hub.asked[-1] == ("start", "a.pth", None, None)


def test_choosing_what_is_on_offer_elsewhere_fetches_it_and_what_is_here_not(
    adding, hub, visitor, entries
):
    hub.downloads.append(FakeDownload())
    adding.begin(visitor, ["far", None, "unknown"])
    assert visitor.of(Transfers).state("far") == "running"


def test_what_is_on_offer_for_all_but_gated_is_fetched_with_the_visitors_token(
    adding, hub, shelf, visitor
):
    refused = FakeDownload(failure=HubError("hub_gated", name="alice/far", page="there"))
    allowed = FakeDownload(path=visitor.folder / "far.pth")
    allowed.path.write_bytes(b"")
    for download in (refused, allowed):
        download.end()
        hub.downloads.append(download)
    adding.begin(visitor, ["far"], token="hers")
    until_arrived(visitor)
    assert [asked[2:] for asked in hub.asked] == [(None, None), ("hers", visitor.folder)]
    assert shelf.find("far", visitor).path == allowed.path
    assert shelf.find("far", Visitor()).path is None


def test_compare_leaves_alone_what_was_stopped(adding, hub, visitor):
    hub.downloads.append(FakeDownload())
    adding.begin(visitor, ["far"])
    visitor.of(Transfers).cancel("far")
    adding.begin_new(visitor, ["far", None])
    assert visitor.of(Transfers).state("far") == "stopped"


@pytest.fixture
def upload(folder, tmp_path):
    def upload(name="first.safetensors"):
        path = tmp_path / "uploads" / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(folder / "first.safetensors", path)
        return path

    return upload


def test_a_file_of_ones_own_is_listed_for_its_visitor_alone(adding, shelf, visitor, upload):
    path = upload()
    entry, facts = adding.take(visitor, path)
    assert facts.startswith("U-Net")
    assert shelf.find(entry.id, visitor).path.is_relative_to(visitor.folder)
    assert shelf.find(entry.id, Visitor()) is None
    assert visitor.of(Transfers).rows().rows == ()


def test_an_upload_stays_for_what_else_it_serves_and_taken_twice_is_one_entry(
    adding, shelf, visitor, upload
):
    path = upload()
    first, _ = adding.take(visitor, path)
    assert path.exists()
    second, _ = adding.take(visitor, path)
    assert first == second
    assert list(visitor.entries) == [first.id]


def test_a_file_of_ones_own_keeps_its_name_in_any_script(adding, visitor, upload):
    entry, _ = adding.take(visitor, upload("血管ü.safetensors"))
    assert entry.path.name == "血管ü.safetensors"


def test_a_file_that_is_no_checkpoint_says_why_and_is_not_kept(adding, visitor, upload):
    path = upload("page.pth")
    path.write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(SegdemoError, match="web page"):
        adding.take(visitor, path)
    assert visitor.entries == {}
    assert [one for one in visitor.folder.rglob("*") if one.is_file()] == []


def test_a_file_beyond_the_limit_is_a_sentence(hub, shelf, visitor, upload):
    adding = Adding(settings=Settings(max_download_megabytes=1), hub=hub.access, shelf=shelf)
    path = upload()
    path.write_bytes(bytes(1_000_001))
    with pytest.raises(FileError, match="larger than 1 MB"):
        adding.take(visitor, path)


def test_where_uploads_are_off_no_file_is_taken(hub, shelf, visitor, upload):
    adding = Adding(settings=Settings(checkpoint_uploads=False), hub=hub.access, shelf=shelf)
    with pytest.raises(FileError) as refused:
        adding.take(visitor, upload())
    assert refused.value.key == "add_uploads_off"


def test_a_dropped_graph_is_described_and_listed(adding, shelf, visitor, tmp_path):
    pytest.importorskip("onnx")
    network = UNet(UNetConfig.standard(width=4, depth=1))
    path = write(network, tmp_path / "mine.onnx", torch.rand(1, 3, 32, 32))
    entry, facts = adding.take(visitor, path)
    assert facts.startswith("ONNX, 3 × 32 × 32 float32, output mask")
    assert (entry.title, shelf.find(entry.id, visitor)) == ("mine", entry)

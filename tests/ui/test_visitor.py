import gc
from copy import deepcopy

from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.visitor import Visitor
from tests.ui.hub_fakes import FakeDownload, remote_entry


def test_a_session_begins_with_nothing_of_another_one():
    first = Visitor()
    first.entries["far"] = remote_entry()
    second = deepcopy(first)
    assert second.entries == {}
    assert second.of(Transfers) is not first.of(Transfers)
    assert second.folder != first.folder
    first.close()
    second.close()


def test_the_folder_goes_with_the_visitor():
    visitor = Visitor()
    folder = visitor.folder
    (folder / "private.safetensors").write_bytes(b"secret")
    visitor.close()
    assert not folder.exists()
    visitor.close()


def test_the_folder_of_a_visitor_who_is_forgotten_goes_too():
    visitor = Visitor()
    folder = visitor.folder
    del visitor
    gc.collect()
    assert not folder.exists()


def test_leaving_stops_the_downloads():
    visitor, download = Visitor(), FakeDownload()
    visitor.of(Transfers).begin(remote_entry(), lambda: download, print)
    download.step(1, 2)
    next(rows for rows in visitor.of(Transfers).follow() if rows.rows[0].percent is not None)
    visitor.close()
    assert download.cancelled

import gc
from copy import deepcopy

import pytest

from segdemo.spec import Overrides
from segdemo.ui.intake.desk import Desk
from segdemo.ui.returning import Returning
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


def test_who_comes_back_has_what_was_theirs_and_the_folder_goes_with_them_now():
    returning, before, after = Returning(), Visitor(), Visitor()
    before.entries["mine"] = remote_entry()
    before.overrides[0] = ("mine", Overrides(assume="other"))
    before.of(Desk).chosen = ("mine",)
    folder = before.folder
    key = returning.key_of(before)
    assert returning.back(after, key, (Desk,))
    before.close()
    assert folder.exists()
    assert (after.folder, after.entries.keys()) == (folder, {"mine"})
    assert after.overrides[0][1].assume == "other"
    assert after.of(Desk).chosen == ("mine",)
    assert returning.key_of(after) == key
    after.close()
    assert not folder.exists()


@pytest.mark.parametrize("key", ["", "x"])
def test_a_key_that_nobody_has_brings_nothing(key):
    returning, visitor = Returning(), Visitor()
    assert not returning.back(visitor, key, (Desk,))
    assert not returning.back(visitor, returning.key_of(visitor), (Desk,))


def test_who_has_left_for_good_does_not_come_back():
    returning, before = Returning(), Visitor()
    key = returning.key_of(before)
    before.close()
    assert not returning.back(Visitor(), key, (Desk,))

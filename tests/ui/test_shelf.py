import pytest

from segdemo.catalog import CatalogEntry
from segdemo.hub.references import Address
from segdemo.ui.shelf import Shelf, label
from segdemo.ui.visitor import Visitor
from tests.ui.hub_fakes import remote_entry


@pytest.fixture
def here(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"")
    return path


def entry(name, source, path, **changes):
    facts = {"id": name, "title": name.title(), "architecture": "unet", "task": "", "bytes": 2_500}
    return CatalogEntry(**facts | {"source": source, "path": path} | changes)


ADDRESS = Address(repo_id="alice/cells", filename="model.safetensors")


def test_a_newcomer_reads_first_what_runs_at_once(here):
    offer = [
        remote_entry(
            "zoo", source="torchvision", address=Address(repo_id="x", source="torchvision")
        ),
        remote_entry("far"),
        entry("cached", "cached", here, address=ADDRESS),
        entry("folder", "folder", here),
        entry("shipped", "shipped", here),
    ]
    visitor = Visitor()
    visitor.entries["mine"] = entry("mine", "upload", here)
    names = [one.id for one in Shelf(lambda: offer).entries(visitor)]
    assert names == ["shipped", "folder", "mine", "cached", "far", "zoo"]


def test_a_label_has_title_source_and_size_and_marks_what_must_be_downloaded(here):
    assert label(entry("vessels", "shipped", here, bytes=1_940_000)) == "Vessels · shipped · 1.9 MB"
    assert label(remote_entry("salient")) == "Salient · Hub · 176 MB\N{NO-BREAK SPACE}↓"
    assert label(remote_entry("salient", path=here)) == "Salient · Hub · 176 MB"


def test_a_label_warns_of_a_licence_against_commercial_use():
    assert "non-commercial" in label(remote_entry(commercial=False))
    assert "non-commercial" not in label(remote_entry(commercial=None))


def test_a_source_that_the_title_names_is_not_said_twice(here):
    one = entry("fcn", "torchvision", here, title="FCN (torchvision)", address=ADDRESS)
    assert label(one) == "FCN (torchvision) · 2.5 kB"


def test_offline_only_what_is_here_is_offered(here):
    shelf = Shelf(lambda: [entry("shipped", "shipped", here), remote_entry()], online=False)
    assert [one.id for one in shelf.entries()] == ["shipped"]


def test_what_one_visitor_fetched_is_there_for_all(here):
    shelf, alice, bob = Shelf(lambda: [remote_entry()]), Visitor(), Visitor()
    shelf.arrived(shelf.find("far", alice), here, alice)
    assert shelf.find("far", bob).path == here


def test_what_is_confidential_is_there_for_its_visitor_alone(here):
    shelf, alice, bob = Shelf(list), Visitor(), Visitor()
    alice.entries["far"] = remote_entry()
    alice.confidential.add("far")
    shelf.arrived(alice.entries["far"], here, alice)
    assert shelf.find("far", alice).path == here
    assert shelf.find("far", bob) is None
    assert shelf.choices(bob) == []


def test_a_file_that_left_the_cache_has_to_be_downloaded_again(here):
    shelf, visitor = Shelf(lambda: [remote_entry()]), Visitor()
    shelf.arrived(shelf.find("far"), here, visitor)
    here.unlink()
    assert shelf.find("far").path is None


def test_refreshing_reads_the_offer_again_and_tells_whether_it_changed():
    offer = []
    shelf = Shelf(lambda: offer)
    assert not shelf.refresh()
    offer.append(remote_entry())
    assert shelf.refresh()
    assert shelf.find("far").title == "Far"

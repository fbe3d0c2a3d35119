from urllib.parse import urlencode

import pytest

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints.published import published
from segdemo.hub.references import Address
from segdemo.settings import Settings
from segdemo.ui.sharing.opening import open_link
from segdemo.ui.viewer.links import Link, NextView, address_of, name_of, pairs_of
from segdemo.ui.viewer.payload import PanelState, ViewerState
from segdemo.ui.viewer.stored import examples
from segdemo.ui.visitor import Visitor
from tests.table import every
from tests.ui.hub_fakes import COMMIT, READABLE, FakeHub, remote_entry
from tests.ui.test_handlers import make

PLACE = f"alice/nets@{COMMIT}:unet.pth"


@pytest.fixture
def hub():
    hub = FakeHub()
    hub.add("alice/nets", ("unet.pth", 5, READABLE))
    return hub


# --- What a link says -------------------------------------------------------------------------


def test_a_link_says_checkpoints_example_and_view():
    link = Link.read("?m=one&m=two&ex=retina&t=90&mode=heat&view=swipe")
    assert link.checkpoints == ("one", "two")
    assert link.example == "retina"
    assert link.state == ViewerState(threshold=90, mode="heat", layout="swipe")


def test_a_link_may_say_a_threshold_for_each_panel():
    state = Link.read("?m=a&m=b&t=0,300").state
    assert state.panels == (PanelState(threshold=1), PanelState(threshold=255))


def test_a_link_may_say_what_each_panel_shows_of_its_classes_and_in_which_colours():
    state = Link.read("?m=a&m=b&m=c&t=90&pick=3,,foreground&palette=,voc").state
    assert state.panels == (
        PanelState(threshold=90, pick="3"),
        PanelState(threshold=90, palette="voc"),
        PanelState(threshold=90, pick="foreground"),
    )


@every("words", ["pick=<b>,99999,-1", "palette=red,VOC", "pick=,,&palette=,"])
def test_classes_and_colours_that_nobody_knows_are_left_out(words):
    assert Link.read(f"?{words}") == Link()


@every(
    "query",
    ["", "?", "?t=1e3&mode=x&view=%00", "?t=-1", "?t=1,2,3,4,5", "?t=²", "?" + "&".join("a" * 80)],
)
def test_what_makes_no_sense_is_left_out(query):
    assert Link.read(query) == Link()


def test_more_checkpoints_than_panels_are_left_out():
    assert len(Link.read("?" + "&".join(["m=a"] * 40)).checkpoints) == 4


# --- What a checkpoint is called --------------------------------------------------------------


def entry(source, address=None, name="its-id"):
    return CatalogEntry(
        id=name, title="", architecture="", task="", bytes=1, source=source, address=address
    )


@every("repo_type", ["model", "space"])
def test_a_file_on_the_hub_is_named_by_its_place_and_found_by_it(repo_type):
    address = Address(
        repo_id="alice/nets", revision=COMMIT, filename="a/unet.pth", repo_type=repo_type
    )
    assert address_of(name_of(entry("hub", address))) == address


def test_what_everybody_knows_is_named_by_its_id():
    known = next(one for one in published() if one.source == "hub")
    address = Address(repo_id=known.repo_id, revision=COMMIT, filename=known.filename)
    assert name_of(entry("hub", address, known.id)) == known.id
    assert name_of(entry("shipped")) == "its-id"


def test_a_file_of_ones_own_is_in_no_link():
    pairs = pairs_of([entry("shipped"), entry("upload")], "retina")
    assert pairs == (("m", "its-id"), ("ex", "retina"))


@every("name", ["", "word", "a/b", "a/b@c", "../b@c:d", "a/b@../c:d", "a/b@c:../d", "a/b@c:/etc/x"])
def test_what_is_no_place_on_the_hub_is_none(name):
    assert address_of(name) is None


# --- Opening one ------------------------------------------------------------------------------


def test_a_link_chooses_the_checkpoints_and_keeps_the_view_for_the_picture(
    entries, visitor, picture_path
):
    handlers = make(entries)
    opened = open_link(handlers, visitor, "?m=last&m=first&t=77&mode=mask")
    assert opened.checkpoints == ["last", "first"]
    assert opened.picture is opened.comparison is None
    *_, last = handlers.compare(visitor, picture_path, opened.checkpoints)
    assert last.state == ViewerState(threshold=77, mode="mask")
    *_, again = handlers.compare(visitor, picture_path, opened.checkpoints)
    assert again.state is None


def test_a_comparison_says_what_a_link_to_it_names(entries, visitor, picture_path):
    *_, last = make(entries).compare(visitor, picture_path, ["first", "last"])
    assert last.to_json()["link"] == [["m", "first"], ["m", "last"]]


def test_a_checkpoint_that_is_not_offered_is_a_warning_and_the_others_open(entries, visitor):
    opened = open_link(make(entries), visitor, "?m=nonsense%3Cb%3E&m=first")
    assert opened.checkpoints == ["first", None]
    assert "nonsense<b>" in opened.warnings[0]


def test_a_file_on_the_hub_is_listed_for_the_visitor_and_not_fetched(entries, visitor, hub):
    handlers = make(entries, hub)
    opened = open_link(handlers, visitor, f"?{urlencode({'m': PLACE})}")
    (name, _) = opened.checkpoints
    assert visitor.entries[name].address.filename == "unet.pth"
    assert [asked[0] for asked in hub.asked] == ["look"]
    assert handlers.shelf.find(name, Visitor()) is None


def test_what_is_listed_already_is_not_looked_at_again(entries, visitor, hub):
    handlers = make(entries, hub)
    first = open_link(handlers, visitor, f"?m={PLACE}")
    second = open_link(handlers, visitor, f"?m={name_of(visitor.entries[first.checkpoints[0]])}")
    assert second.checkpoints == first.checkpoints
    assert len(hub.asked) == 1


def test_a_repository_that_cannot_be_seen_is_a_warning(entries, visitor):
    opened = open_link(make(entries), visitor, f"?m={PLACE}")
    assert "alice/nets" in opened.warnings[0]
    assert opened.checkpoints == ["first", "broken"]


def test_a_checkpoint_that_has_to_be_fetched_waits_in_its_panel(entries, visitor, picture_path):
    handlers = make(entries)
    opened = open_link(handlers, visitor, "?m=far")
    *_, last = handlers.compare(visitor, picture_path, opened.checkpoints)
    assert last.panels[0].status == "absent"
    assert remote_entry().id == "far"


def test_another_visitors_file_is_not_opened(entries, visitor):
    other = Visitor()
    other.entries["hers"] = remote_entry("hers", path=entries[0].path)
    opened = open_link(make(entries), visitor, "?m=hers")
    assert opened.checkpoints == ["first", "broken"]


# --- Examples ---------------------------------------------------------------------------------


@pytest.fixture
def with_examples(entries):
    """A page that has the stored comparisons, whatever their checkpoints."""
    handlers = make(entries)
    handlers._settings = Settings(device="cpu")
    handlers.examples = list(examples())
    return handlers


def test_an_example_opens_as_it_is_stored_in_the_view_of_the_link(with_examples, visitor):
    example = with_examples.examples[1]
    opened = open_link(with_examples, visitor, f"?ex={example.picture.stem}&t=99")
    assert opened.checkpoints == [*example.checkpoints]
    assert opened.comparison.state.threshold == 99
    assert opened.comparison.run != example.run
    assert visitor.of(NextView).state is None


def test_an_example_with_other_checkpoints_is_compared_anew(with_examples, visitor):
    example = with_examples.examples[0]
    opened = open_link(with_examples, visitor, f"?ex={example.picture.stem}&m=first&t=99")
    assert opened.comparison is None
    assert opened.picture == str(example.picture)
    *_, last = with_examples.compare(visitor, opened.picture, opened.checkpoints[:1])
    assert last.state.threshold == 99
    assert last.link == (("m", "first"), ("ex", example.picture.stem))


def test_the_link_to_an_example_opens_it(with_examples, visitor):
    comparison = with_examples.examples[2].comparison
    made = Link.read(urlencode(comparison.link))
    assert made.checkpoints == with_examples.examples[2].checkpoints
    assert made.example == with_examples.examples[2].picture.stem


def test_an_example_that_is_not_there_is_a_warning(with_examples, visitor):
    opened = open_link(with_examples, visitor, "?ex=../../etc/passwd&m=first")
    assert opened.picture is None
    assert "../../etc/passwd" in opened.warnings[0]

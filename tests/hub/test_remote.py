"""Remote files: which parts are fetched, and what happens when others come."""

import io
import itertools

import pytest
import torch
from hub_server import HubServer
from safetensors.torch import save
from table import every

from segdemo.checkpoints.peek import peek
from segdemo.errors import HubError
from segdemo.hub.references import Address
from segdemo.hub.remote import HubRanges, RangeFile

SIZE = 1_000_000
CONTENT = bytes(range(256)) * (SIZE // 256) + bytes(SIZE % 256)


class Parts:
    """Gives parts of a content and remembers which."""

    def __init__(self, content=CONTENT):
        self.content = content
        self.asked = []

    def __call__(self, start, stop):
        assert 0 <= start < stop <= len(self.content)
        self.asked.append((start, stop))
        return self.content[start:stop]

    @property
    def fetched(self):
        return sum(stop - start for start, stop in self.asked)


@pytest.fixture
def parts():
    return Parts()


def opened(parts, **options):
    return io.BufferedReader(RangeFile(parts, name="a.pth", size=len(parts.content), **options))


def test_it_reads_like_the_file_itself(parts):
    file, same = opened(parts), io.BytesIO(CONTENT)
    for offset, whence, count in [
        (0, 0, 10), (-22, 2, 22), (-70_000, 2, 69_000), (500_000, 0, 3), (-3, 1, 90_000),
        (96_000, 0, 5000), (499_000, 0, 200_000), (SIZE + 5, 0, 10), (0, 0, 0), (SIZE - 2, 0, 9),
    ]:  # fmt: skip
        assert file.seek(offset, whence) == same.seek(offset, whence)
        assert file.read(count) == same.read(count)
        assert file.tell() == same.tell()


def test_nothing_is_fetched_twice(parts):
    file = opened(parts)
    for start in (0, SIZE - 30, 90_000, 400_000, 399_000, SIZE - 80_000, 120_000):
        file.seek(start)
        file.read(30_000)
    covered = sorted(parts.asked)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(covered))


def test_the_beginning_and_the_end_are_one_part_each(parts):
    file = opened(parts)
    for start in (0, 8, 90_000, SIZE - 22, SIZE - 60_000, SIZE - 1, 300):
        file.seek(start)
        file.read(40)
    assert len(parts.asked) == 2
    assert parts.fetched <= 170_000


@every("size", [1, 5000, 100_000, 150_000])
def test_a_small_file_is_one_part(size):
    parts = Parts(CONTENT[:size])
    file = opened(parts)
    for start in (0, size - 1, size // 2):
        file.seek(start)
        file.read(10)
    assert parts.asked == [(0, size)]


def test_an_empty_file_is_not_asked_for():
    parts = Parts(b"")
    assert opened(parts).read(10) == b""
    assert parts.asked == []


def test_opening_and_seeking_fetch_nothing(parts):
    file = opened(parts)
    file.seek(0, io.SEEK_END)
    file.seek(100)
    assert parts.asked == []


def test_no_place_is_before_the_beginning(parts):
    with pytest.raises(OSError, match="beginning"):
        opened(parts).seek(-SIZE - 1, io.SEEK_END)


def test_more_than_the_budget_is_not_fetched(parts):
    file = opened(parts, budget=200_000)
    with pytest.raises(HubError) as caught:
        file.read(SIZE)
    assert caught.value.key == "hub_peek_budget"
    assert parts.fetched <= 200_000


def checkpoint(kind, count):
    """As many tensors as a network has, with long names and few numbers."""
    tensors = {f"stage{n}.rebnconv.bn_s1.running_mean": torch.ones(500) for n in range(count)}
    if kind == "safetensors":
        return save(tensors)
    stream = io.BytesIO()
    torch.save(tensors, stream, _use_new_zipfile_serialization=kind == "zip")
    return stream.getvalue()


@every(
    ("kind", "count", "requests", "limit"),
    [
        (kind, *row)
        for kind in ["zip", "legacy", "safetensors"]
        for row in [(800, 3, 200_000), (3000, 8, 800_000)]
    ],
)
def test_a_checkpoint_is_described_by_few_parts_of_little(kind, count, requests, limit):
    parts = Parts(checkpoint(kind, count))
    found = peek(opened(parts), name="a.pth", size=len(parts.content))
    assert len(found.content) == count
    assert len(parts.asked) <= requests
    assert parts.fetched <= limit < len(parts.content)


# Over HTTP.


@pytest.fixture
def fetching(hub: HubServer):
    """Ranges of a file on the Hub; ``size`` is what its listing said."""
    hub.add("alice/cells", {"weights/a b.pth": CONTENT, "small.txt": CONTENT[:5000]})

    def ranges(path="weights/a b.pth", *, size=SIZE, repo="alice/cells", token=None, seconds=60.0):
        address = Address(repo_id=repo, filename=path)
        return HubRanges(address, size=size, token=token, seconds=lambda: seconds)

    return ranges


def refused(ranges, start=10, stop=5000):
    with pytest.raises(HubError) as caught:
        ranges(start, stop)
    assert "\n" not in str(caught.value)
    return caught.value.key


def test_a_part_comes_as_it_was_asked_for(hub, fetching):
    ranges = fetching()
    assert ranges(1000, 70_000) == CONTENT[1000:70_000]
    assert ranges(SIZE - 5, SIZE) == CONTENT[-5:]
    assert [request.range for request in hub.requests if request.sent] == [
        "bytes=1000-69999",
        f"bytes={SIZE - 5}-{SIZE - 1}",
    ]
    # The redirect is followed once: the second part is asked where the first one came from.
    assert [request.status for request in hub.requests] == [302, 206, 206]


def test_a_small_file_has_parts_too(fetching):
    assert fetching("small.txt", size=5000)(7, 9) == CONTENT[7:9]


def test_the_token_goes_to_the_hub_alone(hub, fetching):
    hub.add("bob/own", {"a.pth": CONTENT}, private=True)
    token = hub.user("bob")
    ranges = fetching("a.pth", repo="bob/own", token=token)
    ranges(0, 100)
    ranges(200, 300)
    assert [request.token for request in hub.requests] == [token, "", ""]


@every("place", [(0, 100_000), (300_000, 400_000)])
def test_who_knows_no_ranges_is_listened_to_as_far_as_needed(hub, fetching, place):
    hub.heal()
    hub.fault("no_ranges", on="get")
    assert fetching()(*place) == CONTENT[slice(*place)]


def test_a_whole_large_file_is_not_read_for_its_end(hub, fetching, monkeypatch):
    monkeypatch.setattr("segdemo.hub.remote.BUDGET_BYTES", 500_000)
    hub.fault("no_ranges", on="get")
    assert refused(fetching(), SIZE - 5, SIZE) == "hub_no_ranges"


@every(
    "told",
    [
        f"bytes 0-4989/{SIZE}",
        f"bytes 10-4999/{SIZE + 1}",
        "bytes 10-4999/*",
        f"bytes 10-4998/{SIZE}",
        "nonsense",
        None,
    ],
)
def test_an_answer_about_other_bytes_is_refused(hub, fetching, told):
    hub.heal()
    hub.fault("headers", on="get", headers={"Content-Range": told})
    assert refused(fetching()) == "hub_other_part"


def test_a_file_that_is_longer_than_its_listing_said_is_refused(fetching):
    assert refused(fetching(size=SIZE - 1)) == "hub_other_part"


@every(
    ("fault", "options", "keys"),
    [
        ("shorter", {}, {"hub_other_part", "hub_broken_off"}),
        ("truncate", {"part": 0.5}, {"hub_broken_off", "hub_other_part"}),
        ("page", {}, {"hub_other_part"}),
        ("drop", {}, {"hub_broken_off"}),
        ("garbage", {}, {"hub_no_hub", "hub_broken_off"}),
        ("status", {"status": 503}, {"hub_down"}),
        ("status", {"status": 429}, {"hub_rate_limited_unknown"}),
        ("status", {"status": 403}, {"hub_forbidden"}),
        ("redirect_loop", {}, {"hub_no_hub"}),
        ("hang", {}, {"hub_silent"}),
        ("stall", {}, {"hub_silent"}),
        ("trickle", {"size": 1, "seconds": 0.05}, {"hub_silent"}),
    ],
)
def test_every_trouble_has_its_sentence(hub, fetching, fault, options, keys):
    hub.heal()
    hub.fault(fault, on="get", **options)
    assert refused(fetching(seconds=0.5 if "hub_silent" in keys else 60.0), 0, 60_000) in keys


def test_an_answer_without_an_end_is_left_when_enough_has_come(hub, fetching):
    hub.fault("endless", on="get")
    assert fetching()(0, 1000) == CONTENT[:1000]


def test_what_is_not_there_is_told(fetching):
    assert refused(fetching("b.pth")) == "hub_no_file_of"
    assert refused(fetching(repo="alice/none")) == "hub_not_found"


def test_a_narrow_reader_fetches_little_and_nothing_twice(parts):
    ranges = RangeFile(parts, name="a.pth", size=SIZE)
    ranges.seek(0)
    assert ranges.read(10) == CONTENT[:10]
    fetched = parts.fetched
    narrow = io.BufferedReader(ranges.narrowed(50_000))
    narrow.seek(5)
    assert narrow.read(100) == CONTENT[5:105]
    assert parts.fetched == fetched
    narrow.seek(600_000)
    assert narrow.read(100) == CONTENT[600_000:600_100]
    assert 100 <= parts.fetched - fetched <= 40_000
    narrow.seek(800_000)
    with pytest.raises(HubError):
        narrow.read(100_000)

from segdemo.errors import HubError
from segdemo.ui.transfers.transfers import MAX_RUNNING, Transfers
from tests.table import every
from tests.ui.hub_fakes import FakeDownload, remote_entry

FAR = remote_entry()


def begin(transfers, download, entry=FAR):
    paths = []
    transfers.begin(entry, lambda: download, paths.append)
    return paths


def until(transfers, holds):
    """The first rows for which ``holds`` is true of the last one."""
    return next(rows.rows[-1] for rows in transfers.follow() if holds(rows.rows[-1]))


def test_nothing_under_way_is_no_row():
    (rows,) = Transfers().follow()
    assert rows.rows == ()


def test_before_its_first_byte_a_download_is_connecting():
    transfers = Transfers()
    begin(transfers, FakeDownload())
    row = transfers.rows().rows[0]
    assert (row.id, row.title, row.state, row.percent) == ("far", "Far", "running", None)
    assert row.text == "Connecting…"


def test_progress_is_told_in_megabytes_and_percent():
    transfers, download = Transfers(), FakeDownload()
    begin(transfers, download)
    download.step(44_000_000, 176_000_000)
    row = until(transfers, lambda row: row.percent)
    assert row.percent == 25
    assert row.text == "44 of 176 MB · 25 %"


def test_speed_and_time_left_are_told_once_they_mean_something():
    clock = iter([0.0, 0.5, 4.0])
    transfers, download = Transfers(now=lambda: next(clock)), FakeDownload()
    begin(transfers, download)
    for received in (0, 30_000_000, 40_000_000):
        download.step(received, 176_000_000)
    texts = []
    until(transfers, lambda row: texts.append(row.text) or row.text.startswith("40 of"))
    assert texts[-1] == "40 of 176 MB · 22 % · 10.0 MB/s · 14 s left"
    assert not any("MB/s" in text for text in texts[:-1])


def test_one_that_arrives_says_so_and_tells_where():
    transfers, download = Transfers(), FakeDownload(path="here")
    paths = begin(transfers, download)
    download.end()
    assert until(transfers, lambda row: row.state == "arrived").id == "far"
    assert paths == ["here"]
    transfers.dismiss_arrived()
    assert transfers.rows().rows == ()


def test_a_failure_stands_in_its_row_until_it_is_dismissed():
    transfers = Transfers()
    download = FakeDownload(failure=HubError("hub_silent", host="hub", seconds=20))
    begin(transfers, download)
    download.end()
    row = until(transfers, lambda row: row.state == "failed")
    assert "did not answer within 20 s" in row.text
    transfers.dismiss("far")
    assert transfers.rows().rows == ()


def test_cancel_reaches_the_download_and_the_row_says_stopped_at_once():
    transfers, download = Transfers(), FakeDownload()
    begin(transfers, download)
    download.step(1, 176_000_000)
    until(transfers, lambda row: row.percent is not None)
    transfers.cancel("far")
    row = transfers.rows().rows[0]
    assert row.state == "stopped"
    assert "176 MB" in row.text
    assert download.cancelled


def test_one_that_runs_cannot_be_dismissed_nor_begun_twice():
    transfers, started = Transfers(), []
    begin(transfers, FakeDownload())
    transfers.begin(FAR, lambda: started.append(1), print)
    transfers.dismiss("far")
    assert started == []
    assert transfers.state("far") == "running"


def test_what_was_cancelled_can_begin_again():
    transfers, second = Transfers(), FakeDownload(path="here")
    begin(transfers, FakeDownload())
    transfers.cancel("far")
    paths = begin(transfers, second)
    second.end()
    until(transfers, lambda row: row.state == "arrived")
    assert paths == ["here"]


def test_more_than_a_few_at_a_time_wait_for_a_second_try():
    transfers = Transfers()
    for number in range(MAX_RUNNING + 1):
        begin(transfers, FakeDownload(), remote_entry(f"far-{number}"))
    *running, last = transfers.rows().rows
    assert {row.state for row in running} == {"running"}
    assert last.state == "failed"
    assert f"{MAX_RUNNING} downloads" in last.text


def test_closing_stops_everything():
    transfers, download = Transfers(), FakeDownload()
    begin(transfers, download)
    download.step(1, 2)
    until(transfers, lambda row: row.percent is not None)
    transfers.close()
    assert download.cancelled


@every("followed", [False, True])
def test_rows_say_whether_more_is_to_come_unasked(followed):
    assert Transfers().rows(followed=followed).to_json()["followed"] is followed


def test_later_rows_have_larger_numbers():
    transfers, download = Transfers(), FakeDownload()
    first = transfers.rows().serial
    begin(transfers, download)
    assert transfers.rows().serial > first

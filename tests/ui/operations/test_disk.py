"""Uploads never fill the disk, and no address takes all of what there is."""

from segdemo.ui.operations.disk import DiskQuota


def test_the_folder_and_what_is_on_its_way_stay_below_the_limit(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "there").write_bytes(bytes(500))
    quota = DiskQuota(1000, lambda: tmp_path, clock=lambda: 0.0)
    assert quota.refusal("a", 300) is None
    assert quota.refusal("b", 300).key == "upload_disk"
    assert quota.refusal("b", 200) is None
    assert quota.used() == 1000


def test_one_address_has_half_of_the_whole_within_a_day(tmp_path):
    now = [0.0]
    quota = DiskQuota(1000, lambda: tmp_path, clock=lambda: now[0])
    assert quota.refusal("a", 400) is None
    assert quota.refusal("a", 200).key == "upload_share"
    assert quota.refusal("b", 200) is None
    now[0] = 90_000.0
    assert quota.refusal("a", 200) is None
    assert quota.used() == 200


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path):
    assert DiskQuota(10, lambda: tmp_path / "none").used() == 0

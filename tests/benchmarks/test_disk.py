"""The disk's own time is measured beside a figure that waits for it."""

import pytest

from benchmarks import disk


def test_what_the_disk_has_written_only_grows() -> None:
    before = disk.disk_written_bytes()
    if before is None:
        pytest.skip("temporary files are on no disk of their own")
    disk.disk_sync_us()
    after = disk.disk_written_bytes()
    assert after is not None
    assert after > before


def test_the_disk_takes_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "SYNC_COUNT", 3)
    assert 0 < disk.disk_sync_us() < 60_000_000

"""Logs as they are made: empty, and not started."""

import pytest

from persistence.log_form import LogForm
from persistence.log_making import LogMaker, StoreLimits
from persistence.log_state import LogOptions
from persistence.record import PERSISTENT, Record
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE


def maker() -> LogMaker:
    return LogMaker(FaultFS(), StoreLimits(), lambda: 0, lambda: None)


def test_each_log_has_its_form_and_its_folder() -> None:
    made = (
        maker().log(7, LogOptions()),
        maker().stream_log(8),
        maker().replica_log(9, LogOptions()),
    )
    assert [each.form for each in made] == [LogForm.QUEUE, LogForm.STREAM, LogForm.MIRRORED]
    assert [each.directory for each in made] == [f"queues/{number:016x}" for number in (7, 8, 9)]


def test_a_transient_queue_spills_beside_the_others() -> None:
    assert maker().log(7, LogOptions(durable=False)).directory == f"spill/{7:016x}"


def test_nothing_is_appended_before_the_start() -> None:
    run = [Record(ROUTE, HEADER, b"a", PERSISTENT)]
    with pytest.raises(AssertionError, match="not been started"):
        maker().log(7, LogOptions()).append(0, run)

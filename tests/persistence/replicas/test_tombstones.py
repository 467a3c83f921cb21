"""What is left of a replica that was dropped."""

import pytest

from persistence.definitions_format import (
    apply_changes,
    decode_key,
    encode_change,
    split_changes,
)
from persistence.replicas.tombstones import (
    KEPT_MS,
    KIND,
    Tombstones,
    stored_tombstones,
    tombstone_change,
)
from tests.persistence.replicas.test_log import new_log

DELETION = encode_change(("mirror", "q1"), None)


class Changes:
    """Takes definitions."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def append_definition(self, change: bytes) -> int:
        self.taken.append(change)
        return len(self.taken)


def test_a_tombstone_is_there_before_the_definition_goes() -> None:
    changes, log, tombstones = Changes(), new_log(), Tombstones({})
    tombstones.drop("q1", log, DELETION, changes, 5)
    assert changes.taken == [tombstone_change("q1", 5), DELETION]
    assert log.is_dropped
    assert "q1" in tombstones
    assert "q2" not in tombstones


def test_a_drop_that_a_crash_has_cut_off_is_finished() -> None:
    changes, log, tombstones = Changes(), new_log(), Tombstones({"q1": 5})
    tombstones.drop("q1", log, DELETION, changes, 9)
    assert changes.taken == [DELETION]
    assert log.is_dropped
    tombstones.drop("q1", log, DELETION, changes, 9)
    assert len(tombstones) == 1


@pytest.mark.parametrize(("count_max", "now_ms"), [(2, 10), (9, KEPT_MS + 5)])
def test_the_eldest_go_by_number_and_by_age(count_max: int, now_ms: int) -> None:
    changes, tombstones = Changes(), Tombstones({"b": 7, "a": 5}, count_max=count_max)
    tombstones.drop("q1", new_log(), DELETION, changes, now_ms)
    assert changes.taken[2:] == [tombstone_change("a", None)]
    assert [each in tombstones for each in ("a", "b", "q1")] == [False, True, True]


def test_tombstones_come_back_among_other_definitions() -> None:
    changes = tombstone_change("q1", 5) + encode_change(("mirror", "q2"), b"7")
    values: dict[bytes, bytes] = {}
    apply_changes(values, split_changes(changes + encode_change((KIND, "odd", "key"), b"7")))
    found = [(decode_key(key), value) for key, value in values.items()]
    assert stored_tombstones(found) == {"q1": 5}
    apply_changes(values, split_changes(tombstone_change("q1", None)))
    assert stored_tombstones([(decode_key(key), each) for key, each in values.items()]) == {}

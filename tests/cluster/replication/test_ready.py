"""What came out of a core."""

import dataclasses

import pytest

from cluster.replication.ready import Committed, PromiseWrite, Ready, Role

NOT_IDLE = {
    "writes": [PromiseWrite(1, "q", 2)],
    "to_mirrors": [("b", object())],
    "to_leaders": [("a", object())],
    "transactions": [object()],
    "state_reads": ["q"],
    "reads": [object()],
    "committed": {"q": Committed(1, 1)},
    "roles": {"q": Role.LEADER},
    "fsync_wanted": True,
}


def test_nothing_is_to_be_done() -> None:
    assert Ready().is_idle()


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(Ready)])
def test_anything_is_to_be_done(field: str) -> None:
    ready = Ready()
    setattr(ready, field, NOT_IDLE[field])
    assert not ready.is_idle()

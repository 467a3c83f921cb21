"""A broker in memory waits for nothing."""

import pytest

from amqp_server.broker.commits import NothingToCommit


def test_everything_is_safe_at_once() -> None:
    called: list[None] = []
    NothingToCommit().wait(0, lambda: called.append(None))
    assert called == [None]


def test_an_lsn_is_nobodys_here() -> None:
    with pytest.raises(AssertionError, match="nothing here has an LSN"):
        NothingToCommit().wait(1, lambda: None)

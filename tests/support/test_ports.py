"""Tests that run beside each other start servers on different ports."""

import socket
from itertools import islice, pairwise

import pytest

from tests.support.ports import HOST, STEP, free_port, free_ports, share_of


def test_workers_share_no_port() -> None:
    shares = [set(share_of(worker)) for worker in ("", "gw1", "gw2", "gw9")]
    assert len(set.union(*shares)) == sum(map(len, shares))


def test_a_port_is_not_given_twice_in_a_row() -> None:
    given = sorted(free_port() for _ in range(50))
    assert all(later - earlier >= STEP for earlier, later in pairwise(given))


def test_a_port_that_somebody_has_is_passed_over() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="no port"):
            next(free_ports(range(port, port + 1)))


def test_a_port_that_was_given_back_is_given_again() -> None:
    share = range(free_port(), share_of("gw9").stop)[:1]
    assert list(islice(free_ports(share), 3)) == [share[0]] * 3

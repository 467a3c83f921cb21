"""Tests that run beside each other start servers on different ports."""

import os
import socket
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import pytest

from amqp_server.supervising.layout import laid_out
from benchmarks.brokers import PORTS
from conformance.rabbitmq import DISTRIBUTION_PORT_OFFSET
from tests.support.ports import (
    COMPANIONS,
    FIRST,
    HOST,
    NODES,
    SHARES,
    STEP,
    claimed_share,
    free_port,
    free_ports,
    share_of,
)

EPHEMERAL_MIN = 32_768


def companions(share: range) -> set[int]:
    return {port + offset for port in share for offset in COMPANIONS}


def test_each_port_is_of_one_share_and_none_is_the_kernels() -> None:
    given = [companions(share_of(number)) for number in range(SHARES)]
    assert len(set.union(*given)) == sum(map(len, given))
    assert min(map(min, given)) == FIRST
    assert max(map(max, given)) < EPHEMERAL_MIN
    assert not any(each & set(PORTS) for each in given)


def test_whatever_a_node_uses_beside_its_port_is_a_companion() -> None:
    for place in laid_out(Path("/"), NODES, 10_000):
        assert {each - 10_000 for each in place.ports} <= set(COMPANIONS)
    assert DISTRIBUTION_PORT_OFFSET in COMPANIONS


def test_of_two_ports_none_is_a_companion_of_both() -> None:
    near, next_to_it = companions(range(1)), companions(range(STEP, STEP + 1))
    assert not near & next_to_it
    assert not near & companions(range(3 * STEP, 3 * STEP + 1))


def test_processes_have_shares_of_their_own() -> None:
    program = "from tests.support.ports import free_port; print(free_port()); input()"
    command = (sys.executable, "-c", program)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, **pipes) as first,  # type: ignore[call-overload]
        subprocess.Popen(command, **pipes) as second,  # type: ignore[call-overload]
    ):
        ports = [int(child.stdout.readline()) for child in (first, second)]
        ports.append(free_port())
        for child in (first, second):
            child.communicate("\n")
    assert len({share_number(port) for port in ports}) == len(ports)


def share_number(port: int) -> int:
    return next(number for number in range(SHARES) if port in share_of(number))


def test_where_all_shares_are_taken_one_is_had_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, _address: object) -> None:
            raise OSError

    monkeypatch.setattr(socket, "socket", Refusing)
    assert claimed_share() == share_of(os.getpid() % SHARES)


def test_a_port_is_not_given_twice_in_a_row() -> None:
    given = sorted(free_port() for _ in range(20))
    assert all(later - earlier >= STEP for earlier, later in pairwise(given))


@pytest.mark.parametrize("offset", COMPANIONS)
def test_a_port_is_passed_over_while_somebody_has_one_of_it(offset: int) -> None:
    port = free_port()
    share = range(port, port + 1)
    assert next(free_ports(share)) == port
    with (
        socket.create_server((HOST, port + offset)),
        pytest.raises(OSError, match="no port"),
    ):
        next(free_ports(share))


def test_a_port_that_was_given_back_is_given_again() -> None:
    share = range(free_port(), FIRST + 1_000_000)[:1]
    assert list(islice(free_ports(share), 3)) == [share[0]] * 3

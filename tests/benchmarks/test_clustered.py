"""Figures of a cluster: what nodes print, what is shown, what a hop costs."""

import sys

import pytest

from benchmarks import clustered
from benchmarks.clustered import HOP, Figures, costs, nodes_in, running, shown
from load_generator.wire import LoadError

TABLE = """folder: a/c
node                pid   amqp                    streams
haremq-1@localhost  4711  amqp://127.0.0.1:17672  127.0.0.1:17552
haremq-2@localhost  4712  amqp://127.0.0.1:17673  127.0.0.1:17553
etcd: http://127.0.0.1:41873, pid 4709
"""
ALONE = (
    "2026-11-30 10:57:00,372 INFO amqp_server.banner starting HareMQ pid=99 python=3.11.7\n"
    "2026-11-30 10:57:00,789 INFO amqp_server.banner ready build=compiled version=0.1.0 pid=99"
    " listeners=amqp://127.0.0.1:25819\n"
)


def test_nodes_are_found_in_the_table_and_in_the_log_of_one_that_is_alone() -> None:
    assert [(node.pid, node.endpoint.port) for node in nodes_in(TABLE)] == [
        (4711, 17672),
        (4712, 17673),
    ]
    assert [(node.pid, node.endpoint.port) for node in nodes_in(ALONE)] == [(99, 25819)]


def test_nodes_that_do_not_come_up_are_told_with_what_they_said() -> None:
    command = [sys.executable, "-c", "print('the port is taken')"]
    with (
        pytest.raises(LoadError, match="2 nodes do not come up: the port is taken"),
        running(command, 2),
    ):
        pytest.fail("no node is there")


def test_what_is_shown_are_medians_beside_the_first_row() -> None:
    found = {
        "here": [Figures(100.0, (1.0, 0.0)), Figures(300.0, (3.0, 0.0)), Figures(200.0, (2.0, 0))],
        "there": [Figures(100.0, (1.0, 1.5))],
    }
    assert [line.split() for line in shown(found)[1:]] == [
        ["here", "200", "1.00", "2.000", "0.000"],
        ["there", "100", "0.50", "1.000", "1.500"],
    ]


def test_each_hop_costs_what_its_row_takes_more() -> None:
    sums = (0.0, 0.0, 1.0, 1.5, 3.5)
    found = {row.name: [Figures(1.0, (each, 0.0))] for row, each in zip(HOP, sums, strict=True)}
    assert costs(found) == (1.0, 0.5, 2.0)


def test_a_load_that_fails_says_why() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such broker')"]
    with pytest.raises(LoadError, match="no such broker"):
        clustered.loaded([], command)

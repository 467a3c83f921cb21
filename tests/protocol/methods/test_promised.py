"""Answers that promise something: in a cluster only their channel waits."""

import asyncio
from collections.abc import Callable

import pytest
from pamqp import commands

from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.promise import Promise
from queues.commits import CommitPoint
from tests.support.clustered_nodes import cluster_of
from tests.support.frames import method_frame
from tests.support.peer import Client


class Group:
    """A commit group that decides when the test says."""

    is_one_log = True

    def __init__(self) -> None:
        self.committed_lsn = 0
        self._calls: list[Callable[[], None]] = []

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        assert lsn == 1
        self._calls.append(call)

    def decide(self) -> None:
        calls, self._calls = self._calls, []
        for call in calls:
            call()


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    """Have each commit wait for this."""
    made = Group()

    def committed(_channel: Channel, _now_ms: int) -> Steps[Promise]:
        yield from ()
        return Promise(CommitPoint(made, 1))

    monkeypatch.setattr(Channel, "tx_commit", committed)
    return made


def play(case: Callable[[Client], None]) -> None:
    async def run() -> None:
        async with cluster_of(1) as cluster:
            client = cluster.open(0).client
            client.open_channel(2)
            for number in (1, 2):
                client.send(commands.Tx.Select, number)
            client.receive()
            case(client)

    asyncio.run(run())


def names(client: Client) -> list[tuple[int, str]]:
    client.node.end_turns()
    received = client.receive()
    return [(each.channel, each.method.name) for each in received if each.method is not None]


COMMIT = b"".join(
    method_frame(1, kind) for kind in (commands.Tx.Commit, commands.Tx.Rollback)
) + method_frame(2, commands.Tx.Rollback)


def test_other_channels_go_on_until_it_is_kept(group: Group) -> None:
    def case(client: Client) -> None:
        client.send_bytes(COMMIT)
        assert names(client) == [(2, "Tx.RollbackOk")]
        group.committed_lsn = 1
        group.decide()
        assert names(client) == [(1, "Tx.CommitOk"), (1, "Tx.RollbackOk")]

    play(case)


def test_two_channels_wait_for_their_own(group: Group) -> None:
    def case(client: Client) -> None:
        client.send_bytes(COMMIT + method_frame(2, commands.Tx.Commit))
        assert names(client) == [(2, "Tx.RollbackOk")]
        group.committed_lsn = 1
        group.decide()
        assert sorted(names(client)) == [
            (1, "Tx.CommitOk"),
            (1, "Tx.RollbackOk"),
            (2, "Tx.CommitOk"),
        ]

    play(case)


def test_one_that_is_broken_is_an_error_of_its_channel(group: Group) -> None:
    def case(client: Client) -> None:
        client.send_bytes(COMMIT)
        assert names(client) == [(2, "Tx.RollbackOk")]
        group.decide()
        client.node.end_turns()
        close = client.closed()
        assert (close.channel, close.code, close.method) == (1, 406, (90, 20))

    play(case)


def test_a_client_that_is_gone_is_not_kept_for_it(group: Group) -> None:
    def case(client: Client) -> None:
        client.send_bytes(COMMIT)
        client.connection.lose(client.node.now_ms)
        client.node.end_turns()
        assert client.is_closed()
        group.decide()
        client.node.end_turns()

    play(case)

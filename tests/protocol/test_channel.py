"""One channel: settlements, transactions, and what its end undoes."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import MIB, ProtocolSettings
from persistence.log_form import LogForm
from queues.kinds import MEMORY_LOGS
from tests.support.frames import (
    ack_frame,
)
from tests.support.peer import Client, Node
from tests.support.queue_log import FakeLog


@pytest.fixture
def full(peer: Client) -> Client:
    """Three messages delivered under tags 1 to 3, none acked."""
    peer.publish(b"a", b"b", b"c")
    peer.consume()
    assert peer.bodies() == [b"a", b"b", b"c"]
    return peer


def ready(peer: Client) -> int:
    """Return how many messages the queue has ready."""
    peer.send(commands.Queue.Declare, queue="jobs", passive=True)
    return peer.expect(commands.Queue.DeclareOk).message_count or 0


# -- settling ----------------------------------------------------------------------------------


def test_an_acked_message_is_gone_for_good(full: Client) -> None:
    full.send(commands.Basic.Ack, delivery_tag=3, multiple=True)
    full.send(commands.Channel.Close)
    full.receive()
    full.open_channel(1)
    assert ready(full) == 0


def test_a_range_of_acks_with_an_unknown_end_settles_what_came_before_it(full: Client) -> None:
    full.send_bytes(b"".join(ack_frame(1, tag) for tag in (2, 3, 4)))
    close = full.closed()
    assert (close.code, close.text) == (406, "PRECONDITION_FAILED - unknown delivery tag 4")
    assert close.method == (60, 80)
    full.send(commands.Channel.CloseOk)
    full.open_channel(1)
    assert ready(full) == 1


class NotingLog(FakeLog):
    """Notes the positions of each settlement."""

    def __init__(self, max_priority: int | None = None) -> None:
        super().__init__(max_priority)
        self.settlements: list[range] = []

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        self.settlements.append(positions)
        return super().settle(positions, is_promised=is_promised)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[NotingLog]:
    """Logs of the queues in the order in which they are declared."""
    made: list[NotingLog] = []

    def make_log() -> NotingLog:
        made.append(NotingLog())
        return made[-1]

    monkeypatch.setitem(MEMORY_LOGS, LogForm.QUEUE, lambda _: make_log())
    return made


def test_deliveries_of_a_queue_in_a_row_are_settled_as_one(noted: list[NotingLog]) -> None:
    peer = Node().open()
    for queue in ("a", "b"):
        peer.declare(queue)
        peer.send(commands.Basic.Consume, queue=queue, consumer_tag=queue)
    for queue in "aaba":
        peer.publish(b"x", routing_key=queue)
    assert len(peer.bodies()) == 4
    peer.send(commands.Basic.Ack, delivery_tag=4, multiple=True)
    assert [log.settlements for log in noted] == [[range(3)], [range(1)]]


def test_two_consumers_in_turn_settle_each_its_own(noted: list[NotingLog]) -> None:
    peer = Node().open()
    peer.declare()
    for number in (1, 2):
        if number == 2:
            peer.open_channel(2)
        peer.consume(channel=number)
    for _ in range(2):
        peer.publish(b"a", b"b", b"c", b"d")
    assert len(peer.bodies()) == 8
    peer.send(commands.Basic.Ack, 1, delivery_tag=4, multiple=True)
    (log,) = noted
    (settled,) = map(list, log.settlements)
    assert settled in ([0, 2, 4, 6], [1, 3, 5, 7])
    peer.send(commands.Basic.Ack, 2, delivery_tag=4, multiple=True)
    assert not log.kept


def test_what_was_requeued_between_is_not_settled_with_its_neighbours(
    noted: list[NotingLog],
) -> None:
    peer = Node().open()
    peer.declare()
    peer.publish(b"a", b"b", b"c", b"d")
    peer.consume()
    assert len(peer.bodies()) == 4
    peer.send(commands.Basic.Cancel, consumer_tag="me")
    peer.send(commands.Basic.Reject, delivery_tag=2, requeue=True)
    peer.send(commands.Basic.Ack, delivery_tag=4, multiple=True)
    (log,) = noted
    assert [*log.kept] == [1]
    assert log.settlements == [range(1), range(2, 4)]


def test_an_unknown_tag_behind_several_deliveries_settles_all_of_them(
    noted: list[NotingLog],
) -> None:
    peer = Node().open()
    peer.declare()
    peer.consume()
    peer.publish(b"a")
    peer.publish(b"b")
    peer.bodies()
    peer.send_bytes(b"".join(ack_frame(1, tag) for tag in (1, 2, 3)))
    assert peer.closed().code == 406
    (log,) = noted
    assert log.settlements == [range(2)]
    assert not log.kept


def test_a_nack_gives_back_in_place_or_drops(full: Client) -> None:
    full.send(commands.Basic.Cancel, consumer_tag="me")
    full.send(commands.Basic.Reject, delivery_tag=2, requeue=False)
    full.send(commands.Basic.Nack, delivery_tag=3, multiple=True, requeue=True)
    full.receive()
    assert [full.get(), full.get(), full.get()] == [b"a", b"c", None]


def test_an_ack_makes_room_in_a_shared_window(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    peer.publish(b"a", b"b")
    peer.consume()
    assert peer.bodies() == [b"a"]
    peer.send(commands.Basic.Ack, delivery_tag=1)
    assert peer.bodies() == [b"b"]


def test_what_is_unacked_of_a_deleted_queue_can_still_be_settled(full: Client) -> None:
    full.send(commands.Queue.Delete, queue="jobs")
    full.receive()
    full.send(commands.Basic.Nack, delivery_tag=1, requeue=True)
    full.send(commands.Basic.Ack, delivery_tag=2)
    full.send(commands.Basic.Recover, requeue=True)
    assert [method.name for method in full.methods()] == ["Basic.RecoverOk"]
    full.declare()
    assert ready(full) == 0


# -- transactions ------------------------------------------------------------------------------


@pytest.fixture
def tx(full: Client) -> Client:
    full.send(commands.Tx.Select)
    full.expect(commands.Tx.SelectOk)
    return full


def test_publishes_wait_for_the_commit(tx: Client) -> None:
    tx.publish(b"d")
    assert tx.bodies() == []
    tx.send(commands.Tx.Commit)
    assert [one.body for one in tx.receive()] == [b"", b"d"]


def test_a_rollback_forgets_publishes_and_acks(tx: Client) -> None:
    tx.publish(b"d")
    tx.send(commands.Basic.Ack, delivery_tag=2)
    tx.send(commands.Tx.Rollback)
    tx.send(commands.Tx.Commit)
    assert [method.name for method in tx.methods()] == ["Tx.RollbackOk", "Tx.CommitOk"]
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == [b"a", b"b", b"c"]


def test_acks_wait_for_the_commit_and_may_come_again_after_a_rollback(tx: Client) -> None:
    """As RabbitMQ 3.10 answers: ack, rollback, ack, commit."""
    tx.send(commands.Basic.Ack, delivery_tag=1)
    tx.send(commands.Tx.Rollback)
    tx.send(commands.Basic.Ack, delivery_tag=1)
    tx.send(commands.Tx.Commit)
    tx.receive()
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == [b"b", b"c"]


def test_what_a_rollback_gave_back_is_covered_by_multiple_again(tx: Client) -> None:
    tx.send(commands.Basic.Ack, delivery_tag=3, multiple=True)
    tx.send(commands.Tx.Rollback)
    tx.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    tx.send(commands.Tx.Commit)
    tx.receive()
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == [b"c"]


@pytest.mark.parametrize("tag", [9, 2**64 - 1])
def test_an_unknown_tag_is_refused_before_the_commit(tx: Client, tag: int) -> None:
    tx.send(commands.Basic.Ack, delivery_tag=tag)
    assert tx.closed().text == f"PRECONDITION_FAILED - unknown delivery tag {tag}"


@pytest.mark.parametrize("multiple", [False, True])
def test_a_tag_is_acked_once_in_a_transaction(tx: Client, multiple: bool) -> None:
    tx.send(commands.Basic.Ack, delivery_tag=2)
    tx.send(commands.Basic.Ack, delivery_tag=2, multiple=multiple)
    assert tx.closed().text == "PRECONDITION_FAILED - unknown delivery tag 2"


def test_multiple_leaves_out_what_the_transaction_holds_already(tx: Client) -> None:
    tx.send(commands.Basic.Nack, delivery_tag=2, requeue=True)
    tx.send(commands.Basic.Ack, delivery_tag=3, multiple=True)
    tx.send(commands.Tx.Commit)
    assert tx.bodies() == [b"b"]


def test_everything_is_acked_by_tag_zero_however_often(tx: Client) -> None:
    for _ in range(3):
        tx.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    tx.send(commands.Tx.Commit)
    tx.expect(commands.Tx.CommitOk)
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == []


def test_a_recovery_leaves_out_what_the_transaction_holds(tx: Client) -> None:
    """As RabbitMQ 3.10 answers: ack 2, recover, then commit or rollback."""
    tx.send(commands.Basic.Ack, delivery_tag=2)
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == [b"a", b"c"]
    tx.send(commands.Tx.Rollback)
    tx.send(commands.Basic.Recover, requeue=True)
    assert tx.bodies() == [b"a", b"b", b"c"]


def test_a_channel_that_ends_commits_nothing(tx: Client) -> None:
    tx.publish(b"d")
    tx.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    tx.send(commands.Channel.Close)
    tx.receive()
    tx.open_channel(1)
    assert ready(tx) == 3


def test_a_transaction_over_its_limit_is_refused() -> None:
    peer = Node(ProtocolSettings(tx_bytes_max=MIB)).open()
    peer.declare()
    peer.send(commands.Tx.Select)
    peer.receive()
    body = bytes(100_000)
    for _ in range(10):
        peer.publish(body)
    assert peer.closes() == []
    peer.publish(body)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert f"transaction holds more than {MIB} bytes" in close.text


# -- the end -----------------------------------------------------------------------------------


def test_the_end_of_a_channel_gives_everything_back(full: Client) -> None:
    full.send(commands.Channel.Close)
    full.receive()
    full.open_channel(2)
    assert [full.get(channel=2) for _ in range(4)] == [b"a", b"b", b"c", None]


def test_what_comes_back_says_so(full: Client) -> None:
    full.send(commands.Channel.Close)
    full.open_channel(2)
    full.send(commands.Basic.Get, 2, queue="jobs")
    assert full.expect(commands.Basic.GetOk).redelivered is True


def test_consumers_are_told_of_their_queues_end_if_they_asked(full: Client) -> None:
    full.open_channel(2)
    full.send(commands.Queue.Delete, 2, queue="jobs")
    assert full.expect(commands.Basic.Cancel).consumer_tag == "me"


def test_a_consumer_is_cancelled_once(full: Client) -> None:
    for _ in range(2):
        full.send(commands.Basic.Cancel, consumer_tag="me")
        assert full.expect(commands.Basic.CancelOk).consumer_tag == "me"
    full.publish(b"d")
    assert full.bodies() == []

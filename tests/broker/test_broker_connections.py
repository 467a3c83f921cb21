"""What clients read when their vhost, their user or the node goes away under them."""

from pamqp import commands

from amqp_server.broker.steps import finish
from tests.support.peer import Close, Node


def forced(text: str) -> Close:
    return Close(0, 320, f"CONNECTION_FORCED - {text}", (0, 0))


def test_a_deleted_vhost_closes_its_connections(node: Node) -> None:
    client, vhost = node.open(), node.vhost
    client.send(commands.Queue.Declare, queue="mine", exclusive=True)
    client.send(commands.Queue.Declare, queue="ours")
    client.send(commands.Basic.Consume, queue="ours", consumer_tag="c")
    client.receive()
    finish(node.broker.deleting_vhost("/", node.now_ms))
    node.end_turns()
    assert client.closed() == forced("vhost '/' is deleted")
    assert node.broker.count_connections() == 0
    assert list(vhost.queues) == []


def test_a_deleted_user_is_out_everywhere_and_its_exclusive_queues_with_it(node: Node) -> None:
    node.add_user("hare")
    theirs, mine = node.open(user="hare"), node.open()
    theirs.send(commands.Queue.Declare, queue="theirs", exclusive=True)
    theirs.receive()
    assert finish(node.broker.deleting_user("hare", node.now_ms))
    node.end_turns()
    assert theirs.closed() == forced("user 'hare' is deleted")
    assert node.vhost.queues.find("theirs") is None
    assert mine.works()


def test_unacked_messages_of_a_deleted_user_go_back(node: Node) -> None:
    node.add_user("hare")
    theirs, mine = node.open(user="hare"), node.open()
    mine.send(commands.Queue.Declare, queue="jobs")
    mine.publish(b"m")
    theirs.send(commands.Basic.Get, queue="jobs")
    assert theirs.bodies() == [b"m"]
    finish(node.broker.deleting_user("hare", node.now_ms))
    node.end_turns()
    mine.receive()
    assert mine.get("jobs") == b"m"


def test_a_shutdown_tells_every_client(node: Node) -> None:
    clients = [node.open() for _ in range(2)]
    node.broker.shut_down(node.now_ms)
    for client in clients:
        assert client.closed() == forced("broker forced connection closure with reason 'shutdown'")

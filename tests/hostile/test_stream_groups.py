"""Groups of the stream protocol with members that mean ill."""

from amqp_server.broker.groups.single_active import Groups
from amqp_server.stream_protocol.fields import U16
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer


def test_clients_that_never_answer_an_update_go_and_the_group_reads_on() -> None:
    node = Node()
    groups, group = Groups(), {"single-active-consumer": "true", "name": "app"}
    silent = [StreamPeer.open(node, groups=groups) for _ in range(4)]
    silent[0].create("s")
    for peer in silent:
        for number in range(50):
            peer.subscribe("s", number, properties=group)
        peer.receive()
    reader = StreamPeer.open(node, groups=groups)
    reader.declare_publisher("s")
    reader.publish(1, (0, b"message"))
    reader.subscribe("s", properties=group)
    update = CommandKey.CONSUMER_UPDATE

    def answer_all() -> list[Answer]:
        received = reader.receive()
        for each in received:
            if each.key == update:
                reader.send(update | RESPONSE, each.body[:4], U16.pack(Code.OK), U16.pack(1))
        return received

    answer_all()
    node.now_ms += 60_000
    for peer in silent:
        due_ms = peer.connection.next_deadline_ms()
        assert due_ms == node.now_ms
        peer.connection.on_deadline(due_ms)
        node.end_turns()
    assert all(peer.connection.life.is_closed for peer in silent)
    assert [each.body[5] for each in answer_all() if each.key == update] == [1]
    assert [chunk.messages for chunk in reader.chunks()] == [[b"message"]]

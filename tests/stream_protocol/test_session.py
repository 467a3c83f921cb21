"""The session: what others see of a connection, rights, and which queues are streams."""

import pytest

from amqp_server.broker.access.rights import Permission
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.keys import Code
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer


def test_what_others_see_of_it() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    view = peer.connection.session.view()
    assert (view.protocol, view.username, view.vhost) == ("stream", "guest", "/")
    assert view.client_properties == {"connection_name": "test"}
    assert view.frame_max_bytes == 1 << 20
    assert view.received_bytes > 0


def test_a_stream_is_found_and_a_right_is_asked() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    peer.create("s")
    session = peer.connection.session
    queue, stream = session.find_stream("s")
    assert stream.log.message_count == queue.engine.ready_count == 0
    with pytest.raises(RefusedError) as refusal:
        session.find_stream("no")
    assert refusal.value.code is Code.STREAM_DOES_NOT_EXIST
    session.require_stream(Permission.READ, "s")
    node.broker.users.set_permissions("guest", "/", "^$", "^$", "^$")
    with pytest.raises(RefusedError) as refusal:
        session.require_stream(Permission.READ, "s")
    assert refusal.value.code is Code.ACCESS_REFUSED

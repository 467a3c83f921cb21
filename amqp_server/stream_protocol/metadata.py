"""Where streams are: the answer to Metadata, from what this node knows.

    nodes by number: host, port │ streams: code, number of the leader, those of other replicas

A node by itself leads all streams. In a cluster the leader is the node that the store names. One
that does not run, or is drained, is not named, as nobody should connect to it: the code is OK all
the same, and the leader is none. Clients ask again.

The replicas are the mirrors that are in sync, on nodes that run. Clients read from any of them,
also as members of a group. They are told where nobody leads, too.

Source: RabbitMQ, rabbit_stream_reader and rabbit_stream_manager, topology.
"""

from typing import Final

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.cluster import ACTIVE, Cluster
from amqp_server.broker.protocol_counts import STREAM
from amqp_server.broker.steps import Steps
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import I32, U16, U32, Fields, string
from amqp_server.stream_protocol.handshake import advertised
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.session import StreamSession

_NO_LEADER: Final = 0xFFFF
_STEP_NAMES: Final = 64


def metadata(session: StreamSession, fields: Fields, _now_ms: int) -> Steps[bytes]:
    """Tell where streams are; see Metadata. One frame may name half a million."""
    names = yield from fields.strings_in_steps()
    fields.end()
    cluster = session.broker.cluster
    nodes = _OneNode(session) if cluster is None else _Nodes(session, cluster)
    told = bytearray(I32.pack(len(names)))
    for number, name in enumerate(names):
        told += string(name) + _where(session, name, nodes)
        if not number % _STEP_NAMES:
            yield
    return nodes.told() + bytes(told)


def _where(session: StreamSession, name: str, nodes: "_OneNode | _Nodes") -> bytes:
    try:
        session.find_anywhere(name)
        _require_read_or_write(session, name)
        leader, replicas = nodes.places_of(name)
    except RefusedError as error:
        return U16.pack(error.code) + U16.pack(_NO_LEADER) + I32.pack(0)
    numbers = b"".join(map(U16.pack, replicas))
    return U16.pack(Code.OK) + U16.pack(leader) + I32.pack(len(replicas)) + numbers


def _require_read_or_write(session: StreamSession, name: str) -> None:
    try:
        session.require_stream(Permission.READ, name)
    except RefusedError:
        session.require_stream(Permission.WRITE, name)


class _OneNode:
    """A node by itself, which has all streams."""

    def __init__(self, session: StreamSession) -> None:
        self._address = advertised(session)

    def places_of(self, _name: str) -> tuple[int, list[int]]:
        return 0, []

    def told(self) -> bytes:
        host, port = self._address
        return I32.pack(1) + _node(0, host, port)


class _Nodes:
    """The nodes of a cluster that one answer names, numbered as they come.

    Of each it is asked once, so that an answer which takes turns says one thing.
    """

    def __init__(self, session: StreamSession, cluster: Cluster) -> None:
        self._vhost = session.vhost_name
        self._cluster = cluster
        self._is_tls = session.peer.is_tls
        self._active = {each.name for each in cluster.nodes() if each.state == ACTIVE}
        self._numbers: dict[str, int | None] = {}
        self._told: list[bytes] = []

    def places_of(self, name: str) -> tuple[int, list[int]]:
        """Return the numbers of the leader, or ``_NO_LEADER``, and of mirrors that are read.

        A node that cannot be reached has none.

        Raises:
            RefusedError: ``STREAM_NOT_AVAILABLE``: nothing is known of its replicas.
        """
        view = self._cluster.queue(self._vhost, name)
        if view is None:
            raise RefusedError(Code.STREAM_NOT_AVAILABLE)
        number = None if view.is_offline else self._number(view.leader)
        mirrors = [
            self._number(each.node)
            for each in view.replicas
            if each.is_member and each.is_online and each.node != view.leader
        ]
        leader = _NO_LEADER if number is None else number
        return leader, [each for each in mirrors if each is not None]

    def told(self) -> bytes:
        return I32.pack(len(self._told)) + b"".join(self._told)

    def _number(self, node: str) -> int | None:
        if node not in self._numbers:
            self._numbers[node] = self._added(node)
        return self._numbers[node]

    def _added(self, node: str) -> int | None:
        if node not in self._active:
            return None
        address = self._cluster.listener_of(node, STREAM, is_tls=self._is_tls)
        if address is None:
            return None
        self._told.append(_node(len(self._told), *address))
        return len(self._told) - 1


def _node(number: int, host: str, port: int) -> bytes:
    return U16.pack(number) + string(host) + U32.pack(port)

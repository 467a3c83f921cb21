"""A broker and its clients in memory: no socket, no sleep, time is what the test says.

node = Node()
peer = node.open()                         # handshake done, channel 1 open
peer.send(commands.Queue.Declare, queue="jobs")
peer.publish(b"one")
assert peer.receive() == [...]             # the client reads; without it nothing is read
"""

import struct
from itertools import count
from typing import NamedTuple, TypeVar

from pamqp import commands

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.broker import Broker
from amqp_server.broker.node_budget import NO_NODE_LIMITS, NodeLimits
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.connections.peer import Peer
from amqp_server.protocol.connection import OUTPUT_MAX_BYTES, Connection
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.wire.methods import Method, decode_method
from tests.support.commits import FakeDisk
from tests.support.frames import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    PROTOCOL_HEADER,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)

START_MS = 1_000_000
TURNS_MAX = 10_000
LOCAL = Peer("127.0.0.1", 50_000, "127.0.0.1", 5672, is_loopback=True)
CAPABILITIES = {
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "authentication_failure_close": True,
}
_CONTENT = (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return)
_HEAD_BYTES = 7

MethodT = TypeVar("MethodT", bound=Method)


class Close(NamedTuple):
    """A close that the broker sent: on channel 0 it is the connection's."""

    channel: int
    code: int
    text: str
    method: tuple[int, int]


class Received(NamedTuple):
    """A method with its content, if it has one; no method at all is a heartbeat."""

    channel: int
    method: Method | None
    header: bytes = b""
    body: bytes = b""


class Node:
    """A broker with the user guest, its clients and its clock."""

    def __init__(
        self,
        protocol: ProtocolSettings | None = None,
        broker: BrokerSettings | None = None,
        deliveries_per_turn_max: int = 4096,
        disk: FakeDisk | None = None,
        backing: Backing | None = None,
        *,
        limits: NodeLimits = NO_NODE_LIMITS,
        turn: Turn | None = None,
    ) -> None:
        self.protocol = protocol or ProtocolSettings()
        self.now_ms = START_MS
        numbers = count()
        self._random = lambda size: next(numbers).to_bytes(size, "big")
        settings = broker or BrokerSettings()
        if backing is None:
            backing = IN_MEMORY if disk is None else disk.backing()
        self.broker = Broker(
            settings,
            Users(settings.loopback_users, backing.journal),
            turn or Turn(deliveries_per_turn_max),
            self._random,
            backing=backing,
            limits=limits,
        )
        if backing.decisions is None:
            self.broker.add_vhost("/")
            self.add_user("guest")
        self.clients: list[Client] = []

    @property
    def vhost(self) -> Vhost:
        """The vhost that clients open."""
        return self.broker.vhost("/")

    def add_user(self, name: str, *rights: str) -> None:
        """Add a user with its name as password; rights are configure, write, read."""
        self.broker.users.put(new_user(name, name, self._random, ()))
        configure, write, read = rights or (".*", ".*", ".*")
        self.broker.users.set_permissions(name, "/", configure, write, read)

    def connect(self, peer: Peer = LOCAL, output_max_bytes: int = OUTPUT_MAX_BYTES) -> "Client":
        """Return a client that has said nothing yet."""
        client = Client(self, peer, output_max_bytes)
        self.clients.append(client)
        return client

    def open(self, *, output_max_bytes: int = OUTPUT_MAX_BYTES, user: str = "guest") -> "Client":
        """Return a client with an open connection and channel 1."""
        client = self.connect(output_max_bytes=output_max_bytes)
        client.shake_hands(user)
        client.open_channel(1)
        return client

    def end_turns(self) -> None:
        """Run turns until there is nothing left to do."""
        for _ in range(TURNS_MAX):
            if not self.broker.end_turn(self.now_ms):
                return
        raise AssertionError("the turn never ends")

    def advance(self, span_ms: int) -> None:
        """Let time pass, with every tick that a shell would give on the way."""
        until_ms = self.now_ms + span_ms
        while True:
            due_ms = min((at for at in self._deadlines() if at <= until_ms), default=None)
            if due_ms is None:
                break
            self.now_ms = max(self.now_ms, due_ms)
            for client in self.clients:
                deadline_ms = client.connection.next_deadline_ms()
                if deadline_ms is not None and deadline_ms <= self.now_ms:
                    client.connection.on_deadline(self.now_ms)
            self.broker.on_deadline(self.now_ms)
            self.end_turns()
        self.now_ms = until_ms

    def _deadlines(self) -> list[int]:
        clients = [client for client in self.clients if not client.connection.life.is_closed]
        deadlines = [client.connection.next_deadline_ms() for client in clients]
        deadlines.append(self.broker.next_deadline_ms())
        return [at for at in deadlines if at is not None]


class Client:
    """A client's end of one connection."""

    def __init__(self, node: Node, peer: Peer, output_max_bytes: int) -> None:
        self.node = node
        self.outputs_count = 0
        self.connection = Connection(
            node.broker, node.protocol, peer, self._on_output, node.now_ms, output_max_bytes
        )

    def _on_output(self) -> None:
        self.outputs_count += 1

    # -- sending ---------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Send bytes in one read; then the turn ends."""
        self.connection.receive_data(data, self.node.now_ms)
        self.node.end_turns()

    def send(self, kind: type[Method], channel: int = 1, /, **arguments: object) -> None:
        self.send_bytes(method_frame(channel, kind, **arguments))

    def publish(
        self,
        *bodies: bytes,
        exchange: str = "",
        routing_key: str = "jobs",
        channel: int = 1,
        mandatory: bool = False,
        **properties: object,
    ) -> None:
        """Publish messages in one read."""
        method = frame(METHOD, channel, publish_payload(exchange, routing_key, int(mandatory)))
        flags_and_list = property_list(**properties)
        self.send_bytes(
            b"".join(method + content_frames(channel, body, flags_and_list) for body in bodies)
        )

    def shake_hands(
        self, user: str = "guest", vhost: str = "/", heartbeat: int = 0, frame_max: int = 131_072
    ) -> None:
        self.send_bytes(PROTOCOL_HEADER)
        self.log_in(user)
        self.expect(commands.Connection.Start)
        tune = self.node.protocol
        self.send(
            commands.Connection.TuneOk,
            0,
            channel_max=tune.channel_max,
            frame_max=min(frame_max, tune.frame_max_bytes),
            heartbeat=heartbeat,
        )
        self.send(commands.Connection.Open, 0, virtual_host=vhost)
        self.expect(commands.Connection.OpenOk)

    def log_in(self, user: str = "guest", password: str | None = None) -> None:
        """Send start-ok; the password is the user's name unless said otherwise."""
        secret = user if password is None else password
        self.send(
            commands.Connection.StartOk,
            0,
            client_properties={"capabilities": CAPABILITIES},
            mechanism="PLAIN",
            response=b"\0" + user.encode() + b"\0" + secret.encode(),
            locale="en_US",
        )

    def open_channel(self, number: int) -> None:
        self.send(commands.Channel.Open, number)
        self.expect(commands.Channel.OpenOk)

    def declare(self, queue: str = "jobs", channel: int = 1, **arguments: object) -> None:
        self.send(commands.Queue.Declare, channel, queue=queue, **arguments)
        self.expect(commands.Queue.DeclareOk)

    def consume(self, queue: str = "jobs", channel: int = 1, **arguments: object) -> None:
        """Start a consumer named ``me``; what it is sent with consume-ok stays to be received."""
        self.send(commands.Basic.Consume, channel, queue=queue, consumer_tag="me", **arguments)

    def is_closed(self) -> bool:
        """Whether the socket would be closed now."""
        return self.connection.life.is_closed

    def is_read(self) -> bool:
        """Whether the socket would be read now."""
        return self.connection.reading.is_wanted

    # -- receiving -------------------------------------------------------------------------

    def read_bytes(self) -> bytes:
        """Read all there is; then the turn ends, and there may be more."""
        octets = b"".join(self.connection.data_to_send())
        self.node.end_turns()
        return octets

    def receive(self) -> list[Received]:
        """Read until nothing more comes."""
        received: list[Received] = []
        for _ in range(TURNS_MAX):
            octets = self.read_bytes()
            if not octets:
                return received
            received += decode(octets)
        raise AssertionError("the broker never stops sending")

    def methods(self) -> list[Method]:
        """Read until nothing more comes; return the methods."""
        return [one.method for one in self.receive() if one.method is not None]

    def expect(self, kind: type[MethodT]) -> MethodT:
        """Read all there is; there must be one method of this kind, whatever else."""
        methods = self.methods()
        found = [method for method in methods if isinstance(method, kind)]
        assert len(found) == 1, f"one {kind.name} among {[method.name for method in methods]}"
        return found[0]

    def bodies(self) -> list[bytes]:
        """Read all there is; return the bodies delivered, got or returned."""
        return [one.body for one in self.receive() if isinstance(one.method, _CONTENT)]

    def closes(self) -> list[Close]:
        """Read all there is; return the closes that the broker sent."""
        closes = []
        for channel, method, _, _ in self.receive():
            if isinstance(method, commands.Connection.Close | commands.Channel.Close):
                at = (method.class_id or 0, method.method_id or 0)
                closes.append(Close(channel, method.reply_code or 0, method.reply_text, at))
        return closes

    def closed(self) -> Close:
        """Read all there is; return the only close among it."""
        (close,) = self.closes()
        return close

    def refused(self, kind: type[Method], **arguments: object) -> Close:
        """Return how a method closes channel 1, then open it again."""
        self.receive()
        self.send(kind, **arguments)
        close = self.closed()
        assert (close.channel, close.method) == (1, (kind.index >> 16, kind.index & 0xFFFF))
        self.send(commands.Channel.CloseOk)
        self.open_channel(1)
        return close

    def soft_error(self, channel: int = 1) -> None:
        """Make the broker close a channel."""
        self.send(commands.Queue.Declare, channel, queue="nobody's", passive=True)
        assert self.closed().channel == channel

    def get(self, queue: str = "jobs", channel: int = 1) -> bytes | None:
        """Get a message without ack; None when there is none."""
        self.send(commands.Basic.Get, channel, queue=queue, no_ack=True)
        return next(iter(self.bodies()), None)

    def works(self) -> bool:
        """Whether a message goes round on a fresh channel."""
        number = 999
        self.open_channel(number)
        self.declare("canary", number, exclusive=True)
        self.publish(b"tweet", routing_key="canary", channel=number)
        came_back = self.get("canary", number) == b"tweet"
        self.send(commands.Queue.Delete, number, queue="canary")
        self.send(commands.Channel.Close, number)
        self.receive()
        return came_back


def decode(octets: bytes) -> list[Received]:
    """Decode what a broker sent in whole frames; a protocol header is no frame.

    Every rule of 4.2.3 and 4.2.6 that the broker must keep is asserted on the way.
    """
    received: list[Received] = []
    position = 0
    waiting: tuple[int, Method] | None = None
    header = body = b""
    while position < len(octets):
        kind, channel, size = struct.unpack_from(">BHI", octets, position)
        payload = octets[position + _HEAD_BYTES : position + _HEAD_BYTES + size]
        position += _HEAD_BYTES + size + 1
        assert octets[position - 1 : position] == b"\xce", "a frame has its end octet"
        if kind == HEARTBEAT:
            assert (channel, payload) == (0, b""), "a heartbeat is empty, on channel 0"
            received.append(Received(0, None))
            continue
        if kind == METHOD:
            assert waiting is None, "content is not interrupted"
            method = decode_method(payload)
            if isinstance(method, _CONTENT):
                waiting, header, body = (channel, method), b"", b""
            else:
                received.append(Received(channel, method))
            continue
        assert waiting is not None, "content follows its method"
        assert channel == waiting[0], "content is on its method's channel"
        if kind == HEADER:
            header = payload
        else:
            assert kind == BODY, f"frame type {kind}"
            body += payload
        if len(body) == struct.unpack_from(">Q", header, 4)[0]:
            received.append(Received(*waiting, header, body))
            waiting = None
    assert waiting is None, "content is complete"
    return received

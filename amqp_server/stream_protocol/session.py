"""The user of a connection of the stream protocol, and what was negotiated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.counts import ConnectionView
from amqp_server.broker.errors import AccessRefusedError
from amqp_server.broker.protocol_counts import STREAM, ProtocolCounters
from amqp_server.broker.queue import Queue
from amqp_server.connections import session as shared
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.keys import Code
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from queues.stream_port import StreamQueue

NAME_SHOWN_MAX: Final = 256


@dataclass(slots=True, eq=False)
class StreamSession(shared.Session):
    """A session with what this protocol adds.

    Attributes:
        settings: of the node.
        client_properties: of the client; its name of the connection is one of them.
        mechanism: that it logged in by.
        frame_max_bytes: largest frame that is taken.
        deliver_version: version of the Deliver frames that the client wants.
    """

    protocol_word: ClassVar[str] = "stream"

    settings: StreamProtocolSettings = field(default=StreamProtocolSettings())
    client_properties: Mapping[str, str] = field(default_factory=dict)
    mechanism: str = ""
    frame_max_bytes: int = 0
    deliver_version: int = 1

    @property
    def counters(self) -> ProtocolCounters:
        """The counters of the protocol."""
        return self.broker.protocols[STREAM]

    @property
    def client_name(self) -> str:
        """The client's name of its connection; mostly given."""
        return self.client_properties.get("connection_name", "")[:NAME_SHOWN_MAX]

    def view(self) -> ConnectionView:
        """Return the state of the connection."""
        return shared.Session.view(self)._replace(
            protocol="stream",
            client_properties=dict(self.client_properties),
            frame_max_bytes=self.frame_max_bytes,
        )

    def require_stream(self, permission: Permission, stream: str) -> None:
        """Check a right to a stream.

        Raises:
            RefusedError: ``ACCESS_REFUSED``.
        """
        try:
            self.require(permission, "queue", stream)
        except AccessRefusedError as error:
            raise RefusedError(Code.ACCESS_REFUSED) from error

    def find_stream(self, name: str) -> tuple[Queue, StreamQueue]:
        """Return a stream that this node leads.

        Raises:
            RefusedError: ``STREAM_DOES_NOT_EXIST``: there is none, or it is another kind of queue;
                ``STREAM_NOT_AVAILABLE``: another node leads it, or nobody.
        """
        queue = self.find_anywhere(name)
        stream = queue.stream
        if stream is None:
            raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name)
        return queue, stream

    def find_to_read(self, name: str) -> tuple[Queue, StreamQueue]:
        """Return a stream that readers may be served from here, at the leader or a mirror.

        Raises:
            RefusedError: as ``find_stream``; ``STREAM_NOT_AVAILABLE``: this node has no mirror that
                is in sync either.
        """
        queue = self.find_anywhere(name)
        stream = queue.stream_to_read
        if stream is None:
            raise RefusedError(Code.STREAM_NOT_AVAILABLE, missing=name)
        return queue, stream

    def find_anywhere(self, name: str) -> Queue:
        """Return a stream, wherever it is led.

        Raises:
            RefusedError: ``STREAM_DOES_NOT_EXIST``: there is none, or it is another kind of queue.
        """
        queue = self.open_vhost.queues.find(name)
        if queue is None or not queue.is_stream:
            raise RefusedError(Code.STREAM_DOES_NOT_EXIST, missing="" if queue else name)
        return queue

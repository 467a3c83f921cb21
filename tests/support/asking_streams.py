"""A client of the stream protocol on a node of a cluster in memory, whose answers take a while."""

from amqp_server.stream_protocol.fields import U32, string, string_map, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import CommandKey
from tests.support.clustered_nodes import ClusteredNode, until
from tests.support.stream_peer import CORRELATION_ID, Answer, StreamPeer

CREATE, DELETE = CommandKey.CREATE, CommandKey.DELETE
CREATE_SUPER, DELETE_SUPER = CommandKey.CREATE_SUPER_STREAM, CommandKey.DELETE_SUPER_STREAM


def request(key: int, *parts: bytes) -> bytes:
    """Return the frame of a request."""
    return frame(key, U32.pack(CORRELATION_ID) + b"".join(parts))


def create(name: str) -> bytes:
    """Return the frame that creates a stream."""
    return request(CREATE, string(name), string_map({}))


def super_stream(name: str, *keys: str) -> tuple[bytes, ...]:
    """Return what CreateSuperStream has behind the correlation id."""
    partitions = [f"{name}-{key}" for key in keys]
    return string(name), strings(partitions), strings(list(keys)), string_map({})


class AskingStreams:
    """The client."""

    def __init__(self, node: ClusteredNode) -> None:
        self.peer = StreamPeer.open(node)

    async def answers(self, count: int = 1) -> list[Answer]:
        """Wait for so many frames."""
        found: list[Answer] = []

        def are_there() -> bool:
            found.extend(self.peer.receive())
            return len(found) >= count

        await until(are_there)
        return found

    async def ask(self, key: int, *parts: bytes) -> Answer:
        """Send a request, and return the only answer."""
        self.peer.request(key, *parts)
        (answer,) = await self.answers()
        return answer

    async def create(self, name: str) -> Answer:
        """Create a stream."""
        return await self.ask(CREATE, string(name), string_map({}))

"""The HTTP API of a broker of the differential, and the AMQP client that it is to tell of."""

import base64
import contextlib
import http.client
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote

from pamqp import commands

from conformance.address import Address
from conformance.client import Connection
from conformance.http import PORT_OFFSET
from conformance.http_calls.call import VHOST, Call
from conformance.http_calls.shovels import NAME as SHOVEL
from conformance.http_stream_client import StreamClient

STREAM_PORT_OFFSET: Final = 1
TIMEOUT_S: Final = 30.0
SEEN_TIMEOUT_S: Final = 30.0
"""RabbitMQ tells of channels and consumers once it has looked at them: each 5 s."""
CLIENT: Final = "d-admin"
CONSUMED: Final = "q.consumed"


class Answer(NamedTuple):
    """What a broker answered; ``value`` is the body as JSON, or its text."""

    status: int
    value: Any
    headers: dict[str, str]


class Broker:
    """The HTTP API of a broker on 127.0.0.1, used as ``with Broker(port)``.

    Args:
        port: of the HTTP API; that of AMQP is 10000 below, and that of streams 1 above that.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._client: Connection | None = None
        self._stream_client: StreamClient | None = None
        self._names = dict.fromkeys(("node", "connection", "stream_connection", "channel"), "none")
        self._names["node"] = self.ask(Call("GET", "overview")).value["node"]

    @property
    def node(self) -> str:
        """Name of the node."""
        return self._names["node"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        if self._stream_client is not None:
            self._stream_client.close()
        if self._client is not None:
            with contextlib.suppress(OSError, AssertionError):
                self._client.close()

    def ask(self, call: Call) -> Answer:
        headers = dict(call.headers)
        if call.user is not None and "authorization" not in headers:
            name, _, password = call.user.partition(":")
            login = base64.b64encode(f"{name}:{password or name}".encode()).decode()
            headers["authorization"] = f"Basic {login}"
        body = call.body
        if body is not None:
            headers.setdefault("content-type", "application/json")
            text = body if isinstance(body, str) else json.dumps(body)
            body = text.replace("{node}", self._names["node"]).encode("utf-8", "surrogateescape")
        path = f"/api/{self._named(call.path)}"
        try:
            return self._answer(call.method, path, body, headers)
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return self._answer(call.method, path, body, headers)

    def _answer(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        given = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, self._value(reply.read()), given)

    def _named(self, path: str) -> str:
        for word, name in self._names.items():
            path = path.replace(f"{{{word}}}", quote(name, safe="@"))
        return path

    def _value(self, raw: bytes) -> object:
        text = raw.decode("utf-8", "replace")
        for word, name in reversed(self._names.items()):
            if name != "none":
                text = text.replace(name, f"<{word}>")
        try:
            return json.loads(text)
        except ValueError:
            return text or None

    def connect(self) -> None:
        """Connect a client that consumes; ``await_client`` waits until the API tells of it."""
        amqp_port = self._port - PORT_OFFSET
        client = Connection(
            Address.of(f"amqp://{CLIENT}:{CLIENT}@127.0.0.1:{amqp_port}/{VHOST}"), TIMEOUT_S
        )
        self._client = client
        client.__enter__()
        client.open(client_properties={"connection_name": "scene", "product": "differential"})
        channel = client.channel(1)
        channel.call(commands.Queue.Declare, queue=CONSUMED, durable=True)
        channel.call(commands.Basic.Qos, prefetch_count=10)
        channel.call(commands.Confirm.Select)
        channel.consume(CONSUMED, "tag", arguments={"x-priority": 3})
        channel.publish(b"unacked", routing_key=CONSUMED)
        channel.deliveries(1)

    def await_client(self) -> None:
        """Return once the API tells of the client, its channel and its consumer.

        Raises:
            TimeoutError: it does not.
        """

        def tells() -> bool:
            channels = self.ask(Call("GET", "channels")).value
            ours = [each for each in channels if each.get("user") == CLIENT]
            queue = self.ask(Call("GET", f"queues/{VHOST}/{CONSUMED}")).value
            connections = self.ask(Call("GET", f"vhosts/{VHOST}/connections")).value
            if not ours or not queue.get("consumers") or "channels" not in connections[0]:
                return False
            if not all(
                each.get("consumer_count") and "connection_details" in each for each in ours
            ):
                return False
            self._names["channel"] = ours[0]["name"]
            self._names["connection"] = ours[0]["connection_details"]["name"]
            return True

        self._await("the client", tells)

    def connect_stream(self) -> None:
        """Connect a client of streams; ``await_stream_client`` waits until the API tells of it."""
        port = self._port - PORT_OFFSET + STREAM_PORT_OFFSET
        self._stream_client = StreamClient(port, CLIENT, VHOST)

    def await_stream_client(self) -> None:
        """Return once the API tells of its connection, its publisher and its subscription.

        Raises:
            TimeoutError: it does not.
        """

        def tells() -> bool:
            connections = self.ask(Call("GET", "stream/connections")).value
            publishers = self.ask(Call("GET", "stream/publishers")).value
            consumers = self.ask(Call("GET", "stream/consumers")).value
            rows = (*publishers, *consumers)
            if not connections or not publishers or not consumers:
                return False
            if "recv_oct" not in connections[0] or any(
                "connection_details" not in row for row in rows
            ):
                return False
            if publishers[0]["confirmed"] == 0 or consumers[0]["consumed"] == 0:
                return False
            self._names["stream_connection"] = connections[0]["name"]
            return True

        self._await("the client of streams", tells)

    def await_shovel(self) -> None:
        """Return once the shovel runs.

        Raises:
            TimeoutError: it does not.
        """

        def runs() -> bool:
            shovels = self.ask(Call("GET", f"shovels/{VHOST}")).value
            return any(row["name"] == SHOVEL and row["state"] == "running" for row in shovels)

        self._await("the shovel that runs", runs)

    def _await(self, what: str, is_told: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + SEEN_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if is_told():
                return
            time.sleep(0.2)
        raise TimeoutError(f"the API does not tell of {what}")

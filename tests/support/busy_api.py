"""A node in memory with some of everything that its HTTP API tells of, hostile names among it.

busy = Busy(api)
for path in busy.paths("queues/{vhost}/{queue}"):   # one for each thing that there is
    api.get(path)
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from pamqp import commands

from amqp_server.broker.federation.links import Link, LinkState
from amqp_server.broker.federation.upstream import made_upstream
from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.shovels.states import RUNNING, TERMINATED, ShovelState
from amqp_server.broker.views import LagView, ListenerView, ResourceView
from amqp_server.stream_protocol.fields import U64, string
from amqp_server.stream_protocol.keys import CommandKey
from conformance import fields
from conformance.fields import Decimal, Typed
from tests.support.fake_cluster import FakeCluster
from tests.support.frames import METHOD, content_header, frame, publish_payload
from tests.support.management_api import Api
from tests.support.peer import Client
from tests.support.stream_peer import StreamPeer, entry

HOSTILE: Final = 'a"b/<i>é\t\x00 ☃%2F?'

HEADERS: Final[dict[str, Any]] = {
    "nan": math.nan,
    "infinite": -math.inf,
    "float": Typed("f", math.inf),
    "big": Typed("l", -(2**63)),
    "unsigned": Typed("i", 2**32 - 1),
    "decimal": Typed("D", Decimal(255, -(2**31))),
    "time": Typed("T", 2**64 - 1),
    "octets": b"\xff\xfe\x00",
    "no text": Typed("S", b"\xc3\x28"),
    "nothing": None,
    "nested": {"": {"": [{}, [], [math.nan]]}, "error": "x"},
    "x-death": "not a list",
}
RESOURCES: Final = ResourceView(
    (1 << 40) + 1,
    1 << 40,
    None,
    50,
    9,
    (1 << 63) - 1,
    2,
    900,
    (1 << 45) + 7,
    (
        ListenerView("127.0.0.1", 5672, "amqp", is_tls=False),
        ListenerView("::", 5552, "stream", is_tls=True),
        ListenerView("127.0.0.1", 15_672, "http", is_tls=False),
        ListenerView("/run/x", 0, "amqp", is_tls=False),
    ),
)
LAG: Final = LagView(100, 60_000, (1_000, 2_000), (590, 8, 2), 61_234, 2**40)
SHOVEL: Final[dict[str, Any]] = {
    "src-uri": "amqp://u:secret@a",
    "src-queue": "q",
    "dest-uri": ["amqp://b", "amqp://c"],
    "dest-exchange": "e",
    "dest-exchange-key": "k",
    "src-delete-after": "queue-length",
    "reconnect-delay": 5,
}
QUEUES: Final[Mapping[str, Mapping[str, object]]] = {
    "classic": {},
    "quorum": {"x-queue-type": "quorum", "x-delivery-limit": 2**31},
    "stream": {"x-queue-type": "stream", "x-max-age": "7D"},
    "priority": {"x-max-priority": 9},
    "limited": {
        "x-max-length": 1,
        "x-max-length-bytes": 2**40,
        "x-message-ttl": 3_600_000,
        "x-expires": 2**31,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "classic",
        "x-overflow": "reject-publish",
        "x-single-active-consumer": True,
    },
    HOSTILE: {HOSTILE: HOSTILE},
}


class Busy:
    """What there is, and the paths to it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._fill_definitions()
        self._fill_queues()
        self._connect()
        self._shovel()
        self._federate()
        self._cluster()
        self._put(f"queues/%2F/{quote(HOSTILE, safe='')}/pause")
        self._look()

    @property
    def _names(self) -> Mapping[str, list[str]]:
        """What may stand in a path, by the name of the segment."""
        listed = self._api.get
        connections = [each["name"] for each in listed("connections").json]
        props = [each["properties_key"] for each in listed("bindings").json]
        return {
            "vhost": ["/", HOSTILE],
            "queue": [*QUEUES, "exclusive"],
            "exchange": ["amq.default", "amq.topic", "later", HOSTILE],
            "source": ["amq.default", "amq.topic", HOSTILE],
            "destination": [*QUEUES, "amq.topic", HOSTILE],
            "props": [*dict.fromkeys(props)],
            "connection": connections,
            "channel": [each["name"] for each in listed("channels").json],
            "user": ["guest", HOSTILE],
            "node": [each["name"] for each in listed("nodes").json],
            "job": [str(each["id"]) for each in listed("jobs").json],
            "policy": ["everything", HOSTILE],
            "parameter": ["internal_cluster_id", "free", "s", "t"],
            "component": ["shovel", "vhost-limits", "operator_policy", "policy"],
            "shovel": ["s", "t"],
            "super_stream": ["readings", HOSTILE],
            "endpoint": ["per-object", "detailed"],
            "password": ["secret"],
            "port": ["5672"],
            "protocol": ["amqp", "stream"],
            "within": ["1"],
            "unit": ["days"],
            "pattern": [".*"],
            "filter": ["x"],
        }

    def paths(self, route: str) -> Iterator[str]:
        """Yield the paths of a route, one for all of its names that there are."""
        named = re.findall(r"\{(\w+)\}", route)
        names = self._names
        for values in itertools.product(*[names[each] for each in named]):
            path = route
            for name, value in zip(named, values, strict=True):
                path = path.replace(f"{{{name}}}", quote(value, safe=""), 1)
            yield path

    def _put(self, path: str, *names: str, **body: object) -> None:
        """Make a PUT with names that are quoted; it must be done."""
        quoted = [quote(each, safe="") for each in names]
        reply = self._api.put("/".join([path, *quoted]), body)
        assert reply.status in {201, 204}, (path, names, reply)

    def _fill_definitions(self) -> None:
        put = self._put
        for name in (HOSTILE, "plain"):
            put("vhosts", name, description=HOSTILE, tags=HOSTILE, tracing=name == HOSTILE)
        put("users", HOSTILE, password="p", tags=f"monitoring,{HOSTILE}")
        put("users", "nobody", password_hash="", tags="")
        for vhost in ("/", HOSTILE):
            for user in ("guest", HOSTILE):
                put("permissions", vhost, user, configure=".*", write=".*", read=HOSTILE[:1] + ".*")
        put("permissions", "/", "guest", configure=".*", write=".*", read=".*")
        put("permissions", HOSTILE, "guest", configure=".*", write=".*", read=".*")
        put("topic-permissions", "/", HOSTILE, exchange="amq.topic", write=".*", read=".*")
        put("vhost-limits/%2F/max-queues", value=10_000)
        put("vhost-limits/%2F/max-connections", value=-1)
        put("user-limits", HOSTILE, "max-channels", value=7)
        put(
            "exchanges",
            "/",
            "later",
            type="x-delayed-message",
            arguments={"x-delayed-type": "direct"},
        )
        put("exchanges", "/", HOSTILE, type="topic", arguments={"alternate-exchange": "amq.fanout"})
        for kind in ("policies", "operator-policies"):
            definition = {"max-length": 10_000_000}
            for name in ("everything", HOSTILE):
                put(kind, "/", name, pattern=".*", definition=definition, priority=-(2**31))
        put("global-parameters", "free", value={"": [1.5, None, {"error": "x"}]})
        put("global-parameters", "internal_cluster_id", value="rabbitmq-cluster-id-x")
        put("stream/super-streams/%2F/readings", partitions=2)

    def _cluster(self) -> None:
        own = self._api.management.services.identity.node
        cluster = FakeCluster(own, HOSTILE, "rabbit@c")
        cluster.put("classic", own, HOSTILE, kind="classic")
        cluster.put("quorum", own, HOSTILE, "rabbit@c", min_isr=1)
        cluster.put("stream", "rabbit@c", HOSTILE, own, kind="stream", min_isr=1)
        cluster.put(HOSTILE, HOSTILE, own, kind="classic")
        cluster.stop("rabbit@c")
        self._api.broker.cluster = cluster

    def _fill_queues(self) -> None:
        api = self._api
        client = api.node.open()
        for name, arguments in QUEUES.items():
            client.send_bytes(_declare(name, arguments))
        assert client.closes() == []
        self._bind(client)
        for name in QUEUES:
            for _ in range(3):
                client.send_bytes(_hostile_message(name))
        client.receive()
        client.send(commands.Basic.Get, 1, queue="classic", no_ack=False)
        client.send(commands.Basic.Get, 1, queue="quorum", no_ack=False)
        client.receive()
        for delay_ms in (1, 2**31):
            headers = {"x-delay": delay_ms}
            client.publish(b"later", exchange="later", routing_key="k", headers=headers)
        client.receive()
        moved = api.post("queues/%2F/priority/move", {"dest": "classic", "count": 1, "rate": 1_000})
        assert moved.status == 200, moved

    def _bind(self, client: Client) -> None:
        for arguments in ({}, {"x": [1.5, {"deep": True}]}):
            body = {"routing_key": HOSTILE, "arguments": arguments}
            for kind, name in (("q", "classic"), ("q", HOSTILE), ("e", HOSTILE)):
                path = f"bindings/%2F/e/amq.topic/{kind}/{quote(name, safe='')}"
                reply = self._api.post(path, body)
                assert reply.status == 201, (path, reply)

    def _connect(self) -> None:
        node = self._api.node
        client = node.open()
        client.send(commands.Basic.Qos, 1, prefetch_count=65_535)
        client.open_channel(2)
        client.send(commands.Confirm.Select, 2)
        client.open_channel(3)
        client.send(commands.Tx.Select, 3)
        client.publish(b"uncommitted", routing_key="classic", channel=3)
        client.open_channel(4)
        client.send(commands.Basic.Qos, 4, prefetch_count=3, global_=True)
        client.declare("exclusive", exclusive=True)
        consumers: tuple[tuple[str, bool, dict[str, Any]], ...] = (
            ("classic", False, {"x-priority": -(2**31)}),
            ("classic", True, {HOSTILE: math.nan}),
            ("limited", False, {}),
            ("limited", False, {}),
            ("stream", False, {"x-stream-offset": "first"}),
            ("quorum", False, {}),
        )
        for number, (queue, no_ack, arguments) in enumerate(consumers):
            payload = _consume(queue, f"{HOSTILE}{number}", arguments, no_ack=no_ack)
            client.send_bytes(frame(METHOD, 1, payload))
        client.receive()
        peer = StreamPeer.open(node)
        peer.declare_publisher("stream", 255, "sensor")
        peer.publish(255, (1, entry(b"a")), (2**63, entry(b"b")))
        peer.subscribe("stream", 200, properties={"name": "reader", HOSTILE: HOSTILE}, credit=7)
        peer.send(CommandKey.STORE_OFFSET, string("reader"), string("stream"), U64.pack(2**63))
        peer.receive()
        self._api.get("whoami", user="guest:wrong")

    def _shovel(self) -> None:
        for name, state in (("s", RUNNING), ("t", TERMINATED)):
            self._put("parameters/shovel/%2F", name, value=SHOVEL)
            begun = ShovelState(read_shovel("/", name, SHOVEL), state, 0)
            self._api.broker.shovels.begin(begun)

    def _federate(self) -> None:
        links = self._api.broker.federation
        upstream = made_upstream(HOSTILE, {"uri": "amqp://u:secret@a", "exchange": "there"}, {})
        exchange = Link("/", "exchange", HOSTILE, upstream, HOSTILE)
        queue = Link("/", "queue", HOSTILE, upstream, HOSTILE)
        for link in (exchange, queue):
            links.begin(LinkState(link, "starting", 0))
        links.update(LinkState(exchange, "running", 0, "amqp://u:secret@a", "", "<local>", 7))
        links.update(LinkState(queue, "error", 0, "amqp://u:secret@a", HOSTILE))

    def _look(self) -> None:
        """Have numbers over time, with resources that nobody has."""
        api = self._api
        api.broker.look_at_resources = lambda: RESOURCES
        api.broker.look_at_lag = lambda _: LAG
        for _ in range(3):
            api.look()
            api.node.clients[0].publish(b"more", routing_key="classic")
            api.node.clients[0].receive()


def _declare(name: str, arguments: Mapping[str, object]) -> bytes:
    durable = 2 if arguments.get("x-queue-type") in {"quorum", "stream"} else 0
    payload = b"\x00\x32\x00\x0a\x00\x00" + fields.shortstr(name) + bytes((durable,))
    return frame(METHOD, 1, payload + fields.table(dict(arguments)))


def _consume(queue: str, tag: str, arguments: Mapping[str, object], *, no_ack: bool) -> bytes:
    names = fields.shortstr(queue) + fields.shortstr(tag)
    flags = bytes((2 * no_ack,))
    return b"\x00\x3c\x00\x14\x00\x00" + names + flags + fields.table(dict(arguments))


def _hostile_message(queue: str) -> bytes:
    """Return a message whose headers have every value that a client may send."""
    body = b"\xff\x00<script>"
    properties = b"\x30\x40" + fields.table(HEADERS) + b"\x02" + b"\xff" * 8
    header = content_header(len(body), properties)
    payload = publish_payload("", queue)
    return frame(METHOD, 1, payload) + frame(2, 1, header) + frame(3, 1, body)

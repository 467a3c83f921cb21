"""Queues, exchanges and bindings: good and bad ones, and what is said of them."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call, q

ODD_NAMES: Final = (
    "odd name",
    "a/b",
    "a%2Fb",
    "q?&#",
    "+plus+",
    "é☃😀",
    "..",
    "~",
    "x" * 255,
    "x" * 256,
    "amq.taken",
    "amq.default",
    "new\nline",
)
NODES: Final = ("{node}", "none@nowhere", "", 5, None)

_QUEUE_BODIES: Final[tuple[Any, ...]] = (
    None,
    "",
    "null",
    "undefined",
    "[]",
    '"{}"',
    "5",
    "{bad",
    {},
    {"durable": True},
    {"durable": "true"},
    {"durable": "false"},
    {"durable": "troo"},
    {"durable": 1},
    {"durable": None},
    {"auto_delete": True},
    {"auto_delete": "false"},
    {"auto_delete": "x"},
    {"exclusive": True},
    {"unknown": {"a": 1}},
    {"arguments": []},
    {"arguments": None},
    {"arguments": "x"},
    {"arguments": [1]},
    {"arguments": {"x": None}},
    {"arguments": {"x-message-ttl": 1000}},
    {"arguments": {"x-message-ttl": "1000"}},
    {"arguments": {"x-message-ttl": -1}},
    {"arguments": {"x-message-ttl": 1.5}},
    {"arguments": {"x-message-ttl": 1e30}},
    {"arguments": {"x-max-length": True}},
    {"arguments": {"x-overflow": "bogus"}},
    {"arguments": {"x-queue-type": "bogus"}},
    {"arguments": {"x-queue-type": "quorum"}},
    {"arguments": {"x-queue-type": "quorum"}, "durable": True},
    {"arguments": {"x-queue-type": "stream"}, "durable": False},
    {"arguments": {"x-max-priority": 256}},
    {"arguments": {"x-max-priority": 0}},
    {"arguments": {"x-expires": 0}},
    {"arguments": {"x-dead-letter-exchange": 5}},
    {"arguments": {"x-dead-letter-routing-key": "k"}},
    {"arguments": {"x-single-active-consumer": "yes"}},
    {"arguments": {"own": {"a": [1, "b", True, {"c": 2.5}]}}},
    *[{"node": node} for node in NODES],
)

_EXCHANGE_BODIES: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    "[]",
    {},
    {"type": "fanout"},
    {"type": "bogus"},
    {"type": ""},
    {"type": 5},
    {"type": None},
    {"type": ["direct"]},
    {"type": "topic", "durable": "true"},
    {"type": "topic", "durable": "troo"},
    {"type": "topic", "auto_delete": "x"},
    {"type": "topic", "internal": "true"},
    {"type": "topic", "internal": 1},
    {"type": "headers", "arguments": []},
    {"type": "headers", "arguments": "x"},
    {"type": "headers", "arguments": {"x": None}},
    {"type": "direct", "arguments": {"alternate-exchange": 5}},
    {"type": "direct", "arguments": {"alternate-exchange": "nope"}},
    {"type": "x-consistent-hash", "arguments": {"hash-header": 5}},
    {"type": "x-random"},
    {"type": "x-recent-history", "arguments": {"x-recent-history-length": "a"}},
    {"type": "direct", "unknown": 1},
)

_BINDING_BODIES: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    "[]",
    {},
    {"routing_key": ""},
    {"routing_key": "k"},
    {"routing_key": 5},
    {"routing_key": None},
    {"routing_key": True},
    {"routing_key": ["k"]},
    {"routing_key": "x" * 256},
    {"routing_key": "k", "arguments": []},
    {"routing_key": "k", "arguments": "x"},
    {"routing_key": "k", "arguments": {"x": None}},
    {"routing_key": "k", "arguments": {"a": 1, "b": "two"}},
    {"routing_key": "", "arguments": {"a": [1, {"b": True}]}},
)

ODD_KEYS: Final = (
    "a b",
    "a/b",
    "~",
    "~~",
    "%",
    "a%2Fb",
    "+",
    "é☃😀",
    "a~b",
    "?#&",
    "..",
    "-_.!*'()",
)

_QUEUE: Final = f"queues/{VHOST}"
_EXCHANGE: Final = f"exchanges/{VHOST}"
_BINDING: Final = f"bindings/{VHOST}/e"

SCENE: Final = (
    *[
        Call("PUT", f"{_QUEUE}/{name}", body={"durable": True, "arguments": arguments})
        for name, arguments in (
            ("q.plain", {}),
            (
                "q.args",
                {"x-message-ttl": 86_400_000, "x-max-length": 100, "x-overflow": "drop-head"},
            ),
            ("q.quorum", {"x-queue-type": "quorum", "x-delivery-limit": 5}),
            ("q.stream", {"x-queue-type": "stream", "x-max-age": "1D"}),
            ("q.prio", {"x-max-priority": 5}),
            ("q.sac", {"x-single-active-consumer": True}),
        )
    ],
    *[
        Call("PUT", f"{_EXCHANGE}/x.{kind}", body={"type": kind, "durable": True})
        for kind in ("direct", "fanout", "topic", "headers")
    ],
    Call("PUT", f"{_EXCHANGE}/x.internal", body={"type": "topic", "internal": True}),
    Call(
        "PUT",
        f"{_EXCHANGE}/x.args",
        body={
            "type": "fanout",
            "arguments": {"i": 5, "s": "s", "b": True, "f": 1.5, "l": [1, "b"]},
        },
    ),
    Call("POST", f"{_BINDING}/x.topic/q/q.plain", body={"routing_key": "a.#"}),
    Call("POST", f"{_BINDING}/x.direct/e/x.fanout", body={"routing_key": "k"}),
    Call("POST", f"{_BINDING}/x.fanout/q/q.args", body={"arguments": {"n": 1}}),
    Call(
        "POST",
        f"{_BINDING}/x.headers/q/q.args",
        body={"routing_key": "", "arguments": {"x-match": "all", "a": 1, "b": "x"}},
    ),
)

_READ: Final = (
    "queues",
    _QUEUE,
    f"{_QUEUE}/q.plain",
    f"{_QUEUE}/q.args",
    f"{_QUEUE}/q.quorum",
    f"{_QUEUE}/q.stream",
    f"{_QUEUE}/q.prio",
    f"{_QUEUE}/q.sac",
    f"{_QUEUE}/nope",
    "queues/nope",
    "queues/nope/q",
    f"{_QUEUE}/q.plain/bindings",
    f"{_QUEUE}/nope/bindings",
    "queues/nope/q/bindings",
    "exchanges",
    _EXCHANGE,
    f"{_EXCHANGE}/amq.default",
    f"{_EXCHANGE}/x.args",
    f"{_EXCHANGE}/nope",
    "exchanges/nope",
    f"{_EXCHANGE}/x.fanout/bindings/source",
    f"{_EXCHANGE}/x.fanout/bindings/destination",
    f"{_EXCHANGE}/amq.default/bindings/source",
    f"{_EXCHANGE}/nope/bindings/source",
    f"{_EXCHANGE}/nope/bindings/destination",
    "bindings",
    f"bindings/{VHOST}",
    "bindings/nope",
    f"{_BINDING}/x.topic/q/q.plain",
    f"{_BINDING}/amq.default/q/q.plain",
    f"{_BINDING}/x.topic/q/nope",
    f"{_BINDING}/nope/q/q.plain",
    f"{_BINDING}/x.direct/e/x.fanout",
    f"{_BINDING}/x.topic/q/q.plain/a.%23",
    f"{_BINDING}/x.topic/q/q.plain/nope",
    f"{_BINDING}/x.topic/q/q.plain/~",
    f"{_BINDING}/amq.default/q/q.plain/q.plain",
    f"{_BINDING}/x.direct/e/x.fanout/k",
    f"{_BINDING}/x.direct/e/x.fanout/nope",
)

_QUERIES: Final = (
    "columns=name,vhost",
    "columns=name,arguments.x-max-length",
    "columns=nope",
    "sort=name&sort_reverse=true&columns=name",
    "sort=vhost&columns=name,vhost",
    "sort=&columns=name",
    "sort_reverse=true&columns=name",
    "page=1&page_size=2&columns=name",
    "page=2&page_size=2&columns=name",
    "page=1&page_size=500&columns=name",
    "page=1&page_size=501",
    "page=1&page_size=0",
    "page=1&page_size=-1",
    "page=1&page_size=a",
    "page=0",
    "page=-1",
    "page=1.5",
    "page=abc",
    "page=",
    "page=1000",
    "page=1&name=PLAIN&columns=name",
    "page=1&name=none&columns=name",
    "page=2&name=none&columns=name",
    "page=1&name=plain&use_regex=false&columns=name",
    "page=1&name=%5Eq%5C.p.*&use_regex=true&columns=name",
    "page=1&name=%28&use_regex=true",
    "page=1&name=%28&use_regex=bogus&columns=name",
    "page=1&name=&columns=name",
    "name=plain&columns=name",
    "pagination=true&columns=name",
    "page=1&pagination=true&columns=name",
    "disable_stats=true",
    "disable_stats=true&enable_queue_totals=true",
    "lengths_age=60&lengths_incr=5",
    "lengths_age=6000&lengths_incr=1",
    "lengths_age=60&lengths_incr=0",
    "lengths_age=0&lengths_incr=5",
    "lengths_age=-60&lengths_incr=5",
    "lengths_age=x&lengths_incr=5",
    "lengths_age=60",
    "msg_rates_age=60&msg_rates_incr=5",
    "msg_rates_age=6000&msg_rates_incr=1",
    "msg_rates_age=60&msg_rates_incr=x",
    "data_rates_age=6000&data_rates_incr=1",
)

READS: Final = (
    *[
        Call("GET", path, user)
        for path in _READ
        for user in ("guest", "d-mon", "d-mgmt", "d-none", None)
    ],
    *[
        Call("GET", f"{path}?{query}")
        for path in (_QUEUE, _EXCHANGE, f"{_QUEUE}/q.plain", f"bindings/{VHOST}")
        for query in _QUERIES
    ],
)


def _tried(path: str, bodies: tuple[Any, ...]) -> list[Call]:
    """Return puts, each of a thing that is not there, read and removed again."""
    found = []
    for body in bodies:
        found += [Call("PUT", path, body=body), Call("GET", path), Call("DELETE", path)]
    return found


WRITES: Final = (
    *_tried(f"{_QUEUE}/q.w", _QUEUE_BODIES),
    *_tried(f"{_EXCHANGE}/x.w", _EXCHANGE_BODIES),
    *[call for name in ODD_NAMES for call in _tried(f"{_QUEUE}/{q(name)}", ({},))],
    *[call for name in ODD_NAMES for call in _tried(f"{_EXCHANGE}/{q(name)}", ({},))],
    *_tried("queues/nope/q", ({}, "{bad")),
    *_tried("exchanges/nope/x", ({}, "{bad")),
    # The same again, and otherwise.
    *[
        Call("PUT", f"{_QUEUE}/q.plain", body=body)
        for body in ({"durable": True}, {}, {"durable": True, "arguments": {"x-max-length": 1}})
    ],
    *[
        Call("PUT", f"{_EXCHANGE}/x.direct", body=body)
        for body in ({"type": "direct", "durable": True}, {"type": "direct"}, {"type": "fanout"})
    ],
    *[
        Call("DELETE", f"{_EXCHANGE}/{name}?if-unused={value}")
        for name, value in (("x.fanout", "true"), ("amq.topic", "false"), ("amq.default", ""))
    ],
    *[
        Call("POST", f"{_BINDING}/{ends}", body=body)
        for ends in ("x.topic/q/q.prio", "x.topic/e/x.args")
        for body in _BINDING_BODIES
    ],
    Call("GET", f"{_BINDING}/x.topic/q/q.prio"),
    Call("GET", f"{_BINDING}/x.topic/e/x.args"),
    *[
        Call("POST", f"{_BINDING}/{ends}", body={"routing_key": "k"})
        for ends in (
            "nope/q/q.prio",
            "x.topic/q/nope",
            "x.topic/e/nope",
            "x.internal/q/q.prio",
            "amq.default/q/q.prio",
            "x.topic/e/amq.default",
        )
    ],
    Call("POST", "bindings/nope/e/x/q/q", body={}),
    *[
        call
        for key in ODD_KEYS
        for call in (
            Call("POST", f"{_BINDING}/x.topic/q/q.sac", body={"routing_key": key}),
            Call("GET", f"{_BINDING}/x.topic/q/q.sac"),
            Call("GET", f"{_BINDING}/x.topic/q/q.sac/{q(q(key).replace('~', '%7E'))}"),
            Call("GET", f"{_BINDING}/x.topic/q/q.sac/{q(key)}"),
            Call("DELETE", f"{_BINDING}/x.topic/q/q.sac/{q(q(key).replace('~', '%7E'))}"),
            Call("DELETE", f"{_BINDING}/x.topic/q/q.sac/{q(key)}"),
        )
    ],
    *[
        Call("DELETE", f"{_BINDING}/{ends}")
        for ends in (
            "x.topic/q/q.prio/k",
            "x.topic/q/q.prio/k",
            "x.topic/q/q.prio/~",
            "x.topic/q/nope/~",
            "x.topic/e/x.args/k",
            "nope/q/q.prio/k",
            "amq.default/q/q.prio/q.prio",
        )
    ],
    Call("DELETE", f"{_QUEUE}/q.prio?if-empty=true&if-unused=true"),
    Call("DELETE", f"{_QUEUE}/q.prio?if-empty=true"),
    Call("PUT", f"{_QUEUE}/q.prio", body={"durable": True, "arguments": {"x-max-priority": 5}}),
    Call("DELETE", f"{_QUEUE}/q.plain/contents"),
    Call("DELETE", f"{_QUEUE}/q.stream/contents"),
    Call("DELETE", f"{_QUEUE}/nope/contents"),
    Call("DELETE", "queues/nope/q/contents"),
    *[
        Call("POST", f"{_QUEUE}/{name}/actions", user, body)
        for name in ("q.plain", "nope")
        for user in ("guest", "d-mgmt")
        for body in (None, {}, {"action": "sync"}, {"action": "cancel_sync"}, {"action": "x"}, "{")
    ],
    *[
        Call(method, path, user, body)
        for method, path, body in (
            ("PUT", f"{_QUEUE}/q.w", {}),
            ("DELETE", f"{_QUEUE}/q.nope", None),
            ("PUT", f"{_EXCHANGE}/x.w", {}),
            ("DELETE", f"{_EXCHANGE}/x.nope", None),
            ("POST", f"{_BINDING}/x.topic/q/q.sac", {"routing_key": "r"}),
            ("DELETE", f"{_BINDING}/x.topic/q/q.sac/nope", None),
            ("DELETE", f"{_QUEUE}/q.sac/contents", None),
        )
        for user in ("d-mon", "d-pol", "d-mgmt", "d-none", None)
    ],
)

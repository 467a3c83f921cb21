"""Messages that are published and got by hand."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call

_PUBLISH: Final = f"exchanges/{VHOST}/amq.default/publish"
_QUEUE: Final = f"queues/{VHOST}/q.m"
_PLAIN: Final = {
    "routing_key": "q.m",
    "properties": {},
    "payload": "hello",
    "payload_encoding": "string",
}
_GET: Final = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}

_PROPERTIES: Final[tuple[Any, ...]] = (
    {},
    [],
    None,
    "x",
    5,
    {"delivery_mode": 2},
    {"delivery_mode": "2"},
    {"delivery_mode": 2.5},
    {"delivery_mode": None},
    {"delivery_mode": 300},
    {"priority": "high"},
    {"priority": 5},
    {"timestamp": 1_700_000_000},
    {"timestamp": "now"},
    {"timestamp": -1},
    {"expiration": "60000"},
    {"expiration": 60_000},
    {"expiration": "soon"},
    {"content_type": "text/plain", "content_encoding": "utf-8", "message_id": "m", "app_id": "a"},
    {"content_type": 5},
    {"correlation_id": "c", "reply_to": "r", "type": "t", "cluster_id": "cl"},
    {"user_id": "guest"},
    {"user_id": "other"},
    {"headers": {}},
    {"headers": []},
    {"headers": None},
    {"headers": "x"},
    {"headers": {"a": 1, "b": "two", "c": True, "d": 1.5, "e": [1, "x"], "f": {"g": None}}},
    {"headers": {"a": {"b": {"c": [1, [2, [3]]]}}}},
    {"headers": {"big": 2**63 - 1}},
    {"headers": {"bigger": 2**64}},
    {"unknown": 1},
    {"content-type": "text/plain"},
)

_PUBLISHES: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    "[]",
    {},
    {"routing_key": "q.m"},
    {**_PLAIN, "payload": 5},
    {**_PLAIN, "payload": None},
    {**_PLAIN, "payload": {"a": 1}},
    {**_PLAIN, "payload": ""},
    {**_PLAIN, "payload": "é☃😀"},
    {**_PLAIN, "payload_encoding": "bogus"},
    {**_PLAIN, "payload_encoding": 5},
    {**_PLAIN, "payload_encoding": "base64", "payload": "aGVsbG8="},
    {**_PLAIN, "payload_encoding": "base64", "payload": "aGVsbG8"},
    {**_PLAIN, "payload_encoding": "base64", "payload": "!!"},
    {**_PLAIN, "payload_encoding": "base64", "payload": "/wD+"},
    {**_PLAIN, "routing_key": "nope"},
    {**_PLAIN, "routing_key": 5},
    {**_PLAIN, "routing_key": None},
    {**_PLAIN, "routing_key": ["q.m"]},
    {**_PLAIN, "routing_key": "x" * 256},
    *[{**_PLAIN, "properties": properties} for properties in _PROPERTIES],
)

_GETS: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    {},
    {"count": 1},
    {"count": 1, "encoding": "auto"},
    {**_GET, "count": "1"},
    {**_GET, "count": "x"},
    {**_GET, "count": None},
    {**_GET, "count": 0},
    {**_GET, "count": -1},
    {**_GET, "count": 1.0},
    {**_GET, "count": True},
    {**_GET, "encoding": "base64"},
    {**_GET, "encoding": "bogus"},
    {**_GET, "encoding": 5},
    {**_GET, "ackmode": "bogus"},
    {**_GET, "ackmode": 5},
    {**_GET, "ackmode": None},
    {**_GET, "truncate": 2},
    {**_GET, "truncate": "2"},
    {**_GET, "truncate": 0},
    {**_GET, "truncate": -1},
    {**_GET, "truncate": "x"},
    {**_GET, "ackmode": "ack_requeue_true"},
    {**_GET, "ackmode": "reject_requeue_true", "count": 2},
    {**_GET, "ackmode": "reject_requeue_false"},
    {"count": 1, "requeue": True, "encoding": "auto"},
    {"count": 1, "requeue": "true", "encoding": "auto"},
    {"count": 1, "requeue": False, "encoding": "auto"},
    {"count": 1, "requeue": "x", "encoding": "auto"},
)

SCENE: Final = (Call("PUT", _QUEUE, body={"durable": True}),)

WRITES: Final = (
    *[
        call
        for body in _PUBLISHES
        for call in (
            Call("POST", _PUBLISH, body=body),
            Call("POST", f"{_QUEUE}/get", body={**_GET, "count": 5}),
        )
    ],
    *[
        call
        for body in _GETS
        for call in (
            Call("POST", _PUBLISH, body=_PLAIN),
            Call(
                "POST", _PUBLISH, body={**_PLAIN, "payload_encoding": "base64", "payload": "/wD+"}
            ),
            Call("POST", f"{_QUEUE}/get", body=body),
            Call("POST", f"{_QUEUE}/get", body={**_GET, "count": 5}),
        )
    ],
    *[
        Call("POST", f"exchanges/{path}/publish", body=_PLAIN)
        for path in ("nope/x", f"{VHOST}/nope", f"{VHOST}/x.internal", f"{VHOST}/x.fanout")
    ],
    *[
        Call("POST", f"queues/{path}/get", body=_GET)
        for path in ("nope/q", f"{VHOST}/nope", f"{VHOST}/q.stream", f"{VHOST}/q.quorum")
    ],
    *[
        Call("POST", path, user, body)
        for path, body in ((_PUBLISH, _PLAIN), (f"{_QUEUE}/get", _GET))
        for user in ("d-mon", "d-pol", "d-mgmt", "d-none", None)
    ],
    Call("DELETE", f"{_QUEUE}/contents"),
    Call("DELETE", f"{_QUEUE}?if-empty=true"),
)

"""The stream protocol: a client that the differential keeps, as the plugin's routes show it.

``{stream_connection}`` stands for the name of its connection.
"""

from typing import Final

from conformance.http_calls.call import VHOST, Call
from conformance.http_stream_client import STREAM

_ROLES: Final = ("guest", "d-admin", "d-mon", "d-pol", "d-mgmt", "d-none", None)

_ONE: Final = f"stream/connections/{VHOST}/{{stream_connection}}"

_READ: Final = (
    "stream/connections",
    f"stream/connections/{VHOST}",
    "stream/connections/nope",
    _ONE,
    "stream/connections/nope/{stream_connection}",
    f"stream/connections/{VHOST}/nope",
    f"stream/connections/{VHOST}/{{connection}}",
    f"{_ONE}/publishers",
    f"{_ONE}/consumers",
    "stream/connections/nope/{stream_connection}/publishers",
    f"stream/connections/{VHOST}/nope/consumers",
    f"stream/connections/{VHOST}/{{connection}}/publishers",
    "stream/publishers",
    f"stream/publishers/{VHOST}",
    "stream/publishers/nope",
    f"stream/publishers/{VHOST}/{STREAM}",
    f"stream/publishers/{VHOST}/q.consumed",
    f"stream/publishers/{VHOST}/nope",
    "stream/publishers/nope/nope",
    "stream/consumers",
    f"stream/consumers/{VHOST}",
    "stream/consumers/nope",
    f"queues/{VHOST}/{STREAM}",
    "connections/{stream_connection}",
    "connections/{stream_connection}/channels",
    f"consumers/{VHOST}",
)

_QUERIES: Final = (
    "columns=name,vhost",
    "columns=nope",
    "columns=queue.name",
    "sort=name&columns=name",
    "sort=nope&sort_reverse=true",
    "page=1&page_size=2",
    "page=1&page_size=501",
    "page=0",
    "page=abc",
    "page=1000",
    "page=1&name=127.0.0.1",
    "page=1&name=none",
    "disable_stats=true",
    "data_rates_age=60&data_rates_incr=5",
    "data_rates_age=6000&data_rates_incr=1",
    "data_rates_age=x&data_rates_incr=1",
)

SCENE: Final = (
    Call(
        "PUT",
        f"queues/{VHOST}/{STREAM}",
        body={"durable": True, "arguments": {"x-queue-type": "stream"}},
    ),
)
"""Before the client comes."""

CALLS: Final = (
    *[Call("GET", path, user) for path in _READ for user in _ROLES],
    *[
        Call("GET", f"{path}?{query}")
        for path in (
            "stream/connections",
            f"stream/connections/{VHOST}",
            _ONE,
            f"{_ONE}/publishers",
            f"{_ONE}/consumers",
            "stream/publishers",
            f"stream/publishers/{VHOST}/{STREAM}",
            "stream/consumers",
        )
        for query in _QUERIES
    ],
    Call("OPTIONS", "stream/connections"),
    Call("OPTIONS", _ONE),
    *[
        Call("DELETE", path, user)
        for path in (
            f"stream/connections/{VHOST}/nope",
            "stream/connections/nope/{stream_connection}",
            f"stream/connections/{VHOST}/{{connection}}",
        )
        for user in _ROLES
    ],
    *[Call("DELETE", _ONE, user) for user in ("d-mon", "d-pol", "d-mgmt", "d-none", None)],
    Call("DELETE", _ONE, "d-admin", headers={"x-reason": "enough"}),
    Call("DELETE", f"queues/{VHOST}/{STREAM}"),
)
"""While the client is there; it is closed at the end."""

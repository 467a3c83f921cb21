"""Connections, channels and consumers of a client that the differential keeps.

``{connection}`` and ``{channel}`` stand for the names of its connection and of its first channel.
"""

from typing import Final

from conformance.http_calls.call import VHOST, Call

_ROLES: Final = ("guest", "d-mon", "d-pol", "d-mgmt", "d-none", None)

_READ: Final = (
    "connections",
    f"vhosts/{VHOST}/connections",
    "vhosts/nope/connections",
    "connections/{connection}",
    "connections/nope",
    "connections/{connection}/channels",
    "connections/nope/channels",
    "connections/username/d-admin",
    "connections/username/nope",
    "channels",
    f"vhosts/{VHOST}/channels",
    "vhosts/nope/channels",
    "channels/{channel}",
    "channels/nope",
    "consumers",
    f"consumers/{VHOST}",
    "consumers/nope",
    f"queues/{VHOST}/q.consumed",
)

_QUERIES: Final = (
    "columns=name,vhost",
    "columns=nope",
    "sort=name&columns=name",
    "page=1&page_size=2&columns=name",
    "page=1&page_size=501",
    "page=0",
    "page=abc",
    "page=1000",
    "page=1&name=127.0.0.1&columns=name",
    "page=1&name=none",
    "disable_stats=true",
    "data_rates_age=60&data_rates_incr=5",
    "data_rates_age=6000&data_rates_incr=1",
    "data_rates_age=x&data_rates_incr=1",
    "msg_rates_age=6000&msg_rates_incr=1",
    "lengths_age=60&lengths_incr=0",
)

READS: Final = (
    *[Call("GET", path, user) for path in _READ for user in _ROLES],
    *[
        Call("GET", f"{path}?{query}")
        for path in ("connections", "channels", "connections/{connection}", "channels/{channel}")
        for query in _QUERIES
    ],
)

WRITES: Final = (
    Call("DELETE", "connections/nope"),
    Call("DELETE", "connections/{connection}", "d-mgmt"),
    Call("DELETE", "connections/{connection}", "d-mon"),
    Call("DELETE", "connections/{connection}", None),
    Call("DELETE", "connections/username/nope"),
    Call("DELETE", "connections/username/d-admin", "d-mgmt"),
    Call("DELETE", f"queues/{VHOST}/q.consumed?if-unused=true"),
    Call("DELETE", f"queues/{VHOST}/q.consumed?if-empty=true"),
)

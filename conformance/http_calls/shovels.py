"""Shovels: the parameters that define them, how they are, and their restart and end."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call

_ROLES: Final = ("guest", "d-admin", "d-mon", "d-pol", "d-mgmt", "d-none", None)
NAME: Final = "sh"
"""The shovel that runs; ``Broker.await_shovel`` waits for it."""

_ONE: Final = f"shovels/vhost/{VHOST}/{NAME}"
_HERE: Final = f"amqp:///{VHOST}"
_VALUE: Final = {
    "src-protocol": "amqp091",
    "src-uri": _HERE,
    "src-queue": "sh.from",
    "dest-protocol": "amqp091",
    "dest-uri": _HERE,
    "dest-queue": "sh.to",
}
_WITHOUT: Final = {"src-uri": _HERE, "dest-uri": _HERE}

_WRONG: Final[tuple[Any, ...]] = (
    {},
    [],
    "x",
    5,
    None,
    _WITHOUT,
    {**_WITHOUT, "src-queue": "a", "src-exchange": "b"},
    {**_WITHOUT, "src-queue": "a", "dest-queue": "a", "dest-exchange": "b"},
    {**_VALUE, "src-uri": 5},
    {**_VALUE, "src-uri": "http://x"},
    {**_VALUE, "src-uri": "amqp:///nope"},
    {**_VALUE, "dest-uri": [_HERE, 5]},
    {**_VALUE, "src-queue": 5},
    {**_VALUE, "src-queue": None},
    {**_VALUE, "ack-mode": "sometimes"},
    {**_VALUE, "ack-mode": "no-ack", "src-delete-after": 5},
    {**_VALUE, "src-delete-after": -1},
    {**_VALUE, "src-delete-after": "sometimes"},
    {**_VALUE, "src-prefetch-count": "many"},
    {**_VALUE, "reconnect-delay": "soon"},
    {**_VALUE, "dest-add-forward-headers": "yes"},
    {**_VALUE, "dest-publish-properties": 5},
    {**_VALUE, "dest-publish-properties": {"nope": 1}},
    {**_VALUE, "unknown": 1},
)

_READ: Final = (
    "shovels",
    f"shovels/{VHOST}",
    "shovels/nope",
    _ONE,
    f"shovels/vhost/{VHOST}/nope",
    "shovels/vhost/nope/nope",
    "parameters/shovel",
    f"parameters/shovel/{VHOST}",
    f"parameters/shovel/{VHOST}/{NAME}",
)

SCENE: Final = (
    *[Call("PUT", f"parameters/shovel/{VHOST}/bad", body={"value": value}) for value in _WRONG],
    Call("PUT", f"parameters/shovel/{VHOST}/bad", body={}),
    Call("PUT", f"parameters/shovel/nope/{NAME}", body={"value": _VALUE}),
    *[
        Call("PUT", f"parameters/shovel/{VHOST}/{NAME}", user, {"value": _VALUE})
        for user in ("d-mon", "d-mgmt", "d-none", None)
    ],
    Call("PUT", f"parameters/shovel/{VHOST}/{NAME}", body={"value": _VALUE}),
)
"""Makes the shovel."""

CALLS: Final = (
    *[Call("GET", path, user) for path in _READ for user in _ROLES],
    *[
        Call("GET", f"shovels?{query}")
        for query in (
            "columns=name,vhost,state",
            "columns=nope",
            "sort=name&sort_reverse=true",
            "page=1&page_size=2",
            "page=0",
            "page=abc",
            "disable_stats=true",
        )
    ],
    Call("OPTIONS", "shovels"),
    Call("OPTIONS", _ONE),
    *[
        Call("DELETE", path, user)
        for path in (f"shovels/vhost/{VHOST}/nope", "shovels/vhost/nope/nope/restart")
        for user in _ROLES
    ],
    *[
        Call("DELETE", path, user)
        for path in (f"{_ONE}/restart", _ONE)
        for user in ("d-mgmt", "d-none", None)
    ],
    Call("PUT", f"parameters/shovel/{VHOST}/{NAME}", body={"value": _VALUE}),
    Call("DELETE", f"{_ONE}/restart"),
)
"""While it runs."""

END: Final = (
    Call("DELETE", _ONE),
    Call("DELETE", _ONE),
    Call("GET", f"parameters/shovel/{VHOST}/{NAME}"),
    Call("PUT", f"parameters/shovel/{VHOST}/{NAME}", body={"value": _VALUE}),
    Call("DELETE", f"parameters/shovel/{VHOST}/{NAME}"),
    Call("DELETE", f"parameters/shovel/{VHOST}/{NAME}"),
    Call("GET", f"shovels/{VHOST}"),
)
"""Once it runs again after its restart."""

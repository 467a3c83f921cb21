"""Definitions, out and in."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call

_ROLES: Final = ("guest", "d-mon", "d-pol", "d-mgmt", "d-none", None)
_PATHS: Final = ("definitions", "all-configuration", f"definitions/{VHOST}", "definitions/nope")

READS: Final = tuple(Call("GET", path, user) for path in _PATHS for user in _ROLES)

_BODIES: Final[tuple[Any, ...]] = (
    None,
    "",
    "{bad",
    "[]",
    '"{}"',
    "5",
    "null",
    {},
    {"unknown": [1]},
    {"rabbit_version": "3.10.8", "users": [], "vhosts": [], "queues": []},
)

_QUEUE: Final = {"name": "i.q", "vhost": VHOST, "durable": True, "auto_delete": False}
_EXCHANGE: Final = {
    "name": "i.x",
    "vhost": VHOST,
    "type": "topic",
    "durable": True,
    "auto_delete": False,
    "internal": False,
    "arguments": {},
}
_BINDING: Final = {
    "source": "i.x",
    "vhost": VHOST,
    "destination": "i.q",
    "destination_type": "queue",
    "routing_key": "k",
    "arguments": {"a": 1},
}
_WHOLE: Final = {
    "queues": [{**_QUEUE, "arguments": {"x-max-length": 5}}],
    "exchanges": [_EXCHANGE],
    "bindings": [_BINDING],
    "policies": [
        {
            "vhost": VHOST,
            "name": "i.p",
            "pattern": "^i",
            "apply-to": "queues",
            "definition": {"max-length": 3},
            "priority": 1,
        }
    ],
    "users": [{"name": "d-i", "password_hash": "", "tags": "management"}],
    "permissions": [{"user": "d-i", "vhost": VHOST, "configure": "", "write": "", "read": ".*"}],
    "topic_permissions": [
        {"user": "d-i", "vhost": VHOST, "exchange": "amq.topic", "write": "", "read": "a"}
    ],
    "global_parameters": [{"name": "d-i", "value": {"a": 1}}],
    "parameters": [
        {"component": "vhost-limits", "vhost": VHOST, "name": "limits", "value": {"max-queues": 90}}
    ],
}


def _without_vhost(document: dict[str, Any]) -> dict[str, Any]:
    kept = ("queues", "exchanges", "bindings", "policies", "parameters")
    return {
        key: [{name: value for name, value in row.items() if name != "vhost"} for row in rows]
        for key, rows in document.items()
        if key in kept
    }


_MADE: Final = (
    f"queues/{VHOST}/i.q",
    f"exchanges/{VHOST}/i.x",
    f"bindings/{VHOST}/e/i.x/q/i.q",
    f"policies/{VHOST}/i.p",
    "users/d-i",
    f"permissions/{VHOST}/d-i",
    f"topic-permissions/{VHOST}/d-i",
    "global-parameters/d-i",
    f"parameters/vhost-limits/{VHOST}/limits",
)
_GONE: Final = tuple(
    Call("DELETE", path) for path in (*_MADE[:2], _MADE[3], "users/d-i", *_MADE[-2:])
)

WRITES: Final = (
    *[
        Call("POST", path, body=body)
        for path in ("definitions", f"definitions/{VHOST}", "all-configuration")
        for body in _BODIES
    ],
    Call("POST", "definitions", body="{}", headers={"content-type": "text/plain"}),
    Call("POST", "definitions/nope", body={}),
    Call("POST", "definitions", body=_WHOLE),
    *[Call("GET", path) for path in _MADE],
    # Again, and with another argument: what is there stays.
    Call("POST", "definitions", body=_WHOLE),
    Call("POST", "definitions", body={"queues": [{**_QUEUE, "arguments": {"x-max-length": 6}}]}),
    Call("GET", f"queues/{VHOST}/i.q"),
    *_GONE,
    Call("POST", f"definitions/{VHOST}", body=_without_vhost(_WHOLE)),
    *[Call("GET", path) for path in _MADE],
    *_GONE,
    *[
        Call("POST", path, user, {})
        for path in ("definitions", f"definitions/{VHOST}")
        for user in _ROLES
    ],
)

"""Federation: upstreams and sets of them, policies that name them, and the links there are."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call

_ROLES: Final = ("guest", "d-admin", "d-mon", "d-pol", "d-mgmt", "d-none", None)
_UPSTREAM: Final = f"parameters/federation-upstream/{VHOST}"
_SET: Final = f"parameters/federation-upstream-set/{VHOST}"
_NOBODY: Final = {"uri": "amqp://127.0.0.1:1", "reconnect-delay": 1000}
"""Nothing listens there, so that the links are down all the time."""

_WRONG: Final[tuple[Any, ...]] = (
    {},
    [],
    "x",
    5,
    None,
    {"uri": 5},
    {"uri": None},
    {"uri": "http://x"},
    {"uri": "x"},
    {"uri": ["amqp://a", 5]},
    *[
        {"uri": "amqp://a", key: value}
        for key, value in (
            ("nope", {"a": 1}),
            ("prefetch-count", "a"),
            ("prefetch-count", True),
            ("reconnect-delay", "a"),
            ("ack-mode", "x"),
            ("ack-mode", 1),
            ("trust-user-id", 1),
            ("exchange", 1),
            ("exchange", None),
            ("max-hops", "a"),
            ("expires", None),
            ("message-ttl", "a"),
            ("ha-policy", 1),
            ("queue", []),
            ("consumer-tag", 1),
            ("bind-nowait", 1),
            ("resource-cleanup-mode", "x"),
            ("channel-use-mode", "x"),
        )
    ],
    {"ack-mode": "x", "max-hops": "q", "bad": 1},
)

_WRONG_SETS: Final[tuple[Any, ...]] = (
    "x",
    [1],
    [{}],
    [{"upstream": 1}],
    [{"upstream": "u", "nope": 1}],
    [{"upstream": "u", "uri": "amqp://a"}],
    [{"upstream": "u", "max-hops": "a"}],
)

_DEFINITIONS: Final[tuple[Any, ...]] = (
    {"federation-upstream": 1},
    {"federation-upstream-set": []},
    {"federation-upstream-pattern": 1},
    {"federation-upstream": "a", "federation-upstream-set": "all"},
    {"federation-upstream": "a", "federation-upstream-pattern": "b"},
    {"federation-upstream-pattern": "^u"},
    {"federation-upstream": "none"},
)

_READ: Final = (
    "federation-links",
    f"federation-links/{VHOST}",
    "federation-links/nope",
    "federation-links/state/down",
    f"federation-links/{VHOST}/state/down",
    "federation-links/nope/state/down",
    "parameters/federation-upstream",
    f"{_UPSTREAM}/u",
    _SET,
)

SCENE: Final = (
    Call("PUT", f"exchanges/{VHOST}/fd.x", body={"type": "topic"}),
    Call("PUT", f"queues/{VHOST}/fd.q", body={}),
    Call("PUT", f"{_UPSTREAM}/u", body={"value": _NOBODY}),
    Call("PUT", f"{_UPSTREAM}/u", body={"value": _NOBODY}),
    *[
        Call("PUT", f"{_UPSTREAM}/u", user, {"value": _NOBODY})
        for user in ("d-mon", "d-mgmt", "d-none", None)
    ],
    Call("PUT", f"{_SET}/s", body={"value": [{"upstream": "u", "exchange": "there"}]}),
    Call(
        "PUT",
        f"policies/{VHOST}/fd",
        body={"pattern": r"^fd\.", "definition": {"federation-upstream-set": "s"}},
    ),
    *[Call("PUT", f"{_UPSTREAM}/bad", body={"value": value}) for value in _WRONG],
    *[Call("PUT", f"{_SET}/bad", body={"value": value}) for value in _WRONG_SETS],
    *[
        Call("PUT", f"policies/{VHOST}/fd2", body={"pattern": "^never", "definition": definition})
        for definition in _DEFINITIONS
    ],
    Call(
        "PUT",
        f"operator-policies/{VHOST}/fd",
        body={"pattern": "x", "definition": {"federation-upstream": "u"}},
    ),
    Call("PUT", "parameters/federation-upstream/nope/u", body={"value": _NOBODY}),
    Call("PUT", f"{_UPSTREAM}/u", body={}),
)
"""Makes two links that are down."""

CALLS: Final = (
    *[Call("GET", path, user) for path in _READ for user in _ROLES],
    *[
        Call("GET", f"federation-links?{query}")
        for query in (
            "columns=vhost,status,type",
            "columns=nope",
            "sort=type",
            "disable_stats=true",
        )
    ],
    Call("OPTIONS", "federation-links/state/down"),
    *[
        Call("DELETE", f"federation-links/vhost/{place}/none/{{node}}/restart", user)
        for place in (VHOST, "nope")
        for user in _ROLES
    ],
    Call("DELETE", f"federation-links/vhost/{VHOST}/none/other@nowhere/restart"),
)
"""While they are down."""

END: Final = (
    Call("DELETE", f"policies/{VHOST}/fd"),
    Call("DELETE", f"policies/{VHOST}/fd2"),
    Call("DELETE", f"{_SET}/s"),
    Call("DELETE", f"{_UPSTREAM}/u"),
    Call("DELETE", f"{_UPSTREAM}/u"),
    Call("DELETE", f"exchanges/{VHOST}/fd.x"),
    Call("DELETE", f"queues/{VHOST}/fd.q"),
    Call("GET", f"federation-links/{VHOST}"),
)
"""Takes them away."""

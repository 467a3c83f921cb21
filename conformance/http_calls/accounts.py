"""Users, rights, vhosts and limits, and what the node says of itself."""

from typing import Any, Final

from conformance.http_calls.call import FORM, Call

ALL: Final = {"configure": ".*", "write": ".*", "read": ".*"}
HASH: Final = "AQIDBHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
USERS: Final = {
    "d-admin": "administrator",
    "d-mon": "monitoring",
    "d-pol": "policymaker",
    "d-mgmt": "management",
    "d-none": "",
}

SCENE: Final = (
    Call("PUT", "cluster-name", body={"name": "d-cluster"}),
    Call("PUT", "vhosts/d", body={"description": "scene", "tags": "a,b"}),
    Call("PUT", "vhosts/d%2Fodd%20%252F"),
    *[
        Call("PUT", f"users/{name}", body={"password": name, "tags": tags})
        for name, tags in USERS.items()
    ],
    *[Call("PUT", f"permissions/d/{name}", body=ALL) for name in USERS if name != "d-none"],
    Call(
        "PUT",
        "topic-permissions/d/d-mgmt",
        body={"exchange": "amq.topic", "write": "a", "read": ""},
    ),
    Call("PUT", "vhost-limits/d/max-queues", body={"value": 100}),
    Call("PUT", "user-limits/d-mgmt/max-channels", body={"value": 100}),
)

_READ: Final = (
    "whoami",
    "whoami/",
    "overview",
    "cluster-name",
    "nodes",
    "nodes/{node}",
    "nodes/{node}/memory",
    "nodes/{node}/memory/relative",
    "nodes/{node}/memory/ets",
    "nodes/{node}/memory/ets/relative",
    "nodes/{node}/memory/ets/x",
    "nodes/none@nowhere",
    "extensions",
    "vhosts",
    "vhosts/d",
    "vhosts/d%2Fodd%20%252F",
    "vhosts/nope",
    "vhosts/d/permissions",
    "vhosts/d/topic-permissions",
    "users",
    "users/without-permissions",
    "users/d-mgmt",
    "users/nope",
    "users/d-mgmt/permissions",
    "users/d-mgmt/topic-permissions",
    "permissions",
    "permissions/d/d-mgmt",
    "permissions/nope/d-mgmt",
    "topic-permissions",
    "topic-permissions/d/d-mgmt",
    "topic-permissions/d/d-none",
    "vhost-limits",
    "vhost-limits/d",
    "user-limits",
    "user-limits/d-mgmt",
    "health/checks/alarms",
    "health/checks/local-alarms",
    "health/checks/virtual-hosts",
    "health/checks/node-is-quorum-critical",
    "health/checks/node-is-mirror-sync-critical",
    "health/checks/port-listener/1",
    "health/checks/port-listener/abc",
    "health/checks/protocol-listener/amqp",
    "health/checks/protocol-listener/amqp0-9-1",
    "health/checks/protocol-listener/mqtt",
    "health/checks/certificate-expiration/1/days",
    "health/checks/certificate-expiration/1/decades",
    "health/checks/certificate-expiration/x/days",
    "aliveness-test/d",
    "aliveness-test/nope",
    "healthchecks/node",
    "healthchecks/node/{node}",
    "healthchecks/node/none@nowhere",
    "auth",
    "auth/attempts/{node}",
    "auth/attempts/{node}/source",
    "auth/attempts/none@nowhere",
    "feature-flags",
    "deprecated-features",
    "nope",
    "users/%FF",
    "users/%zz",
)

_QUERIES: Final = (
    "columns=name",
    "columns=nope",
    "columns=",
    "columns=name.deep",
    "sort=name&sort_reverse=true&columns=name",
    "sort=nope&columns=name",
    "page=1&page_size=2&columns=name",
    "page=0",
    "page=abc",
    "page=9999",
    "page=1&page_size=501",
    "page=1&name=D&columns=name",
    "page=1&name=%5Ed&use_regex=true&columns=name",
    "page=1&name=%28&use_regex=true",
    "page_size=2&columns=name",
    "lengths_age=60&lengths_incr=5",
    "lengths_age=60&lengths_incr=0",
    "msg_rates_age=6000&msg_rates_incr=1",
    "lengths_age=abc&lengths_incr=5",
    "disable_stats=true",
    "x=%zz",
)

READS: Final = (
    *[Call("GET", path, user) for path in _READ for user in ("guest", *USERS, None)],
    Call("GET", "whoami", "guest:wrong"),
    Call("GET", "whoami", "nobody:x"),
    *[Call("GET", f"vhosts?{query}") for query in _QUERIES],
    *[Call("GET", f"overview?{query}") for query in _QUERIES if "page" not in query],
    *[Call(method, "whoami") for method in ("HEAD", "OPTIONS", "PATCH", "POST", "DELETE", "FOO")],
    *[Call("OPTIONS", path, None) for path in ("vhosts/d", "users/x", "permissions/d/x", "login")],
    *[
        Call("GET", "whoami", headers={name: value})
        for name, value in (
            ("accept", "text/html"),
            ("accept", "application/json"),
            ("accept", "application/xml, */*;q=0.1"),
            ("if-none-match", '"x"'),
            ("authorization", "Basic"),
            ("authorization", "Basic !!!"),
            ("authorization", "Basic Z3Vlc3Q="),
            ("authorization", "Digest x"),
            ("authorization", "Bearer x"),
            ("authorization", "basic Z3Vlc3Q6Z3Vlc3Q="),
        )
    ],
)

_ONCE: Final = (
    Call("POST", "rebalance/queues"),
    Call("POST", "rebalance/queues", "d-mgmt"),
    Call("PUT", "feature-flags/quorum_queue/enable", body={}),
    Call("PUT", "feature-flags/quorum_queue/enable"),
    Call("PUT", "feature-flags/nope/enable", body={}),
    *[
        Call("DELETE", f"auth/attempts/{{node}}{part}", user)
        for part in ("", "/source")
        for user in ("d-mgmt", "guest")
    ],
)

_BULK: Final[tuple[Any, ...]] = (
    {},
    {"users": "x"},
    {"users": [1]},
    {"users": []},
    {"users": ["nope"]},
    "{bad",
)

WRITES: Final = (
    *_ONCE,
    *[
        Call("PUT", "users/d-w", body=body)
        for body in (
            None,
            {},
            "{bad",
            "[]",
            {"tags": ""},
            {"tags": ["a", "b"]},
            {"tags": "a, b ,c"},
            {"password": "p"},
            {"tags": 5},
            {"password": 5, "tags": ""},
            {"password_hash": "!!", "tags": ""},
            {"password_hash": HASH, "tags": ""},
            {"password_hash": HASH, "password": "p", "tags": ""},
            {"password": "p", "tags": "x"},
        )
    ],
    Call("GET", "users/d-w"),
    *[
        Call("PUT", "permissions/d/d-w", body=body)
        for body in (
            {},
            {"configure": "", "write": ""},
            {**ALL, "read": "("},
            {**ALL, "read": 5},
            ALL,
            ALL,
        )
    ],
    Call("PUT", "permissions/nope/d-w", body=ALL),
    Call("PUT", "permissions/d/nope", body=ALL),
    Call("DELETE", "permissions/d/d-w"),
    Call("DELETE", "permissions/d/d-w"),
    *[
        Call("PUT", "topic-permissions/d/d-w", body=body)
        for body in (
            {},
            {"exchange": "x", "write": "", "read": "("},
            {"exchange": "x", "write": "", "read": ""},
        )
    ],
    Call("DELETE", "topic-permissions/d/d-w/x"),
    Call("DELETE", "topic-permissions/d/d-w"),
    *[
        Call("PUT", "vhosts/d-w", body=body)
        for body in (
            None,
            "",
            "null",
            "undefined",
            "[]",
            '"str"',
            "5",
            "true",
            "{bad",
            {"tags": ["a", "b"]},
            {"tags": 5},
            {"description": "d"},
            {"tracing": "yes"},
            {"tracing": False},
            {"unknown": 1},
        )
    ],
    Call("GET", "vhosts/d-w"),
    Call("POST", "vhosts/d-w/start/{node}"),
    Call("POST", "vhosts/d-w/start/none@nowhere"),
    *[
        Call("PUT", f"{kind}-limits/{owner}/{limit}", body=body)
        for kind, owner in (("vhost", "d-w"), ("user", "d-w"))
        for limit in ("max-connections", "max-bogus")
        for body in (
            {"value": 10},
            {"value": "10"},
            {"value": 1.5},
            {"value": None},
            {},
            "{bad",
            None,
        )
    ],
    Call("PUT", "vhost-limits/nope/max-queues", body={"value": 1}),
    Call("PUT", "user-limits/nope/max-channels", body={"value": 1}),
    Call("DELETE", "vhost-limits/d-w/max-connections"),
    Call("DELETE", "vhost-limits/d-w/max-connections"),
    Call("DELETE", "user-limits/d-w/max-connections"),
    *[
        Call("PUT", "cluster-name", body=body)
        for body in ({}, None, "{bad", {"name": 5}, {"name": "d-cluster"})
    ],
    *[
        Call("POST", "login", None, body, FORM)
        for body in (
            "username=guest&password=guest",
            "username=guest&password=wrong",
            "",
            "username=d-none&password=d-none",
        )
    ],
    *[Call("POST", "users/bulk-delete", body=body) for body in _BULK],
    *[
        Call(method, path, user, body)
        for method, path, body in (
            ("PUT", "users/d-x", {"tags": ""}),
            ("DELETE", "users/d-w", None),
            ("PUT", "vhosts/d-x", {}),
            ("DELETE", "vhosts/d-w", None),
            ("PUT", "permissions/d/d-w", ALL),
            ("PUT", "vhost-limits/d/max-queues", {"value": 1}),
            ("PUT", "cluster-name", {"name": "x"}),
        )
        for user in ("d-mon", "d-pol", "d-mgmt", "d-none", None)
    ],
    Call("DELETE", "users/d-w"),
    Call("DELETE", "users/d-w"),
    Call("DELETE", "vhosts/d-w"),
    Call("DELETE", "vhosts/d-w"),
)

RESETS: Final = (
    Call("DELETE", "reset", "d-mgmt"),
    Call("DELETE", "reset/none@nowhere"),
    Call("DELETE", "reset/{node}"),
    Call("DELETE", "reset"),
)
"""Until it has looked again, each 5 s, RabbitMQ then knows no connection, channel or queue: a call
for one of them fails with 500, or shows half of it."""

REMOVAL: Final = (
    *[Call("DELETE", f"users/{name}") for name in USERS],
    Call("DELETE", "vhosts/d"),
    Call("DELETE", "vhosts/d%2Fodd%20%252F"),
)

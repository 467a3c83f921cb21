"""Policies, operator policies, and parameters of vhosts and of the cluster."""

from typing import Any, Final

from conformance.http_calls.call import VHOST, Call, q

_ROLES: Final = ("guest", "d-mon", "d-pol", "d-mgmt", "d-none", None)
_KINDS: Final = ("policies", "operator-policies")
_GOOD: Final = {"pattern": "^never", "definition": {"max-length": 10}}

_BODIES: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    "[]",
    {},
    {"pattern": "x"},
    {"definition": {}},
    {"pattern": "x", "definition": {}},
    {"pattern": "x", "definition": []},
    {"pattern": "x", "definition": "y"},
    {"pattern": "x", "definition": None},
    {**_GOOD, "pattern": "("},
    {**_GOOD, "pattern": 5},
    {**_GOOD, "pattern": None},
    {**_GOOD, "pattern": ""},
    {**_GOOD, "priority": 5},
    {**_GOOD, "priority": "5"},
    {**_GOOD, "priority": 1.5},
    {**_GOOD, "priority": -3},
    {**_GOOD, "priority": None},
    {**_GOOD, "priority": 10**30},
    {**_GOOD, "apply-to": "queues"},
    {**_GOOD, "apply-to": "exchanges"},
    {**_GOOD, "apply-to": "bogus"},
    {**_GOOD, "apply-to": 5},
    {**_GOOD, "apply-to": None},
    {**_GOOD, "unknown": 5},
    {**_GOOD, "name": "another"},
    {**_GOOD, "definition": {"max-length": "x"}},
    {**_GOOD, "definition": {"max-length": -1}},
    {**_GOOD, "definition": {"bogus": 1}},
    {**_GOOD, "definition": {"max-length": 1, "bogus": 1}},
    {**_GOOD, "definition": {"message-ttl": 1000, "expires": 5000}},
    {**_GOOD, "definition": {"expires": 0}},
    {**_GOOD, "definition": {"overflow": "bogus"}},
    {**_GOOD, "definition": {"dead-letter-exchange": 5}},
    {**_GOOD, "definition": {"dead-letter-exchange": "x", "dead-letter-routing-key": "k"}},
    {**_GOOD, "definition": {"alternate-exchange": "x"}, "apply-to": "exchanges"},
    {**_GOOD, "definition": {"queue-mode": "bogus"}},
    {**_GOOD, "definition": {"delivery-limit": 3}},
    {**_GOOD, "definition": {"max-age": "1D"}},
    {**_GOOD, "definition": {"max-age": "soon"}},
)

_VALUES: Final[tuple[Any, ...]] = (
    None,
    {},
    "{bad",
    {"value": {}},
    {"value": {"max-queues": 100}},
    {"value": {"max-queues": "x"}},
    {"value": {"bogus": 1}},
    {"value": 5},
    {"value": None},
)

_GLOBAL: Final[tuple[Any, ...]] = (
    None,
    "{bad",
    "[]",
    {},
    {"value": 5},
    {"value": None},
    {"value": "text"},
    {"value": [1, {"a": None}]},
    {"value": {"a": 1, "b": [True, None, "x", 2.5]}},
    {"value": 1, "name": "other"},
    {"name": "other"},
)

SCENE: Final = (
    Call("PUT", f"policies/{VHOST}/p", body={**_GOOD, "priority": 2, "apply-to": "queues"}),
    Call("PUT", f"operator-policies/{VHOST}/o", body={**_GOOD, "apply-to": "queues"}),
    Call("PUT", "global-parameters/d-global", body={"value": {"a": [1, None]}}),
)

READS: Final = tuple(
    Call("GET", path, user)
    for path in (
        *[
            path
            for kind in _KINDS
            for path in (
                kind,
                f"{kind}/{VHOST}",
                f"{kind}/nope",
                f"{kind}/{VHOST}/{'p' if kind == 'policies' else 'o'}",
                f"{kind}/{VHOST}/nope",
                f"{kind}/nope/p",
            )
        ],
        "parameters",
        "parameters/nope",
        "parameters/vhost-limits",
        "parameters/operator_policy",
        "parameters/policy",
        f"parameters/vhost-limits/{VHOST}",
        f"parameters/operator_policy/{VHOST}",
        "parameters/vhost-limits/nope",
        f"parameters/nope/{VHOST}",
        f"parameters/vhost-limits/{VHOST}/limits",
        f"parameters/operator_policy/{VHOST}/o",
        f"parameters/policy/{VHOST}/p",
        f"parameters/vhost-limits/{VHOST}/nope",
        f"parameters/nope/{VHOST}/nope",
        "parameters/nope/nope/nope",
        "global-parameters",
        "global-parameters/d-global",
        "global-parameters/nope",
    )
    for user in _ROLES
)

WRITES: Final = (
    *[
        call
        for kind in _KINDS
        for body in _BODIES
        for call in (
            Call("PUT", f"{kind}/{VHOST}/w", body=body),
            Call("GET", f"{kind}/{VHOST}/w"),
            Call("DELETE", f"{kind}/{VHOST}/w"),
        )
    ],
    *[
        call
        for kind in _KINDS
        for name in ("a/b", "é☃😀", "odd name", "%", "..", "x" * 300)
        for call in (
            Call("PUT", f"{kind}/{VHOST}/{q(name)}", body=_GOOD),
            Call("PUT", f"{kind}/{VHOST}/{q(name)}", body=_GOOD),
            Call("GET", f"{kind}/{VHOST}/{q(name)}"),
            Call("DELETE", f"{kind}/{VHOST}/{q(name)}"),
        )
    ],
    *[Call("PUT", f"{kind}/nope/w", body=_GOOD) for kind in _KINDS],
    *[Call("DELETE", f"{kind}/{path}") for kind in _KINDS for path in ("nope/w", f"{VHOST}/none")],
    *[
        Call("PUT", f"parameters/{component}/{VHOST}/{name}", body=body)
        for component, name in (
            ("nope", "x"),
            ("policy", "x"),
            ("operator_policy", "x"),
            ("vhost-limits", "limits"),
            ("vhost-limits", "x"),
        )
        for body in _VALUES
    ],
    Call("PUT", "parameters/vhost-limits/nope/limits", body={"value": {"max-queues": 1}}),
    *[
        Call("DELETE", f"parameters/{path}")
        for path in (
            f"nope/{VHOST}/x",
            "nope/nope/x",
            f"policy/{VHOST}/p",
            f"operator_policy/{VHOST}/o",
            f"vhost-limits/{VHOST}/limits",
            f"vhost-limits/{VHOST}/limits",
        )
    ],
    Call("GET", f"policies/{VHOST}"),
    Call("GET", f"operator-policies/{VHOST}"),
    *[
        call
        for body in _GLOBAL
        for call in (
            Call("PUT", "global-parameters/d-w", body=body),
            Call("PUT", "global-parameters/d-w", body=body),
            Call("GET", "global-parameters/d-w"),
            Call("DELETE", "global-parameters/d-w"),
        )
    ],
    *[
        Call(method, path, user, body)
        for method, path, body in (
            ("PUT", f"policies/{VHOST}/r", _GOOD),
            ("DELETE", f"policies/{VHOST}/r", None),
            ("PUT", f"operator-policies/{VHOST}/r", _GOOD),
            ("DELETE", f"operator-policies/{VHOST}/r", None),
            ("PUT", f"parameters/nope/{VHOST}/r", {"value": {}}),
            ("DELETE", f"parameters/nope/{VHOST}/r", None),
            ("PUT", "global-parameters/d-r", {"value": 1}),
            ("DELETE", "global-parameters/d-r", None),
        )
        for user in _ROLES
    ],
)

REMOVAL: Final = (Call("DELETE", "global-parameters/d-global"),)

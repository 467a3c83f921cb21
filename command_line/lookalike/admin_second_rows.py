"""What the second generation of ``rabbitmqadmin`` declares, deletes and lists: a row each.

Source: rabbitmqadmin 2, its help.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

Values = dict[str, Any]


def _as_given(values: Values) -> Values:
    return {name.replace("-", "_"): value for name, value in values.items()}


def _queue(values: Values) -> Values:
    arguments = {"x-queue-type": values["type"], **values["arguments"]}
    return {**_flags(values), "arguments": arguments}


def _stream(values: Values) -> Values:
    arguments = {**values["arguments"], "x-queue-type": "stream", "x-max-age": values["expiration"]}
    for name in ("max-length-bytes", "stream-max-segment-size-bytes"):
        if name in values:
            arguments[f"x-{name}"] = values[name]
    return {"durable": True, "arguments": arguments}


def _exchange(values: Values) -> Values:
    return {**_flags(values), "type": values["type"], "arguments": values["arguments"]}


def _flags(values: Values) -> Values:
    return {"durable": values["durable"], "auto_delete": values["auto-delete"]}


def _user(values: Values) -> Values:
    secret = "password_hash" if values["password-hash"] else "password"
    return {"tags": values["tags"], secret: values["password-hash"] or values["password"]}


def _vhost(values: Values) -> Values:
    found = _as_given(values)
    found["tracing"] = found["tracing"] == "true"
    return found


def _policy(values: Values) -> Values:
    return dict(values)


class Row(NamedTuple):
    """Something that is declared and deleted.

    Attributes:
        place: path below ``/api``; a segment in braces is an option, or the vhost of the call.
        needs: options that must be there, besides those of the path.
        usual: the others, with their values; None is left out.
        json: options whose value is JSON.
        body: returns the body of the request.
    """

    place: str
    needs: Sequence[str] = ()
    usual: Mapping[str, object] = {}
    json: Sequence[str] = ()
    body: Callable[[Values], Values] = _as_given

    @property
    def in_path(self) -> list[str]:
        """The options that are in the path."""
        parts = [part[1:-1] for part in self.place.split("/") if part.startswith("{")]
        return [part for part in parts if part != "vhost"]


_DECLARED: Final = {"durable": "true", "auto-delete": "false", "arguments": "{}"}
_QUEUE: Final = "queues/{vhost}/{name}"

OBJECTS: Final[Mapping[str, Row]] = {
    "queue": Row(_QUEUE, (), {**_DECLARED, "type": "classic"}, ("arguments",), _queue),
    "stream": Row(
        _QUEUE,
        ("expiration",),
        {"max-length-bytes": None, "stream-max-segment-size-bytes": None, "arguments": "{}"},
        ("arguments", "max-length-bytes", "stream-max-segment-size-bytes"),
        _stream,
    ),
    "exchange": Row(
        "exchanges/{vhost}/{name}",
        (),
        {**_DECLARED, "type": "direct"},
        ("arguments",),
        _exchange,
    ),
    "vhost": Row(
        "vhosts/{name}",
        (),
        {"default-queue-type": None, "description": None, "tracing": "false"},
        body=_vhost,
    ),
    "user": Row("users/{name}", (), {"password": "", "password-hash": "", "tags": ""}, body=_user),
    "permissions": Row("permissions/{vhost}/{user}", ("configure", "write", "read")),
    "policy": Row(
        "policies/{vhost}/{name}",
        ("pattern", "apply-to", "definition"),
        {"priority": "0"},
        ("definition", "priority"),
        _policy,
    ),
    "operator_policy": Row(
        "operator-policies/{vhost}/{name}",
        ("pattern", "apply-to", "definition"),
        {"priority": "0"},
        ("definition", "priority"),
        _policy,
    ),
    "parameter": Row("parameters/{component}/{vhost}/{name}", ("value",), json=("value",)),
    "vhost_limit": Row("vhost-limits/{vhost}/{name}", ("value",), json=("value",)),
    "user_limit": Row("user-limits/{user}/{name}", ("value",), json=("value",)),
    "shovel": Row("shovels/vhost/{vhost}/{name}"),
}


class Listed(NamedTuple):
    """A list.

    Attributes:
        place: path below ``/api``.
        columns: that are shown.
        options: whose values are further segments of the path.
        is_needed: whether they must be there.
    """

    place: str
    columns: Sequence[str]
    options: Sequence[str] = ()
    is_needed: bool = False


_POLICY: Final = ("vhost", "name", "pattern", "apply-to", "priority", "definition")
_CONNECTION: Final = ("name", "node", "state", "protocol", "user", "connected_at")

LISTS: Final[Mapping[str, Listed]] = {
    "nodes": Listed("nodes", ("name", "uptime", "processors", "os_pid", "mem_used", "fd_used")),
    "users": Listed("users", ("name", "tags", "password_hash")),
    "vhosts": Listed("vhosts", ("name", "tags", "description", "default_queue_type")),
    "permissions": Listed("permissions", ("user", "vhost", "configure", "read", "write")),
    "connections": Listed("connections", _CONNECTION),
    "user_connections": Listed(
        "connections/username", ("name", "node", "user", "vhost"), ("username",), is_needed=True
    ),
    "channels": Listed("channels", ("name", "vhost", "state", "consumer_count", "confirm")),
    "queues": Listed(
        "queues/{vhost}",
        (
            "name",
            "vhost",
            "type",
            "durable",
            "auto_delete",
            "arguments",
            "state",
            "consumers",
            "messages",
            "messages_ready",
            "messages_unacknowledged",
        ),
    ),
    "exchanges": Listed(
        "exchanges/{vhost}", ("name", "vhost", "type", "durable", "auto_delete", "arguments")
    ),
    "bindings": Listed(
        "bindings/{vhost}",
        ("vhost", "source", "destination", "destination_type", "routing_key", "arguments"),
    ),
    "consumers": Listed(
        "consumers/{vhost}",
        ("consumer_tag", "queue.name", "active", "ack_required", "exclusive", "prefetch_count"),
    ),
    "parameters": Listed("parameters", ("name", "vhost", "component", "value"), ("component",)),
    "policies": Listed("policies/{vhost}", _POLICY),
    "operator_policies": Listed("operator-policies/{vhost}", _POLICY),
    "vhost_limits": Listed("vhost-limits/{vhost}", ("vhost", "value")),
    "user_limits": Listed("user-limits", ("user", "value"), ("user",)),
    "feature_flags": Listed("feature-flags", ("name", "state", "desc", "provided_by")),
    "deprecated_features": Listed("deprecated-features", ("name", "deprecation_phase", "state")),
    "deprecated_features_in_use": Listed(
        "deprecated-features/used", ("name", "deprecation_phase", "state")
    ),
    "shovels": Listed("shovels", ("name", "vhost", "type", "state", "src_uri", "dest_uri")),
}

SHORT: Final[Mapping[str, Mapping[str, str]]] = {
    "publish": {
        "-k": "--routing-key",
        "-e": "--exchange",
        "-m": "--payload",
        "-p": "--properties",
    },
    "get": {"-q": "--queue", "-c": "--count", "-a": "--ack-mode"},
    "list": {"-u": "--username"},
    "users": {"-u": "--username"},
    "close": {"-u": "--username"},
}
"""Short options of commands, by the group."""

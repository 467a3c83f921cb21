"""What ``rabbitmqctl`` does to queues, connections, tracing and the cluster."""

from collections.abc import Mapping
from typing import Final

from command_line import exit_status
from command_line.api import path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.accounts import NOT_FOUND, require_vhost
from command_line.lookalike.cluster import CONTROL
from command_line.lookalike.lists import pid_of
from command_line.lookalike.results import Done, Result, Rows, Told
from command_line.lookalike.words import FLAG, TEXT, Call, Command, known_columns, number


def purge_queue(call: Call) -> Result:
    """Drop the ready messages of a queue."""
    try:
        call.api.call("DELETE", f"{path_of('queues', call.vhost, call.args[0])}/contents")
    except RefusedError as error:
        if error.http_status == NOT_FOUND:
            raise CommandError("not_found", exit_status.UNAVAILABLE) from error
        raise CommandError("not_supported", exit_status.UNAVAILABLE) from error
    return Done(call.node)


def delete_queue(call: Call) -> Result:
    """Delete a queue with its messages."""
    path = path_of("queues", call.vhost, call.args[0])
    try:
        count = call.api.thing(path, columns="messages_ready").get("messages_ready") or 0
        query = "&".join(f"{each}=true" for each in ("if-empty", "if-unused") if call.has(each))
        call.api.call("DELETE", f"{path}?{query}" if query else path)
    except RefusedError as error:
        raise CommandError(_why_not(error), exit_status.USAGE) from error
    return Told(
        f"Queue was successfully deleted with {count} ready messages",
        {"message": f"Queue was successfully deleted with {count} ready messages"},
    )


def _why_not(error: RefusedError) -> str:
    if error.http_status == NOT_FOUND:
        return "Queue not found"
    if "in use" in error.reason:
        return "Queue is in use"
    return "Queue is not empty" if "empty" in error.reason else str(error)


def close_connection(call: Call) -> Result:
    """Close a connection: by what list_connections shows as its pid, or by its name."""
    wanted, reason = call.args[0], " ".join(call.args[1:])
    rows = call.api.things(path_of("connections"), columns="name")
    names = [str(row["name"]) for row in rows]
    for name in names:
        if wanted in {name, pid_of(name, call.node)}:
            call.api.call("DELETE", path_of("connections", name), headers=_reason(reason))
            return Done(call.node)
    text = f'Error:\n{{:invalid_pid_syntax, "{wanted}"}}'
    raise CommandError(text, exit_status.UNAVAILABLE)


def _reason(text: str) -> dict[str, str]:
    return {"x-reason": "".join(each if " " <= each <= "~" else "?" for each in text)}


def close_all_connections(call: Call) -> Result:
    """Close the connections to a vhost, or all of them; as many as a limit says."""
    if call.has("global"):
        path = path_of("connections")
    else:
        path = f"{path_of('vhosts', call.vhost)}/connections"
    limit = number(call.options.get("limit", "0"), "the limit")
    rows = call.api.things(path)[: limit or None]
    for row in rows:
        _close(call, str(row["name"]), " ".join(call.args))
    return Told(f"Closed {len(rows)} connections", {"message": f"Closed {len(rows)} connections"})


def _close(call: Call, name: str, reason: str) -> None:
    try:
        call.api.call("DELETE", path_of("connections", name), headers=_reason(reason))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise


def close_all_user_connections(call: Call) -> Result:
    """Close all connections of a user."""
    path = path_of("connections", "username", call.args[0])
    call.api.call("DELETE", path, headers=_reason(" ".join(call.args[1:])))
    return Done(call.node)


def _trace(call: Call, *, is_on: bool) -> Result:
    found = require_vhost(call, call.vhost)
    body = {
        "description": found.get("description", ""),
        "tags": found.get("tags") or [],
        "tracing": is_on,
    }
    call.api.call("PUT", path_of("vhosts", call.vhost), body)
    text = f"Trace {'enabled' if is_on else 'disabled'} for vhost {call.vhost}"
    return Told(text, {"message": text})


def trace_on(call: Call) -> Result:
    """Have the messages of a vhost copied to amq.rabbitmq.trace."""
    return _trace(call, is_on=True)


def trace_off(call: Call) -> Result:
    """Copy them no more."""
    return _trace(call, is_on=False)


def set_cluster_name(call: Call) -> Result:
    """Give the cluster another name."""
    call.api.call("PUT", path_of("cluster-name"), {"name": call.args[0]})
    return Done(call.node)


_FLAG_FIELDS: Final = ("name", "state", "stability", "provided_by", "desc", "doc_url")


def list_feature_flags(call: Call) -> Result:
    """List feature flags."""
    names = call.columns("name", "state")
    return Rows(names, call.api.things(path_of("feature-flags")))


def enable_feature_flag(call: Call) -> Result:
    """Switch a feature flag on; they all are."""
    name = call.args[0]
    known = [row["name"] for row in call.api.things(path_of("feature-flags"))]
    if name not in {"all", *known}:
        text = f"This feature flag is not supported by node {call.node}"
        raise CommandError(text, exit_status.USAGE)
    return Done(call.node)


_CLOSE: Final = {"--global": FLAG, "--limit": TEXT, "--per-connection-delay": TEXT}

COMMANDS: Final[Mapping[str, Command]] = {
    "purge_queue": Command(
        purge_queue, "Purging queue '{0}' in vhost '{call.vhost}' ...", least=1, most=1
    ),
    "delete_queue": Command(
        delete_queue,
        "Deleting queue '{0}' on vhost '{call.vhost}' {conditions}...",
        least=1,
        most=1,
        options={"--if-empty": FLAG, "--if-unused": FLAG},
        short={"-e": "--if-empty", "-u": "--if-unused"},
    ),
    "close_connection": Command(
        close_connection, "Closing connection {0}, reason: {1}...", least=2, most=2
    ),
    "close_all_connections": Command(
        close_all_connections,
        "Closing all connections {scope}, reason: {0}...",
        least=1,
        most=1,
        options=_CLOSE,
    ),
    "close_all_user_connections": Command(
        close_all_user_connections,
        "Closing connections of user {0}, reason: {1}...",
        least=2,
        most=2,
    ),
    "trace_on": Command(trace_on, 'Starting tracing for vhost "{call.vhost}" ...'),
    "trace_off": Command(trace_off, 'Stopping tracing for vhost "{call.vhost}" ...'),
    **CONTROL,
    "set_cluster_name": Command(
        set_cluster_name, "Setting cluster name to {0} ...", least=1, most=1
    ),
    "list_feature_flags": Command(
        list_feature_flags,
        "Listing feature flags ...",
        most=None,
        check=known_columns(_FLAG_FIELDS),
    ),
    "enable_feature_flag": Command(
        enable_feature_flag, 'Enabling feature flag "{0}" ...', least=1, most=1
    ),
}

"""The checks of ``rabbitmq-diagnostics``."""

import socket
from collections.abc import Mapping
from typing import Final

from command_line import exit_status
from command_line.api import path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.node import (
    alarm_line,
    alarms_of,
    breakdown,
    breakdown_lines,
    listener_line,
    listeners,
    memory_of,
    the_node,
)
from command_line.lookalike.results import Result, Rows, Told
from command_line.lookalike.words import FLAG, TEXT, Call, Command, PlainError, number

CONNECT_S: Final = 5.0
_OK: Final = {"result": "ok"}


def check_running(call: Call) -> Result:
    """Succeed if the node serves clients."""
    _health(call, "is-in-service")
    text = f"RabbitMQ on node {call.node} is fully booted and running"
    return Told(text, {"message": text})


def is_running(call: Call) -> Result:
    """Say whether the node serves clients."""
    text = f"RabbitMQ on node {call.node} is fully booted and running"
    return Told(text, {"message": text, "result": True})


def is_booting(call: Call) -> Result:
    """Say whether the node is about to serve clients."""
    text = (
        f"RabbitMQ on node {call.node} is fully booted (check with is_running), stopped or has not"
        " started booting yet"
    )
    return Told(text, {"message": text, "result": False})


def _health(call: Call, *check: str) -> None:
    """Fail as the tools do, if a check of the HTTP API does."""
    try:
        call.api.call("GET", path_of("health", "checks", *check))
    except RefusedError as error:
        raise CommandError(error.reason or str(error), exit_status.UNAVAILABLE) from error


def check_local_alarms(call: Call) -> Result:
    """Succeed if no alarm is on in this node."""
    return _no_alarms(call, f"Node {call.node} reported no local alarms", is_check=True)


def check_alarms(call: Call) -> Result:
    """Succeed if no alarm is on anywhere."""
    text = f"Node {call.node} reported no alarms, local or clusterwide"
    return _no_alarms(call, text, is_check=True)


def alarms(call: Call) -> Result:
    """Say which alarms are on."""
    found = alarms_of(the_node(call))
    text = "\n".join(map(alarm_line, found))
    value = {"alarms": found, "node": call.node, "result": "ok"}
    none = f"Node {call.node} reported no alarms, local or clusterwide"
    return Told(text or none, value)


def _no_alarms(call: Call, text: str, *, is_check: bool) -> Result:
    found = alarms_of(the_node(call))
    if found:
        lines = "\n".join(map(alarm_line, found))
        raise CommandError(f"Error:\n{lines}", exit_status.UNAVAILABLE)
    return Told(text, _OK, is_check)


def check_vhosts(call: Call) -> Result:
    """Succeed if all vhosts run."""
    _health(call, "virtual-hosts")
    return Told(f"Node {call.node} reported all vhosts as running", _OK, is_check=True)


def check_port_listener(call: Call) -> Result:
    """Succeed if the node listens on a port."""
    port = number(call.args[0], "the port")
    ports = [each["port"] for each in listeners(call)]
    if port not in ports:
        listed = ", ".join(map(str, ports))
        text = (
            f"No listener for port {port} is active on node {call.node}. Found listeners"
            f" that use the following ports: {listed}"
        )
        raise PlainError(text, exit_status.UNAVAILABLE)
    text = f"A listener for port {port} is running on node {call.node}."
    return Told(text, {"node": call.node, "port": port, "result": "ok"})


_PROTOCOLS: Final = {
    "amqp091": "amqp",
    "amqp0-9-1": "amqp",
    "amqp10": "amqp",
    "amqp1.0": "amqp",
    "amqps": "amqp/ssl",
    "streams": "stream",
    "prometheus": "http/prometheus",
}


def check_protocol_listener(call: Call) -> Result:
    """Succeed if the node speaks a protocol."""
    wanted = call.args[0]
    spoken = sorted({str(each["protocol"]) for each in listeners(call)})
    if _PROTOCOLS.get(wanted.lower(), wanted.lower()) not in spoken:
        text = (
            f"Error:\nNo listener for protocol {wanted} is active on node {call.node}. Found"
            f" listeners for the following protocols: {', '.join(spoken)}"
        )
        raise CommandError(text, exit_status.UNAVAILABLE)
    text = f"A listener for protocol {wanted} is running on node {call.node}."
    return Told(text, {"node": call.node, "protocol": wanted, "result": "ok"})


def check_port_connectivity(call: Call) -> Result:
    """Succeed if all listeners accept a connection."""
    found = listeners(call)
    for each in found:
        host = str(each["interface"]).strip("[]")
        reached = {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(host, host)  # noqa: S104
        try:
            socket.create_connection((reached, each["port"]), CONNECT_S).close()
        except OSError as error:
            text = f"Connection failed to port {each['port']} on node {call.node}"
            raise CommandError(f"Error:\n{text}", exit_status.UNAVAILABLE) from error
    ports = ", ".join(str(each["port"]) for each in found)
    text = f"Successfully connected to ports {ports} on node {call.node}."
    return Told(text, {"listeners": found, "node": call.node, "result": "ok"})


def check_certificate_expiration(call: Call) -> Result:
    """Succeed if no certificate ends within a time."""
    within, unit = call.options.get("within", "4"), call.options.get("unit", "weeks")
    _health(call, "certificate-expiration", within, unit)
    return Told(f"No certificates are expiring within {within} {unit}.", _OK)


def show_listeners(call: Call) -> Result:
    """Say what the node listens on."""
    found = listeners(call)
    text = "\n".join(f"I{listener_line(each)}" for each in found)
    return Told(text, {"listeners": found, "node": call.node, "result": "ok"})


def memory_breakdown(call: Call) -> Result:
    """Say where the memory of the node is."""
    memory = memory_of(call)
    return Told(
        "\n".join(breakdown_lines(memory, call.options.get("unit", "gb"))), breakdown(memory)
    )


def server_version(call: Call) -> Result:
    """Say the version of RabbitMQ that clients are told."""
    found = call.api.get(path_of("version"))
    return Told(str(found), {"result": "ok", "value": found})


def erlang_version(call: Call) -> Result:
    """Say what stands for the version of Erlang."""
    found = call.api.thing(path_of("overview")).get("erlang_version", "")
    return Told(str(found), {"result": "ok", "value": found})


_ATTEMPTS: Final = ("auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded")


def login_attempts(call: Call) -> Result:
    """List how many logins there were, by protocol or by who tried."""
    by_source = "by-source" in call.options
    path = path_of("auth", "attempts", call.node, *(("source",) if by_source else ()))
    found = call.api.things(path)
    first = ("protocol", "remote_address", "username") if by_source else ("protocol",)
    value = {"attempts": found, "node": call.node, "result": "ok"}
    return Rows((*first, *_ATTEMPTS), found, json=value)


_ALARMS: Final = "Asking node {call.node} to report any local resource alarms ..."

COMMANDS: Final[Mapping[str, Command]] = {
    "check_running": Command(
        check_running, "Checking if RabbitMQ is running on node {call.node} ..."
    ),
    "is_running": Command(is_running, "Asking node {call.node} for its status ..."),
    "is_booting": Command(is_booting, "Asking node {call.node} for its boot status ..."),
    "check_local_alarms": Command(check_local_alarms, _ALARMS),
    "check_alarms": Command(check_alarms, _ALARMS),
    "alarms": Command(alarms, "Asking node {call.node} to report any known resource alarms ..."),
    "check_virtual_hosts": Command(
        check_vhosts, "Checking if all vhosts are running on node {call.node} ..."
    ),
    "check_port_listener": Command(
        check_port_listener,
        "Asking node {call.node} if there's an active listener on port {0} ...",
        least=1,
        most=1,
    ),
    "check_protocol_listener": Command(
        check_protocol_listener,
        "Asking node {call.node} if there's an active listener for protocol {0} ...",
        least=1,
        most=1,
    ),
    "check_port_connectivity": Command(
        check_port_connectivity,
        "Testing TCP connections to all active listeners on node {call.node} ...",
        options={"--address": TEXT},
    ),
    "check_certificate_expiration": Command(
        check_certificate_expiration,
        "Checking certificate expiration on node {call.node} ...",
        options={"--within": TEXT, "--unit": TEXT},
    ),
    "list_node_auth_attempt_stats": Command(
        login_attempts,
        'Listing authentication\n attempts for node "{call.node}" ...',
        options={"--by-source": FLAG},
    ),
    "listeners": Command(
        show_listeners, "Asking node {call.node} to report its protocol listeners ..."
    ),
    "memory_breakdown": Command(
        memory_breakdown,
        "Reporting memory breakdown on node {call.node}...",
        options={"--unit": TEXT},
    ),
    "server_version": Command(
        server_version, "Asking node {call.node} for its RabbitMQ version..."
    ),
    "erlang_version": Command(
        erlang_version, "Asking node {call.node} for its Erlang/OTP version..."
    ),
}

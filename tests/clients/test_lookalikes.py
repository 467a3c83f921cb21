"""RabbitMQ's tools and ours, each on its own broker: every difference has its reason."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from conformance.rabbitmq import HTTP_PORT_OFFSET, SERVER, RabbitMQ
from tests.clients.support.server import Server
from tests.support.ports import free_port

pytestmark = pytest.mark.clients

COMMAND_TIMEOUT_S: Final = 60

FIVE: Final = '{"max-length":5}'
SCENE: Final = (
    "declare queue name=q1",
    'declare queue name=q2 arguments={"x-dead-letter-exchange":"x"}',
    "declare queue name=s1 queue_type=stream",
    "declare binding source=amq.topic destination=q2 routing_key=a.#",
    "publish routing_key=q2 payload=hello",
)
"""Made on both brokers by our rabbitmqadmin, over the HTTP API."""

COMMANDS: Final = f"""
rabbitmqctl add_vhost w
rabbitmqctl add_user eve pw
rabbitmqctl add_user eve pw
rabbitmqctl set_user_tags eve monitoring custom
rabbitmqctl list_users -q
rabbitmqctl list_users --formatter json
rabbitmqctl list_users --formatter csv
rabbitmqctl set_permissions -p w eve ^a .* .*
rabbitmqctl list_permissions -p w
rabbitmqctl list_permissions -p w --formatter json
rabbitmqctl list_user_permissions nope
rabbitmqctl set_topic_permissions -p w eve amq.topic ^a ^b
rabbitmqctl list_topic_permissions -p w
rabbitmqctl set_policy -p w p ^z {FIVE} --priority 2 --apply-to queues
rabbitmqctl list_policies -p w --formatter json
rabbitmqctl set_policy -p w p ^z {{bad
rabbitmqctl clear_policy -p w p
rabbitmqctl clear_policy -p w p
rabbitmqctl set_vhost_limits -p w {{"max-queues":5}}
rabbitmqctl list_vhost_limits -p w
rabbitmqctl list_queues
rabbitmqctl list_queues -s name messages arguments
rabbitmqctl list_queues --formatter json name type arguments policy
rabbitmqctl list_queues --formatter csv
rabbitmqctl list_queues --formatter pretty_table
rabbitmqctl list_queues -p nope
rabbitmqctl list_queues bogus
rabbitmqctl list_queues --bogus
rabbitmqctl list_bindings
rabbitmqctl list_connections
rabbitmqctl purge_queue s1
rabbitmqctl delete_queue q2 --if-empty
rabbitmqctl delete_queue q1
rabbitmqctl delete_queue q1
rabbitmqctl authenticate_user eve pw
rabbitmqctl authenticate_user eve wrong
rabbitmqctl delete_user eve
rabbitmqctl delete_user eve
rabbitmqctl delete_vhost w
rabbitmqctl delete_vhost w
rabbitmqctl federation_status
rabbitmqctl federation_status --only-down
rabbitmqctl federation_status --formatter json
rabbitmqctl restart_federation_link none
rabbitmqctl restart_federation_link
rabbitmqctl await_startup
rabbitmqctl bogus_command
rabbitmqctl add_user
rabbitmq-diagnostics ping
rabbitmq-diagnostics check_running
rabbitmq-diagnostics check_alarms -s
rabbitmq-diagnostics check_port_listener AMQP
rabbitmq-diagnostics check_protocol_listener mqtt
rabbitmq-diagnostics alarms --formatter json
rabbitmq-plugins is_enabled rabbitmq_management
rabbitmq-queues check_if_node_is_quorum_critical
rabbitmq-queues quorum_status q2
""".strip().splitlines()

REASONS: Final = {
    "rabbitmq-diagnostics check_protocol_listener mqtt": "no listener of Erlang's distribution",
}
"""Differences on purpose."""


class Said(NamedTuple):
    """What a command said: its status, and its lines, of a list in order of names."""

    status: int
    out: list[str]
    err: list[str]


def said(done: "subprocess.CompletedProcess[str]", command: str, port: int) -> Said:
    out, err = (_alike(text, port) for text in (done.stdout, done.stderr))
    is_list = " list_" in command
    lines = [line.removeprefix(",") for line in out.splitlines()]
    return Said(done.returncode, sorted(lines) if is_list else lines, err.strip().splitlines())


def _alike(text: str, port: int) -> str:
    text = re.sub(r"conformance\d+@localhost|rabbit@[\w-]+", "<node>", text)
    text = re.sub(rf"\b{port}\b", "<port>", text)
    # What stands behind the usage is each tool's own.
    return re.sub(r"(\x1b\[1m)?Usage.*", "<usage>", text, flags=re.DOTALL)


class Ours:
    """Our tools, on our node, by its control socket."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.port = server.port
        self.uri = f"unix:{folder / 'data' / 'control.sock'}"

    def __call__(self, *words: str, uri: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "amqp_server", "as", *words],
            env={**os.environ, "HAREMQ_URI": uri or self.uri},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )


@contextlib.contextmanager
def both(folder: Path) -> Iterator[tuple[RabbitMQ, Ours]]:
    with RabbitMQ(free_port()) as theirs:
        server = Server(folder, free_port(), "management: {metrics_listeners: []}\n")
        try:
            server.wait_until_it_accepts()
            ours = Ours(server, folder)
            for port in (theirs.port, ours.port):
                for line in SCENE:
                    uri = f"http://guest:guest@127.0.0.1:{port + HTTP_PORT_OFFSET}"
                    done = ours("rabbitmqadmin", *line.split(), uri=uri)
                    assert done.returncode == 0, done.stderr
            yield theirs, ours
        finally:
            server.stop()


@pytest.mark.timeout(600)
@pytest.mark.skipif(not SERVER.exists(), reason="Debian's rabbitmq-server is not installed")
def test_the_tools_say_the_same(tmp_path: Path) -> None:
    different: list[str] = []
    with both(tmp_path) as (theirs, ours):
        # The vhosts and users of the conformance tests are no part of this.
        for vhost in ("conformance-full", "conformance-limited", "conformance-forbidden"):
            theirs.tool("rabbitmqctl", "delete_vhost", vhost)
        for user in ("patterned", "impersonator", "limited"):
            theirs.tool("rabbitmqctl", "delete_user", user)
        for command in COMMANDS:
            words = command.split()
            expected, found = (
                said(run(*[each.replace("AMQP", str(port)) for each in words]), command, port)
                for run, port in ((theirs.tool, theirs.port), (ours, ours.port))
            )
            if expected != found and command not in REASONS:
                different.append(f"{command}\n  {expected}\n  {found}")
    assert different == []

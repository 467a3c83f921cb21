"""Ansible's rabbitmq modules that speak HTTP: a playbook run twice changes nothing the second time.

It needs ansible-core and the collection community.rabbitmq, which the package ``ansible`` has:
``make ansible`` installs it, and runs this.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from conformance.http_broker import Broker
from conformance.http_calls.call import Call
from tests.clients.support.managed import managed_server
from tests.clients.support.requirements import require_tool

pytestmark = pytest.mark.clients

PLAYBOOK: Final = Path(__file__).parent / "programs" / "ansible_rabbitmq.yaml"
PLAY_TIMEOUT_S: Final = 120


def _played(*options: str) -> dict[str, int]:
    """Run the playbook; return its counts of tasks: ok, changed, failed and so on."""
    done = subprocess.run(
        [require_tool("ansible-playbook"), "-i", "localhost,", *options, str(PLAYBOOK)],
        capture_output=True,
        text=True,
        timeout=PLAY_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", done.stdout)}


def _has_collection() -> bool:
    program = shutil.which("ansible-galaxy")
    if program is None:
        return False
    done = subprocess.run(
        [program, "collection", "list", "community.rabbitmq"],
        capture_output=True,
        timeout=PLAY_TIMEOUT_S,
        check=False,
    )
    return b"community.rabbitmq" in done.stdout


@pytest.mark.timeout(300)
@pytest.mark.skipif(not _has_collection(), reason="Ansible's community.rabbitmq is not here")
def test_a_playbook_is_idempotent(tmp_path: Path) -> None:
    with managed_server(tmp_path) as node:
        port = ("-e", f"management_port={node.port}")
        first, second = _played(*port), _played(*port)
        with Broker(node.port) as broker:
            queue = broker.ask(Call("GET", "queues/%2F/ansible")).value
            bound = broker.ask(Call("GET", "exchanges/%2F/ansible/bindings/source")).value
    assert first["changed"] == 4
    assert second["changed"] == 0
    assert first["failed"] == second["failed"] == 0
    assert queue["arguments"] == {"x-message-ttl": 60_000, "x-max-length": 100}
    assert [each["routing_key"] for each in bound] == ["a.#"]

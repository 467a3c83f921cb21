"""docs/clustering.md, walked as a new user does: what stands there runs as it stands.

Only ports and folders are others, as somebody may have those of the document.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from amqp_server.cli import haremq
from amqp_server.supervising.layout import laid_over
from tests.scenarios.test_dev_cluster import consumed, publish, running
from tests.style.tree import text_of
from tests.support.etcd_server import require_etcd
from tests.support.ports import free_port

DOCUMENT = Path("docs/clustering.md")
PATIENCE_S = 60

pytestmark = pytest.mark.timeout(400)


def blocks(kind: str) -> list[str]:
    """Return the blocks of the document in one language; without a name, commands and output."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text_of(DOCUMENT), re.MULTILINE | re.DOTALL)


def test_the_first_steps_run_and_a_killed_node_takes_nothing_along(tmp_path: Path) -> None:
    require_etcd()
    port = free_port()
    assert any(block.endswith("haremq dev-cluster\n") for block in blocks(""))
    (program,) = [block for block in blocks("python") if "def connected" in block]
    for number in (1, 0):
        program = program.replace(str(5672 + number), str(port + number))
    with running("dev-cluster", "--port", str(port), "--dir", str(tmp_path / "c")) as pids:
        path = tmp_path / "hello_cluster.py"
        path.write_text(program)
        done = subprocess.run(
            [sys.executable, str(path)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "b'first'\n"), done.stderr
        # "Kill a node": publish again, kill the first node, consume from another one.
        publish(port, 5)
        os.kill(pids[0], signal.SIGKILL)
        assert consumed(port + 1, 5) == [b"%d" % number for number in range(5)]


def test_the_settings_are_some_that_a_node_takes(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 4 + "\n")
    secret.chmod(0o600)
    by_hand, tls, *options = (yaml.safe_load(block) for block in blocks("yaml"))
    by_hand["cluster"]["secret_file"] = str(secret)
    config = tmp_path / "haremq.yaml"
    for each in ({}, *options):
        config.write_text(yaml.safe_dump(laid_over(by_hand, each)))
        done = CliRunner().invoke(haremq, ["check-config", str(config)])
        assert done.exit_code == 0, done.output
    # The files of certificates are the only thing that is missing to the second one.
    config.write_text(yaml.safe_dump(laid_over(by_hand, tls)))
    done = CliRunner().invoke(haremq, ["check-config", str(config)])
    assert re.findall(r"cluster\.links\.tls\S*", done.output), done.output
    assert "node-1.pem" in done.output
    assert done.exit_code != 0

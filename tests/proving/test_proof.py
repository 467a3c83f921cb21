"""A proof of a real cluster: its faults, its result, and that nothing is left of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from amqp_server import exit_status
from amqp_server.proving import proof as proof_module
from amqp_server.proving.proof import (
    CLASSES,
    QUEUES,
    STREAMS,
    ClusterFailedError,
    NoFaultError,
    Wish,
    kinds_of,
    load_of,
    prove,
)
from load_generator.session import Endpoint
from load_generator.verifying.faults import COMBINED, KINDS
from load_generator.verifying.processes import marked
from load_generator.verifying.run import SHORT_LEFT_OUT
from tests.support.etcd_server import require_etcd
from tests.support.fault_cluster import NotedCluster

PATIENCE_S = 240
CLUSTER = NotedCluster(Endpoint("127.0.0.1", 1, "", "", "/"))
HARMLESS = {"slow-disk", "slow-link", "lossy-links", "clock-jump"}
"""Kinds that nobody can have without root or a compiler."""

PLANTED = """
import cluster.replication.commit as commit
import load_generator.verifying.episode as episode

def advance_line(node, line):
    if line.key.incarnation is not None and not node.is_leased(line.key.incarnation):
        return
    for _, lead, index, turn in line.take_safe(node.own_safe_lsn):
        if turn == lead.line_turn and index > lead.commit:
            commit._commit(node, lead, index)

commit._advance_line = advance_line
episode.SETTLE_S = 3.0
"""
"""As sitecustomize: a leader confirms what only it has."""

pytestmark = pytest.mark.timeout(600)


def started(*options: str, **variables: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "amqp_server", "verify", *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )


def proved(*options: str, **variables: str) -> tuple[int, Mapping[str, Any]]:
    with started(*options, "--json", **variables) as running:
        text, _ = running.communicate(timeout=PATIENCE_S)
    assert not [one for one in marked() if one.run == running.pid]
    return running.returncode, json.loads(text)


def test_a_cluster_with_a_users_settings_loses_nothing(tmp_path: Path) -> None:
    require_etcd()
    config, users, folder = tmp_path / "haremq.yaml", tmp_path / "users", tmp_path / "folder"
    config.write_text(f"broker: {{data_dir: {users}}}\ncluster: {{lease_ttl_ms: 2500}}\n")
    options = ("--minutes", "0.01", "--seed", "0", "--only", "kill", "--rate", "100")
    status, result = proved(*options, "--config", str(config), "--dir", str(folder))
    assert (status, result["good"]) == (exit_status.OK, True), result
    (episode,) = result["episodes"]
    assert episode["fault"] == "kill-leader"
    assert episode["confirmed"] == result["totals"]["confirmed"] > 500
    assert result["totals"]["streams"]["confirmed"] > 100
    assert result["settings"]["holding"] == {"cluster": ["lease_ttl_ms"]}
    assert not users.exists()
    assert not folder.exists()


@pytest.mark.planted
@pytest.mark.parametrize("queue_type", ["quorum", "stream"])
def test_a_leader_that_confirms_alone_is_convicted(tmp_path: Path, queue_type: str) -> None:
    require_etcd()
    (tmp_path / "sitecustomize.py").write_text(PLANTED)
    options = ("--minutes", "0.01", "--seed", "0", "--only", "cut", "--keep", str(tmp_path / "k"))
    status, result = proved(*options, "--queue-type", queue_type, PYTHONPATH=str(tmp_path))
    assert result["episodes"][0]["fault"] == "isolate-leader"
    assert status == exit_status.FAILED, result
    if queue_type == "stream":
        assert result["totals"]["streams"]["lost"] > 0
        assert result["totals"]["streams"]["changed"] > 0
    else:
        assert result["totals"]["lost"] > 0
    assert {"n1.log", "history-0-0.jsonl"} <= {each.name for each in (tmp_path / "k").iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    require_etcd()
    folder = tmp_path / "folder"
    with started("--minutes", "5", "--dir", str(folder)) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        assert next(line for line in lines if line.startswith("folder: "))
        running.send_signal(number)
        rest = running.stdout.read()
        assert running.wait(PATIENCE_S) == 128 + number
    assert "ended early" in rest
    assert not folder.exists()
    assert not [one for one in marked() if one.run == running.pid]


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "etcd"
    program.write_text("#!/bin/sh\necho no room; exit 3\n")
    program.chmod(0o700)
    monkeypatch.setattr(proof_module, "found_etcd", lambda: str(program))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ClusterFailedError, match="e1 has ended by itself\nno room"):
        prove(Wish(1, 1), lambda _: None)
    assert not list((tmp_path / "temporary").iterdir())
    assert not [one for one in marked() if one.run == os.getpid()]
    assert signal.getsignal(signal.SIGINT) is before


def test_each_kind_of_fault_has_a_name_of_the_user() -> None:
    assert set(KINDS) - set(CLASSES) == HARMLESS
    assert not set(CLASSES) - set(KINDS)


def test_streams_are_under_load_in_any_case() -> None:
    for queue_type in ("quorum", "classic"):
        assert load_of(queue_type) == (QUEUES, STREAMS[:1])
    assert load_of("stream") == ((), STREAMS)


def test_short_proofs_have_no_long_faults() -> None:
    assert not set(kinds_of(Wish(1, 1), CLUSTER)) & SHORT_LEFT_OUT
    assert not set(kinds_of(Wish(1, 1, only=("freeze", "kill")), CLUSTER)) & SHORT_LEFT_OUT
    assert "rolling-restart" in kinds_of(Wish(10, 1, only=("kill",)), CLUSTER)
    assert COMBINED in kinds_of(Wish(10, 1), CLUSTER)


def test_only_what_is_asked_for_is_done() -> None:
    kinds = kinds_of(Wish(1, 1, only=("cut",)), CLUSTER)
    assert "isolate-leader" in kinds
    assert {CLASSES[kind] for kind in kinds} == {"cut"}


def test_a_cluster_that_can_have_no_such_fault_is_told() -> None:
    one = NotedCluster(Endpoint("127.0.0.1", 1, "", "", "/"))
    one.nodes = ("n1",)
    with pytest.raises(NoFaultError, match="a cluster of 1 can have no fault of cut"):
        kinds_of(Wish(1, 1, node_count=1, only=("cut",)), one)

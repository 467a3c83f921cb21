"""The command line of ``haremq perf``: what is asked for, what is printed where, and the status."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amqp_server.cli import haremq
from load_generator import run as run_module
from load_generator.board import Totals
from load_generator.readings import Figures
from load_generator.run import Interrupts, Outcome, Plan, Sample
from load_generator.session import Endpoint
from load_generator.tls import TlsOptions
from load_generator.wire import BrokerRefusalError

ROOT = Path(__file__).resolve().parents[2]
FIGURES = Figures(1.0, Totals(10, 0, 0, 0, 10), None, 0, (0.5, 0.5), None, None, 1.0, None)
SAMPLE = Sample(1.0, 1.0, Totals(10, 0, 0, 0, 10), None, is_warm_up=False)


class Runs:
    """Stands in for the run: keeps the plans, tells one sample, and ends as it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.error: Exception | None = None
        self.is_interrupted = False

    def run(self, plan: Plan, tell: Callable[[Sample], None], _interrupts: Interrupts) -> Outcome:
        self.plans.append(plan)
        if self.error is not None:
            raise self.error
        tell(SAMPLE)
        return Outcome(FIGURES, ["publisher", "consumer"], self.is_interrupted)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    monkeypatch.setattr(run_module, "run", runs.run)
    return runs


def call(*arguments: str) -> Result:
    return CliRunner().invoke(haremq, ["perf", *arguments])


def test_a_run_is_bounded_and_prints_progress_and_table_apart(runs: Runs) -> None:
    result = call()
    assert result.exit_code == 0
    (plan,) = runs.plans
    assert (plan.seconds, plan.warm_up_s, plan.process_count) == (10.0, 1.0, 1)
    assert plan.endpoint.port == 5672
    assert result.stderr == "    1 s  published 10/s  consumed 10/s\n"
    assert result.stdout.startswith("           messages  per second\npublished")


def test_options_for_tls_reach_the_plan(runs: Runs, tmp_path: Path) -> None:
    names = ("ca", "cert", "key")
    ca_file, certificate_file, key_file = paths = [tmp_path / name for name in names]
    for path in paths:
        path.touch()
    uri = ("--uri", "amqps://host")
    files = ("--cacert", str(ca_file), "--cert", str(certificate_file), "--key", str(key_file))
    for options in ((), ("--insecure",), files):
        assert call(*uri, *options).exit_code == 0
    endpoints = [plan.endpoint for plan in runs.plans]
    assert [endpoint.port for endpoint in endpoints] == [5671] * 3
    assert [endpoint.tls for endpoint in endpoints] == [
        TlsOptions(),
        TlsOptions(verifies=False),
        TlsOptions(ca_file, True, certificate_file, key_file),
    ]


def test_quiet_is_without_progress(runs: Runs) -> None:
    assert call("--quiet").stderr == ""


def test_options_reach_the_plan(runs: Runs) -> None:
    result = call(
        *("--uri", "amqp://a:b@host:1/v", "-x", "2", "-y", "3", "--queues", "3", "-s", "20"),
        *("-r", "7.5", "-c", "9", "-q", "40", "--ack", "multi:4", "--persistent", "--mandatory"),
        *("--exchange", "topic", "--routing-key", "k.%02d", "--keys", "5", "--binding-key", "k.#"),
        *("--queue-pattern", "w%d", "--queue-args", "x-max-length=5", "--headers", "h=1"),
        *("-z", "3", "--warm-up", "0.5", "--latency", "--processes", "2", "--keep"),
        *("--backlog", "70", "--random-keys"),
    )
    assert result.exit_code == 0, result.output
    (plan,) = runs.plans
    load, topology = plan.load, plan.topology
    assert plan.endpoint == Endpoint("host", 1, "a", "b", "v")
    assert (len(load.publisher_keys), len(load.consumer_queues)) == (2, 3)
    assert (len(load.body), load.rate_per_s, load.confirm_window) == (20, 7.5, 9)
    assert (load.prefetch_count, load.ack_every, load.mandatory) == (40, 4, True)
    assert set(load.publisher_keys[0]) == {f"k.0{number}" for number in range(5)}
    assert {bound.key for bound in topology.bindings} == {"k.#"}
    assert (topology.queues, topology.durable) == (["w1", "w2", "w3"], True)
    assert topology.queue_arguments == {"x-max-length": 5}
    assert (plan.seconds, plan.warm_up_s, plan.process_count) == (3, 0.5, 2)
    assert (plan.persistent, plan.keep, load.has_instants, load.backlog_max) == (
        (True, True, True, 70)
    )


def documented() -> list[list[str]]:
    """Return the arguments of every run on the tutorial's page."""
    page = (ROOT / "docs/tutorials/perf.md").read_text(encoding="utf-8")
    lines = re.findall(r"^haremq perf(.*)$", page, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("arguments", documented(), ids=shlex.join)
def test_the_runs_of_the_tutorial_are_understood(
    runs: Runs, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ca.pem", "client.pem", "client.key"):
        (tmp_path / name).touch()
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert len(runs.plans) == ("--help" not in arguments)


def test_a_run_of_messages_needs_no_warm_up(runs: Runs) -> None:
    call("--messages", "9")
    assert (runs.plans[0].message_count, runs.plans[0].warm_up_s) == (9, 0)


def test_a_body_is_taken_from_a_file(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    call("--body-file", str(tmp_path / "body"))
    assert runs.plans[0].load.body == b"from a file"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ack", "never"],
        ["--headers", "x"],
        ["--queue", "a", "--queue-pattern", "b%d"],
        ["--latency", "--size", "7"],
        ["--uri", "http://localhost"],
        ["--insecure"],
        ["--uri", "amqps://localhost", "--insecure", "--cacert", __file__],
        ["--uri", "amqps://localhost", "--key", __file__],
        ["--uri", "amqps://localhost", "--cacert", "missing"],
        ["--exchange", "zork"],
        ["--time", "0"],
        ["--prefetch", "65536"],
        ["--processes", "0"],
        ["--body-file", "missing"],
        ["--zork"],
    ],
)
def test_a_wrong_command_line_runs_nothing(runs: Runs, arguments: list[str]) -> None:
    result = call(*arguments)
    assert result.exit_code == 64
    assert "Traceback" not in result.output
    assert runs.plans == []


@pytest.mark.parametrize(
    "error", [BrokerRefusalError("closed: 403 no"), ConnectionRefusedError("closed: 403 no")]
)
def test_a_broker_that_refuses_is_told_in_a_line(runs: Runs, error: Exception) -> None:
    runs.error = error
    result = call()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "haremq perf: closed: 403 no\n"


def test_an_interrupted_run_has_its_summary(runs: Runs) -> None:
    runs.is_interrupted = True
    result = call()
    assert result.exit_code == 0
    assert "1.00 s, interrupted" in result.stdout


def test_json_goes_to_a_file_beside_the_table(runs: Runs, tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    result = call("--json", str(target), "--uri", "amqp://user:secret@host/v")
    document = json.loads(target.read_text())
    assert document["counts"] == {"published": 10, "consumed": 10}
    assert document["options"]["uri"] == "amqp://host/v"
    assert len(document["samples"]) == 1
    assert result.stdout.startswith("           messages")


def test_json_on_standard_output_is_alone_there(runs: Runs) -> None:
    assert json.loads(call("--json", "-").stdout)["interrupted"] is False


def test_a_json_file_that_cannot_be_written_costs_no_summary(runs: Runs, tmp_path: Path) -> None:
    result = call("--json", str(tmp_path / "missing" / "run.json"))
    assert result.exit_code == 1
    assert "published" in result.stdout
    assert "Traceback" not in result.output

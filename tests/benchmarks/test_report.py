"""Medians, ratios, the table and JSON."""

import json

import pytest

from benchmarks import report
from benchmarks.brokers import HAREMQ, RABBITMQ
from benchmarks.report import Result
from benchmarks.scenarios import RESTARTS, SCENARIOS, Durability, Flow, Paced, Scenario
from benchmarks.window import Window

FLOW = Flow("flow", "a flow")


def rates(*consumed_per_s: float) -> list[Window]:
    return [Window(consumed_per_s=rate) for rate in consumed_per_s]


def test_a_median_is_taken_figure_by_figure() -> None:
    windows = [Window(published_per_s=1, consumed_per_s=9), Window(published_per_s=3)]
    median = report.median_of(windows)
    assert (median.published_per_s, median.consumed_per_s, median.p50_us) == (2, 9, None)


def test_a_ratio_above_one_is_haremq_ahead() -> None:
    windows = {HAREMQ: rates(300, 1, 200), RABBITMQ: rates(100)}
    assert report.ratio(Result(FLOW, windows, {})) == 2


def test_less_latency_is_ahead() -> None:
    windows = {HAREMQ: [Window(p99_us=50)], RABBITMQ: [Window(p99_us=100)]}
    assert report.ratio(Result(Paced("p", "paced", rate_per_s=1), windows, {})) == 2


def test_a_sooner_restart_is_ahead() -> None:
    windows = {HAREMQ: [Window(serving_s=2)], RABBITMQ: [Window(serving_s=5)]}
    assert report.ratio(Result(RESTARTS[0], windows, {})) == 2.5


@pytest.mark.parametrize("theirs", [[], rates(0)])
def test_there_is_no_ratio_to_nothing(theirs: list[Window]) -> None:
    assert report.ratio(Result(FLOW, {HAREMQ: rates(1), RABBITMQ: theirs}, {})) is None


@pytest.mark.parametrize("scenario", [*SCENARIOS, *RESTARTS], ids=lambda scenario: scenario.name)
def test_every_headline_is_a_figure_of_a_window(scenario: Scenario) -> None:
    assert hasattr(Window(), report.headline(scenario).figure)


def test_the_table_names_class_brokers_and_ratio_and_leaves_empty_columns_out() -> None:
    windows = {HAREMQ: rates(1_500_000), RABBITMQ: rates(75_000)}
    header, _rule, ours, theirs = report.table([Result(FLOW, windows, {})]).splitlines()
    assert [cell.strip() for cell in header.split("|")[1:-1]] == [
        "scenario", "class", "broker", "consume/s", "ratio",
    ]  # fmt: skip
    assert [cell.strip() for cell in ours.split("|")[1:-1]] == [
        "a flow", "transient", "HareMQ", "1,500,000", "20.00x",
    ]  # fmt: skip
    assert "75,000" in theirs
    assert "x" not in theirs.split("|")[-2]


def test_each_broker_has_its_class() -> None:
    windows = {HAREMQ: rates(2), RABBITMQ: rates(1)}
    result = Result(FLOW, windows, {}, {HAREMQ: Durability.FSYNC, RABBITMQ: Durability.OS})
    _, _, ours, theirs = report.table([result]).splitlines()
    assert [row.split("|")[2].strip() for row in (ours, theirs)] == ["fsync", "os"]
    (row,) = json.loads(report.as_json([result], {}))["results"]
    assert row["durability"] == {HAREMQ: "fsync", RABBITMQ: "os"}


def test_a_failure_is_told_under_the_table() -> None:
    result = Result(FLOW, {HAREMQ: []}, {HAREMQ: "closed by the broker"})
    assert "flow: HareMQ failed: closed by the broker" in report.table([result])
    assert "HareMQ failed" in report.line(result)


def test_json_holds_every_window_and_the_machine() -> None:
    windows = {HAREMQ: rates(2, 4), RABBITMQ: rates(1)}
    document = json.loads(report.as_json([Result(FLOW, windows, {})], {"cores": 2}))
    assert document["machine"] == {"cores": 2}
    (row,) = document["results"]
    assert row["ratio"] == 3
    assert [window["consumed_per_s"] for window in row["windows"][HAREMQ]] == [2, 4]


@pytest.mark.parametrize(("elsewhere_cores", "is_told"), [(None, False), (0.1, False), (1.0, True)])
def test_a_shared_machine_is_told_under_the_table(
    elsewhere_cores: float | None, is_told: bool
) -> None:
    windows = {HAREMQ: [Window(consumed_per_s=1, elsewhere_cores=elsewhere_cores)]}
    assert (report.SHARED_MACHINE in report.table([Result(FLOW, windows, {})])) is is_told

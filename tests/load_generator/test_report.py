"""The table, the progress line, the warnings and the JSON of a run."""

import json
from dataclasses import replace

import pytest

from load_generator import report
from load_generator.board import Totals
from load_generator.histogram import Latencies
from load_generator.load import Load, Topology
from load_generator.readings import Figures
from load_generator.run import Outcome, Plan, Sample
from load_generator.session import Endpoint

LATENCIES = Latencies(1_000, 150.0, 251.0, 950.0, 9_999.0, 12_345.0, 98_765.0)
PLAN = Plan(
    endpoint=Endpoint("127.0.0.1", 5672, "guest", "guest", "/"),
    topology=Topology(["q"]),
    load=Load(publisher_keys=[["q"]], consumer_queues=["q"]),
)
FIGURES = Figures(
    elapsed_s=2.0,
    counts=Totals(published_count=3_000_000, consumed_count=2_900_000),
    latencies=None,
    stranger_count=0,
    generator_cores=(0.5, 0.25),
    broker_cores=1.0,
    elsewhere_cores=0.0,
    machine_cores=1.75,
    broker_rss_bytes=1 << 20,
)
OUTCOME = Outcome(FIGURES, ["publisher", "consumer"], is_interrupted=False)


def outcome_with(**changes: object) -> Outcome:
    return OUTCOME._replace(figures=replace(FIGURES, **changes))  # type: ignore[arg-type]


def plan_with(**changes: object) -> Plan:
    return replace(PLAN, load=replace(PLAN.load, **changes))  # type: ignore[arg-type]


# ── the table ──


def test_the_table_has_counts_rates_cores_and_class() -> None:
    assert report.table(OUTCOME, PLAN).splitlines() == [
        "            messages  per second",
        "published  3,000,000   1,500,000",
        "consumed   2,900,000   1,450,000",
        "",
        "time       2.00 s",
        "cores      publisher 0.50  consumer 0.25  broker 1.00",
        "class      transient: messages of delivery-mode 1, queues that a restart takes away",
    ]


def test_confirms_and_returns_have_rows_where_they_were_asked_for() -> None:
    rows = report.table(OUTCOME, plan_with(confirm_window=10, mandatory=True)).splitlines()
    names = [row.split()[0] for row in rows[1:6]]
    assert names == ["published", "confirmed", "nacked", "returned", "consumed"]


def test_latencies_have_a_row() -> None:
    table = report.table(outcome_with(latencies=LATENCIES), PLAN)
    assert (
        "latency    p50 0.150 ms  p75 0.251 ms  p95 0.950 ms  p99 9.999 ms  "
        "p99.9 12.3 ms  max 98.8 ms"
    ) in table.splitlines()


def test_an_interrupted_run_says_so() -> None:
    assert "time       2.00 s, interrupted" in report.table(
        OUTCOME._replace(is_interrupted=True), PLAN
    )


@pytest.mark.parametrize(
    ("persistent", "durable", "confirm_window", "words"),
    [
        (False, False, 0, "transient: messages of delivery-mode 1"),
        (True, True, 0, "persistent: messages of delivery-mode 2, durable queues, not confirmed"),
        (True, True, 9, "persistent: messages of delivery-mode 2, durable queues, each confirmed"),
        (False, True, 0, "durable: messages of delivery-mode 1, durable queues"),
    ],
)
def test_the_class_says_what_a_figure_was_paid_with(
    confirm_window: int, words: str, *, persistent: bool, durable: bool
) -> None:
    plan = replace(
        plan_with(confirm_window=confirm_window),
        persistent=persistent,
        topology=Topology(["q"], durable=durable),
    )
    assert report.durability(plan).startswith(words)
    assert ("cannot be seen from here" in report.durability(plan)) is durable


def test_a_class_that_the_queues_asked_for_is_named() -> None:
    topology = Topology(["q"], durable=True, queue_arguments={"x-durability": "os"})
    words = report.durability(replace(PLAN, persistent=True, topology=topology))
    assert "durable queues of class os" in words


# ── warnings ──


@pytest.mark.parametrize(
    ("outcome", "plan", "words"),
    [
        (outcome_with(generator_cores=(0.95, 0.2)), PLAN, "publisher used 95% of a core"),
        (outcome_with(broker_cores=0.3), PLAN, "the broker was idle: it used 30% of a core"),
        (outcome_with(elsewhere_cores=0.7), PLAN, "0.7 of its"),
        (outcome_with(stranger_count=5), PLAN, "5 bodies did not begin"),
        (OUTCOME, plan_with(rate_per_s=2e6), "published 1,500,000/s of the 2,000,000/s"),
    ],
)
def test_what_makes_figures_doubtful_is_told(outcome: Outcome, plan: Plan, words: str) -> None:
    (text,) = report.warnings(outcome, plan)
    assert words in text
    assert f"warning    {text}" in report.table(outcome, plan)


@pytest.mark.parametrize(
    ("outcome", "plan"),
    [
        (OUTCOME, PLAN),
        (outcome_with(broker_cores=None, elsewhere_cores=None), PLAN),
        (outcome_with(broker_cores=0.1), plan_with(rate_per_s=1.5e6)),
        (outcome_with(broker_cores=0.1), plan_with(publisher_keys=[])),
        (outcome_with(broker_cores=0.1), replace(PLAN, message_count=3_000_000)),
    ],
)
def test_a_sound_run_has_no_warning(outcome: Outcome, plan: Plan) -> None:
    assert report.warnings(outcome, plan) == []


# ── progress and JSON ──

SAMPLE = Sample(3.2, 2.0, Totals(2_000, 1_000, 3, 4, 4_000), None, is_warm_up=False)


def test_progress_shows_rates_of_what_can_happen() -> None:
    assert report.progress(SAMPLE, PLAN) == "    3 s  published 1,000/s  consumed 2,000/s"
    full = plan_with(confirm_window=1, mandatory=True)
    sample = SAMPLE._replace(latencies=LATENCIES, is_warm_up=True)
    assert report.progress(sample, full) == (
        "    3 s  published 1,000/s  consumed 2,000/s  confirmed 500/s  nacked 3  returned 4  "
        "latency p50 0.150 ms p99 9.999 ms  (warm-up)"
    )
    assert "published" not in report.progress(SAMPLE, plan_with(publisher_keys=[]))


@pytest.mark.parametrize(
    ("us", "text"),
    [(0.5, "0.001 ms"), (9_999, "9.999 ms"), (10_000, "10.0 ms"), (2e6, "2,000.0 ms")],
)
def test_milliseconds_have_the_decimals_that_mean_something(us: float, text: str) -> None:
    assert report.milliseconds(us) == text


def test_json_has_options_figures_and_samples() -> None:
    outcome = outcome_with(latencies=LATENCIES)
    document = json.loads(json.dumps(report.as_json(outcome, PLAN, [SAMPLE], {"size": 12})))
    assert document["options"] == {"size": 12}
    assert document["per_second"] == {"published": 1_500_000, "consumed": 1_450_000}
    assert document["latency_us"]["p99_us"] == 9_999
    assert document["generator_cores"] == {"publisher": 0.5, "consumer": 0.25}
    assert document["samples"][0]["confirmed_count"] == 1_000
    assert document["warnings"] == []


# ── alarms ──


def test_a_blocked_publisher_is_said_to_be_one_in_the_line_that_is_live() -> None:
    counts = Totals(blocked_ns=500_000_000)
    line = report.progress(SAMPLE._replace(counts=counts, elapsed_s=1.0), PLAN)
    assert line == "    3 s  published 0/s  consumed 0/s  blocked 50%"
    several = plan_with(publisher_keys=[["q"]] * 2)
    assert "blocked 25%" in report.progress(SAMPLE._replace(counts=counts, elapsed_s=1.0), several)


def test_the_report_says_blocked_and_does_not_call_the_broker_idle() -> None:
    blocked = outcome_with(counts=Totals(blocked_ns=2_000_000_000), broker_cores=0.0)
    assert "blocked    100% of the time, by the broker's alarm" in report.table(blocked, PLAN)
    (warning,) = report.warnings(blocked, PLAN)
    assert warning.startswith("the broker blocked publishers (connection.blocked)")
    assert report.as_json(blocked, PLAN, [], {})["blocked_share"] == 1.0


def test_nothing_is_said_of_alarms_where_there_was_none() -> None:
    assert "blocked" not in report.table(OUTCOME, PLAN)
    assert "blocked" not in report.progress(SAMPLE, PLAN)

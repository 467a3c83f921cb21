"""Writes docs/DEVIATIONS.md from the checks and rules.yaml, so that it lists every difference."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from conformance.check import Check
from conformance.random.declared import DECLARED

RULES_PATH = Path(__file__).with_name("rules.yaml")
HTTP_PATH = Path(__file__).with_name("http_differences.yaml")
METRICS_PATH = Path(__file__).with_name("metrics_differences.yaml")
STATUSES = ("ok", "deviates", "open")

INTRODUCTION = """\
# Deviations

HareMQ speaks RabbitMQ 3.13's dialect: the reply codes, texts and scopes that the conformance checks
expect are those of 3.13. This page lists every place where another answer is right. It is written
by `python -m conformance --deviations`. Change the checks or `conformance/rules.yaml`, not this
page.

The checks are also run against Debian's `rabbitmq-server` 3.10. The first section lists the answers
of 3.10 that were seen there, and why those of 3.13 differ.
"""


class Rule(NamedTuple):
    """A row of rules.yaml: one rule of the reference, and the checks that test it.

    Attributes:
        fails_in_cluster: checks that hold on a node by itself, and not on one of a cluster.
        seen_in_cluster: what each of those sees there contains this.
    """

    rule_id: str
    reference: str
    text: str
    status: str
    tests: tuple[str, ...]
    note: str
    fails_in_cluster: tuple[str, ...] = ()
    seen_in_cluster: str = ""


def load_rules(path: Path = RULES_PATH) -> list[Rule]:
    """Read rules.yaml.

    Raises:
        ValueError: a row has an unknown status or lacks a field.
    """
    found = []
    for row in yaml.safe_load(path.read_text()):
        try:
            rule = Rule(
                row["id"],
                str(row["reference"]),
                row["text"],
                row["status"],
                tuple(row.get("tests", ())),
                row.get("note", ""),
                tuple(row.get("fails_in_cluster", ())),
                row.get("seen_in_cluster", ""),
            )
        except KeyError as error:
            raise ValueError(f"rules.yaml: {row} lacks {error}") from error
        if rule.status not in STATUSES:
            raise ValueError(f"rules.yaml: {rule.rule_id} has an unknown status {rule.status}")
        found.append(rule)
    return found


def page(checks: Iterable[Check], rules: Iterable[Rule]) -> str:
    """Write the whole page."""
    every = sorted(checks, key=lambda check: check.check_id)
    of_310 = [
        (check.check_id, check.expect, check.rabbitmq_310.expect, check.rabbitmq_310.why)
        for check in every
        if check.rabbitmq_310 is not None
    ]
    on_purpose = [
        (check.check_id, check.expect, check.on_purpose.expect, check.on_purpose.why)
        for check in every
        if check.on_purpose is not None
    ]
    noted = [rule for rule in rules if rule.status == "deviates"]
    parts = [
        INTRODUCTION,
        "## RabbitMQ 3.10 answers otherwise than 3.13\n",
        _table(("check", "3.13 (and HareMQ)", "3.10", "why"), of_310),
        "## HareMQ differs on purpose\n",
        _table(("check", "HareMQ", "RabbitMQ", "why"), on_purpose),
        "Seen by random scripts (`python -m conformance --random`):\n",
        _table(
            ("difference", "HareMQ", "RabbitMQ", "why"),
            [(row.name, row.haremq, row.rabbitmq, row.why) for row in DECLARED],
        ),
        "Rules of the reference that HareMQ keeps in another way:\n",
        _table(
            ("rule", "section", "RabbitMQ", "HareMQ"),
            [(rule.rule_id, rule.reference, rule.text, rule.note) for rule in noted],
        ),
        "## The HTTP API answers otherwise than RabbitMQ 3.10\n",
        "Calls and differences are patterns; `python -m conformance.http_differential` compares.\n",
        _table(("call", "difference", "why"), http_rows()),
        "## Metrics for Prometheus differ from RabbitMQ 3.10\n",
        "Differences are patterns; `tests/clients/test_metrics_differential.py` compares.\n",
        _table(("difference", "why"), metrics_rows()),
    ]
    return "\n".join(parts)


def http_rows(path: Path = HTTP_PATH) -> list[tuple[str, str, str]]:
    """Return what the HTTP differential knows to differ: call, difference and reason."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [(f"`{row['call']}`", f"`{row['difference']}`", row["reason"]) for row in rows]


def metrics_rows(path: Path = METRICS_PATH) -> list[tuple[str, str]]:
    """Return what is known to differ between the metrics: difference and reason."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [(f"`{row['difference']}`", row["reason"]) for row in rows]


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [_row(head), _row(tuple("---" for _ in head)), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[object, ...]) -> str:
    texts = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"

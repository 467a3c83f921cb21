"""Shows the results of a run, as a table for people or JSON for programs."""

import json
from collections.abc import Mapping, Sequence

from conformance.check import Check
from conformance.runner import Outcome

EXPECTED_WIDTH = 60


def summary(outcomes: Mapping[str, Outcome]) -> str:
    """Count the outcomes in one line."""
    counts: dict[str, int] = {"ok": 0, "failed": 0, "skipped": 0}
    for outcome in outcomes.values():
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def table(
    checks: Sequence[Check], results: Mapping[str, Mapping[str, Outcome]], *, failed_only: bool
) -> str:
    """Return one line per check: its id, the expected answer, and the answer of each broker.

    Args:
        checks: the checks that ran, in order.
        results: outcomes by check id, by the name of the broker.
        failed_only: leave out the checks that are ok everywhere.
    """
    id_width = max((len(check.check_id) for check in checks), default=0)
    broker_widths = {name: max(len(name), len("skipped")) for name in results}
    lines = [
        _line(
            id_width,
            "rule",
            "expected",
            {name: (width, name) for name, width in broker_widths.items()},
            "status",
        )
    ]
    for check in checks:
        seen = {name: outcomes[check.check_id] for name, outcomes in results.items()}
        statuses = {outcome.status for outcome in seen.values()}
        if failed_only and "failed" not in statuses:
            continue
        cells = {name: (broker_widths[name], outcome.status) for name, outcome in seen.items()}
        mark = f"{check.check_id}{'*' if check.ninth else ''}"
        lines.append(_line(id_width, mark, _short(str(check.expect)), cells, _verdict(statuses)))
        lines += [
            f"    {name}: {outcome.seen}"
            for name, outcome in seen.items()
            if outcome.status == "failed"
        ]
    return "\n".join(lines)


def _verdict(statuses: set[str]) -> str:
    if "failed" in statuses:
        return "FAILED"
    if "ok" in statuses:
        return "ok"
    return "deviates" if "deviates" in statuses else "skipped"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXPECTED_WIDTH else f"{line[: EXPECTED_WIDTH - 1]}…"


def _line(
    id_width: int, rule: str, expected: str, cells: Mapping[str, tuple[int, str]], status: str
) -> str:
    brokers = "  ".join(f"{text:{width}}" for width, text in cells.values())
    return f"{rule:{id_width + 1}}  {expected:{EXPECTED_WIDTH}}  {brokers}  {status}"


def as_json(checks: Sequence[Check], results: Mapping[str, Mapping[str, Outcome]]) -> str:
    """Return the table as JSON: a list of checks with their outcomes by broker."""
    rows = [
        {
            "id": check.check_id,
            "ref": check.ref,
            "expected": str(check.expect),
            "thirty": check.ninth or None,
            "brokers": {
                name: {
                    "status": outcomes[check.check_id].status,
                    "seen": outcomes[check.check_id].seen,
                    "duration_ms": round(outcomes[check.check_id].duration_s * 1000),
                }
                for name, outcomes in results.items()
            },
        }
        for check in checks
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)

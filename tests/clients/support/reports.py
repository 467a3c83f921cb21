"""Programs that play a scene by themselves and print what they saw, in JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tests.clients.support.names import Names
from tests.clients.support.programs import run

Report: TypeAlias = dict[str, Any]

SCENE_TIMEOUT_S = 30.0


def report_of(argv: Sequence[str | Path], broker_uri: str, names: Names) -> Report:
    """Run a program that knows the broker and its names' prefix; return its report.

    Raises:
        AssertionError: it did not end with 0 in time; what it said is told.
    """
    env = {"BROKER_URI": broker_uri, "NAME_PREFIX": names.prefix}
    code, output = run(argv, env, timeout_s=SCENE_TIMEOUT_S)
    assert code == 0, output
    reports = [line for line in output.splitlines() if line.startswith("{")]
    report: Report = json.loads(reports[-1])
    return report

"""The walks of docs/ARCHITECTURE.md: what they name is called, in their order, by a real node.

A walk is a heading "One ..." and a numbered list. Each ``file::function`` in it is a call. When a
name moves, or is not on the path any more, change the walk; the message says what was called.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.style.tree import ROOT, text_of

DOCUMENT = Path("docs/ARCHITECTURE.md")
WALKS = ("One publish", "One ack", "One declare", "One restart")
STEP = re.compile(r"`([\w/]+\.py::[\w.<>]+)`")
LINES_MAX = 16
TIMEOUT_S = 120
SHOWN_MAX = 60


def section_of(text: str, heading: str) -> str:
    """Return what stands below a heading of the third rank."""
    _, _, below = text.partition(f"\n### {heading}\n")
    return re.split(r"^#", below, maxsplit=1, flags=re.MULTILINE)[0]


def steps_of(section: str) -> list[str]:
    """Return the calls that a walk names, in order."""
    return STEP.findall(section)


def first_not_taken(steps: Sequence[str], calls: Sequence[str]) -> int | None:
    """Return the index of the first step that was not called after those before it."""
    position = 0
    for index, step in enumerate(steps):
        try:
            position = calls.index(step, position) + 1
        except ValueError:
            return index
    return None


def fault_of(walk: str, steps: Sequence[str], calls: Sequence[str]) -> str | None:
    """Return what to change in a walk; None where a node really walks so."""
    index = first_not_taken(steps, calls)
    if index is None:
        return None
    step = steps[index]
    position = 0
    for before in steps[:index]:
        position = calls.index(before, position) + 1
    name = step.rpartition(".")[2]
    moved = sorted({call for call in calls if re.split(r"[.:]+", call)[-1] == name} - {step})
    lines = [
        f'{DOCUMENT}, "{walk}": a node does not call',
        f"    {step}",
        f"    after {steps[index - 1] if index else 'the beginning of the walk'}",
        "It was called earlier: put the steps in order." if step in calls[:position] else "",
        "Of that name were called: " + ", ".join(moved) if moved else "",
        "Edit the walk, so that it says what is called. What was called from there on:",
        *(f"    {call}" for call in _without_repeats(calls[position:])),
    ]
    return "\n".join(line for line in lines if line)


def _without_repeats(calls: Sequence[str]) -> Iterator[str]:
    yield from list(dict.fromkeys(calls))[:SHOWN_MAX]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[str]]:
    """What a node called in each walk."""
    folder = tmp_path_factory.mktemp("walks") / "data"
    program = [sys.executable, "-m", "tests.support.traced_node", str(folder)]
    ended = subprocess.run(
        program,
        cwd=ROOT,
        env={**os.environ, "HAREMQ_INTERPRETED": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    calls: Mapping[str, Sequence[str]] = json.loads(ended.stdout)
    return calls


@pytest.mark.parametrize("walk", WALKS)
def test_a_node_walks_as_the_document_says(walk: str, trace: Mapping[str, Sequence[str]]) -> None:
    steps = steps_of(section_of(text_of(DOCUMENT), walk))
    assert steps, f'{DOCUMENT} has no walk "{walk}"'
    assert (fault := fault_of(walk, steps, trace[walk])) is None, fault


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_is_short(walk: str) -> None:
    section = section_of(text_of(DOCUMENT), walk)
    assert len(re.findall(r"^\d+\. ", section, re.MULTILINE)) <= LINES_MAX


def test_a_step_that_is_not_taken_is_seen() -> None:
    text = "\n### One thing\n\n1. `a/b.py::C.d` does it, `a/b.py::e` too.\n\n### Other\n`x.py::y`"
    steps = steps_of(section_of(text, "One thing"))
    assert steps == ["a/b.py::C.d", "a/b.py::e"]
    assert first_not_taken(steps, ["a/b.py::C.d", "a/x.py::f", "a/b.py::e"]) is None
    assert first_not_taken(steps, ["a/b.py::e", "a/b.py::C.d"]) == 1
    fault = fault_of("One thing", steps, ["a/b.py::D.d", "a/b.py::e"])
    assert fault is not None
    assert "Of that name were called: a/b.py::D.d" in fault

"""The files of a node through kills and power cuts: all that was safe is there again."""

import os
import random
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from shutil import which

import pytest

from tests.crash.power_cut import PowerCut
from tests.style.tree import ROOT

CYCLES = 6
LINES_MAX = 2_000
PATIENCE_S = 60.0


class Known:
    """The output of a program over all its lives, by queue."""

    def __init__(self) -> None:
        self.safe_count = 0
        self.appended: defaultdict[int, set[int]] = defaultdict(set)
        self.required: defaultdict[int, set[int]] = defaultdict(set)
        self.settled: defaultdict[int, set[int]] = defaultdict(set)
        self.gone: defaultdict[int, set[int]] = defaultdict(set)

    def hear(self, lines: Iterable[str]) -> list[str]:
        """Take over what one life said; return what is wrong about what it found."""
        wrong = []
        for line in lines:
            word, *numbers = line.split()
            if word == "ready":
                continue
            queue, *rest = map(int, numbers)
            if word == "found":
                wrong += self._judge(queue, set(rest))
                continue
            positions = set(range(*rest))
            if word == "append":
                # Of what was never safe, the positions are given again.
                self.appended[queue] |= positions
                self.settled[queue] -= positions
                self.gone[queue] -= positions
            elif word == "safe":
                self.safe_count += len(positions)
                self.required[queue] |= positions - self.settled[queue]
            else:
                assert word == "settle", line
                self.settled[queue] |= positions
                self.required[queue] -= positions
        return wrong

    def _judge(self, queue: int, found: set[int]) -> list[str]:
        bad = {
            "lost": self.required[queue] - found,
            "unexpected": found - self.appended[queue],
            "resurrected": found & self.gone[queue],
        }
        self.gone[queue] |= self.appended[queue] - found
        self.settled[queue] -= found
        self.required[queue] |= found
        return [
            f"queue {queue}: {what} {sorted(those)[:5]}" for what, those in bad.items() if those
        ]


def one_life(folder: Path, seed: int, chance: random.Random, power: PowerCut | None) -> list[str]:
    """Run the program until it has said so much, kill it, cut its power; return what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.disk_program", str(folder), str(seed)],
        cwd=ROOT,
        env={**os.environ, **(power.environment if power else {})},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        watchdog = threading.Timer(PATIENCE_S, program.kill)
        watchdog.start()
        assert program.stdout is not None
        lines: list[str] = []
        left = chance.randrange(LINES_MAX)
        for line in program.stdout:
            lines.append(line)
            left -= "ready\n" in lines
            if left < 0:
                break
        program.kill()
        # What it had said by then; the last line may be torn.
        lines += [line for line in program.stdout.readlines() if line.endswith("\n")]
        code = program.wait()
        watchdog.cancel()
        assert code == -9, f"the program ended by itself, with {code}"
    if power is not None:
        power.cut(chance)
    return lines


def live_again_and_again(tmp_path: Path, seed: int, power: PowerCut | None) -> Known:
    """Run some lives on one folder; fail where one does not find what it must."""
    known, chance = Known(), random.Random(seed)
    for cycle in range(CYCLES):
        lines = one_life(tmp_path / "data", seed + cycle, chance, power)
        assert known.hear(lines) == [], f"seed {seed}, cycle {cycle}"
    return known


@pytest.mark.parametrize("seed", [1])
def test_kills_take_nothing_that_was_safe(tmp_path: Path, seed: int) -> None:
    (tmp_path / "data").mkdir()
    known = live_again_and_again(tmp_path, seed, None)
    assert known.safe_count > 0


@pytest.mark.skipif(which("gcc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("seed", [3, 4])
def test_power_cuts_take_nothing_that_was_safe(tmp_path: Path, seed: int) -> None:
    (tmp_path / "data").mkdir()
    known = live_again_and_again(tmp_path, seed, PowerCut(tmp_path, tmp_path / "data"))
    assert known.safe_count > 0


@pytest.mark.skipif(which("gcc") is None, reason="there is no C compiler")
def test_a_disk_that_lies_about_its_syncs_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DISK_SHIM_LIES", "1")
    with pytest.raises(AssertionError, match=r"lost|ended by itself"):
        live_again_and_again(tmp_path, 6, PowerCut(tmp_path, tmp_path / "data"))


def test_what_is_lost_invented_or_resurrected_is_seen() -> None:
    known = Known()
    assert known.hear(["found 1", "append 1 0 4", "safe 1 0 3", "settle 1 0 1"]) == []
    assert known.hear(["found 1 2 9"]) == [
        "queue 1: lost [1]",
        "queue 1: unexpected [9]",
    ]
    assert known.hear(["found 1 0 2"])[-1] == "queue 1: resurrected [0]"

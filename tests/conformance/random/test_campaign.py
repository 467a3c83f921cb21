"""The scripts of many seeds, judged, and what is printed of them."""

from collections.abc import Sequence

import pytest

from conformance.random import campaign
from conformance.random.generator import generate
from conformance.random.player import Seen
from conformance.random.script import Script
from conformance.random.verdict import Judge

SEEDS = range(5, 9)
STEP_COUNT = 30


def agreeing(script: Script, quiet_rounds: int) -> Sequence[Seen]:
    return [{step.channel: (step.method,)} for step in script]


def wrong_about_gets(script: Script, quiet_rounds: int) -> Sequence[Seen]:
    return [
        {step.channel: ("wrong" if step.method == "basic.get" else step.method,)} for step in script
    ]


def test_brokers_that_agree_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.run(SEEDS, STEP_COUNT, Judge(agreeing, agreeing)) == 0
    assert capsys.readouterr().out.startswith("4 scripts of 30 steps: 4 same in ")


def test_a_planted_difference_is_printed_small_with_the_command_to_see_it_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge = Judge(agreeing, wrong_about_gets)
    found = campaign.run(SEEDS, STEP_COUNT, judge)
    printed = capsys.readouterr().out
    seed = next(
        seed
        for seed in SEEDS
        if any(step.method == "basic.get" for step in generate(seed, STEP_COUNT))
    )
    at = [step.method for step in generate(seed, STEP_COUNT)].index("basic.get")
    assert found == printed.count(" is different:") > 0
    assert "     = basic.get\n     ! wrong\n" in printed
    assert f"  python -m conformance --random {seed} --steps 30 --only {at}\n" in printed
    assert campaign.run([seed], STEP_COUNT, judge, only=[at]) == 1
    assert campaign.run([seed], STEP_COUNT, judge, only=[]) == 0


def test_a_script_that_could_not_be_played_is_played_again_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures = [OSError("no answer")]

    def failing(script: Script, quiet_rounds: int) -> Sequence[Seen]:
        if failures:
            raise failures.pop()
        return agreeing(script, quiet_rounds)

    assert campaign.run(SEEDS, STEP_COUNT, Judge(failing, agreeing)) == 0
    assert "4 same" in capsys.readouterr().out
    failures[:] = [OSError("no answer")] * 99
    with pytest.raises(OSError, match="no answer"):
        campaign.run(SEEDS, STEP_COUNT, Judge(failing, agreeing))

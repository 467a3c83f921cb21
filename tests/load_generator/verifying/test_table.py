"""The tables sum by kind of fault; what was not good is told with its seed."""

from dataclasses import replace

from load_generator.verifying.availability import Waits
from load_generator.verifying.checker import check
from load_generator.verifying.episode import Outcome
from load_generator.verifying.history import Value
from load_generator.verifying.stream_checker import Place, StreamVerdict
from load_generator.verifying.table import NEVER, report, stream_table, table, tables
from tests.support.fault_history import Script
from tests.support.stream_history import value

WAITED = Waits(100, 90)


def outcome(
    kind: str,
    script: Script,
    waited: Waits = WAITED,
    failures: tuple[str, ...] = (),
    streams: StreamVerdict | None = None,
) -> Outcome:
    verdict = check(script.rows, acks_per_client_max=1)
    fields = (verdict, waited, verdict.lost[:1], failures, ())
    return Outcome(4, kind, f"{kind}: plan", *fields, streams or StreamVerdict())


GOOD = Script().published(1, 2).delivered(1, 2)
LOSING = Script().published(1, 2, 3).delivered(1)
KEPT = StreamVerdict(confirmed=(value(1), value(2)), read=(value(1), value(2)))
CHANGED = replace(KEPT, changed=(Place("s", 0), Place("s", 1)), vanished=(Place("s", 3),))


def cells(line: str) -> list[str]:
    return line.split("  ")[0:1] + line.split()[1:]


def test_kinds_are_summed_and_all_come_last() -> None:
    outcomes = [
        outcome("kill-all", GOOD, Waits(100, 90)),
        outcome("kill-all", LOSING, Waits(300, 95)),
        outcome("bridge", GOOD),
    ]
    head, bridge, kills, every = table(outcomes).splitlines()
    assert head.startswith("fault ")
    assert cells(bridge)[:5] == ["bridge", "1", "2", "2", "0"]
    assert cells(kills)[:5] == ["kill-all", "2", "5", "3", "2"]
    assert "100 / 300 / 300" in kills
    assert cells(every)[:5] == ["all", "3", "7", "5", "2"]


def test_a_queue_that_was_never_served_again_has_no_time() -> None:
    assert table([outcome("kill-all", GOOD, Waits(None, 90))]).count(NEVER) == 2


def test_streams_have_a_table_of_their_own() -> None:
    outcomes = [
        outcome("kill-all", GOOD, streams=KEPT),
        outcome("kill-all", GOOD, streams=CHANGED),
        outcome("bridge", GOOD, streams=KEPT),
    ]
    head, bridge, kills, every = stream_table(outcomes).splitlines()
    columns = head.split("  ")
    assert [name.strip() for name in columns if name.strip()][:7] == [
        *("fault", "episodes", "confirmed", "read", "lost", "offsets changed", "vanished")
    ]
    assert cells(bridge)[:7] == ["bridge", "1", "2", "2", "0", "0", "0"]
    assert cells(kills)[:7] == ["kill-all", "2", "4", "4", "0", "2", "1"]
    assert cells(every)[:7] == ["all", "3", "6", "6", "0", "2", "1"]
    assert tables(outcomes) == f"{table(outcomes)}\n\nstreams\n{stream_table(outcomes)}"
    assert tables([outcome("bridge", GOOD)]) == table([outcome("bridge", GOOD)])


def test_no_episodes_are_a_table_too() -> None:
    assert table([]).splitlines()[-1].startswith("all ")


def test_a_bad_episode_is_told_with_what_plays_it_again() -> None:
    text = report(outcome("kill-all", LOSING, failures=("it hung",)), seed=9)
    assert text.startswith("episode 4 of seed 9: kill-all: plan")
    assert "INVALID" in text
    assert "it hung" in text
    assert "deposed leader: 1" in text
    assert "streams" not in text
    text = report(outcome("kill-all", GOOD, streams=CHANGED), seed=9)
    assert text.splitlines()[1] == "streams"
    assert "s:0 s:1" in text


def test_an_outcome_is_good_without_losses_and_failures() -> None:
    assert outcome("kill-all", GOOD).is_good
    assert not outcome("kill-all", LOSING).is_good
    assert outcome("kill-all", GOOD, streams=KEPT).is_good
    assert not outcome("kill-all", GOOD, streams=CHANGED).is_good
    assert not outcome("kill-all", GOOD, failures=("it hung",)).is_good
    assert outcome("kill-all", LOSING).deposed == (Value("q", 1, 2),)

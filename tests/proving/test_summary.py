"""The result of a proof, as values and as lines."""

import json
from dataclasses import replace

from amqp_server.proving.proof import Proof, Wish
from amqp_server.proving.summary import last_lines, summary_of
from load_generator.verifying.availability import Waits
from load_generator.verifying.checker import check
from load_generator.verifying.episode import Outcome
from load_generator.verifying.stream_checker import Place, StreamVerdict
from tests.support.fault_history import Script
from tests.support.stream_history import value

WISH = Wish(1, 7, raw={"broker": {"default_pass": "hush", "queues_max": 5}})
GOOD = Script().published(1, 2).delivered(1, 2)
LOSING = Script().published(1, 2, 3).delivered(1)
KEPT = StreamVerdict(confirmed=(value(1), value(2)), read=(value(1), value(2)))


def outcome(
    number: int,
    script: Script,
    *failures: str,
    confirm_ms: int | None = 100,
    streams: StreamVerdict | None = None,
) -> Outcome:
    verdict = check(script.rows, acks_per_client_max=1)
    fields = (verdict, Waits(confirm_ms, 90), (), failures, ())
    return Outcome(number, "kill-all", "kill-all: plan", *fields, streams or StreamVerdict())


def test_a_good_proof_says_so() -> None:
    proof = Proof([outcome(0, GOOD), outcome(1, GOOD, confirm_ms=300)])
    lines = last_lines(proof, "haremq verify --seed 7")
    assert lines[-1] == "nothing was lost: 4 confirmed in 2 episodes"
    values = summary_of(WISH, proof)
    assert values["good"]
    assert values["totals"]["confirmed"] == values["totals"]["delivered"] == 4
    assert values["longest_waits_ms"] == {"confirm": 300, "delivery": 90}
    assert [each["confirm_wait_ms"] for each in values["episodes"]] == [100, 300]
    assert values["settings"]["holding"] == {"broker": ["queues_max"]}
    assert "hush" not in json.dumps(values)


def test_a_loss_is_told_with_what_plays_it_again() -> None:
    proof = Proof([outcome(0, GOOD), outcome(1, LOSING)], ["n1: Traceback"])
    lines = last_lines(proof, "haremq verify --seed 7")
    assert lines[:2] == ["nodes logged errors:", "  n1: Traceback"]
    assert lines[-2:] == [
        "WRONG: 2 lost, of 5 confirmed in 2 episodes",
        "to play it again: haremq verify --seed 7 --episode 1",
    ]
    values = summary_of(WISH, proof)
    assert not values["good"]
    assert values["totals"]["lost"] == values["episodes"][1]["lost"] == 2


def test_streams_are_counted_apart_and_in_the_verdict() -> None:
    proof = Proof([outcome(0, GOOD, streams=KEPT)])
    lines = last_lines(proof, "again")
    assert lines[-1] == "nothing was lost, and no offset changed: 4 confirmed in 1 episodes"
    assert "offsets changed" in lines[0]
    values = summary_of(WISH, proof)
    assert values["totals"]["confirmed"] == 2
    assert values["totals"]["streams"]["confirmed"] == 2
    assert values["totals"]["streams"]["changed"] == 0
    changed = Proof([outcome(0, GOOD, streams=replace(KEPT, changed=(Place("s", 1),)))])
    assert "WRONG: 1 changed in streams, of 4 confirmed in 1 episodes" in last_lines(changed, "")
    values = summary_of(WISH, changed)
    assert not values["good"]
    assert values["episodes"][0]["streams"]["changed"] == 1


def test_what_went_wrong_without_a_loss_is_wrong_too() -> None:
    proof = Proof([outcome(0, GOOD, "it hung", confirm_ms=None)])
    assert last_lines(proof, "again")[-2].startswith("WRONG: nothing was lost of 2 confirmed")
    values = summary_of(WISH, proof)
    assert values["episodes"][0]["failures"] == ["it hung"]
    assert values["longest_waits_ms"]["confirm"] is None
    broken = Proof([outcome(0, GOOD)], failure="the cluster is not whole again")
    assert not summary_of(WISH, broken)["good"]
    assert "the cluster is not whole again" in last_lines(broken, "again")


def test_an_early_end_is_told() -> None:
    proof = Proof([], signal=2)
    assert last_lines(proof, "again")[-1].startswith("ended early")
    assert summary_of(WISH, proof)["ended_by_signal"] == 2

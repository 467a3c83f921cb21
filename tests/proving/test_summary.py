"""The result of a proof, as values and as lines."""

import json

from amqp_server.proving.proof import Proof, Wish
from amqp_server.proving.summary import last_lines, summary_of
from load_generator.verifying.availability import Waits
from load_generator.verifying.checker import check
from load_generator.verifying.episode import Outcome
from tests.support.fault_history import Script

WISH = Wish(1, 7, raw={"broker": {"default_pass": "hush", "queues_max": 5}})
GOOD = Script().published(1, 2).delivered(1, 2)
LOSING = Script().published(1, 2, 3).delivered(1)


def outcome(number: int, script: Script, *failures: str, confirm_ms: int | None = 100) -> Outcome:
    verdict = check(script.rows, acks_per_client_max=1)
    waits = Waits(confirm_ms, 90)
    return Outcome(number, "kill-all", "kill-all: plan", verdict, waits, (), failures, ())


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

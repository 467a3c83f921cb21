"""Random scripts on a broker of ours: played twice they see the same, and nothing stays behind."""

from collections.abc import Sequence

import pytest

from conformance.address import Address
from conformance.random.campaign import player_of
from conformance.random.compare import first_difference
from conformance.random.generator import generate
from conformance.random.player import Seen
from conformance.random.script import Message, Script, Step
from conformance.random.verdict import DIFFERENT, SAME, Judge

MISSING = (
    "channel.close reply_code=404 reply_text='NOT_FOUND - no queue 'q9' in vhost '/'' "
    "class_id=50 method_id=10"
)
SCRIPT = [
    Step("A1", "queue.declare", {"queue": "~q1"}),
    Step("A1", "tx.select"),
    Step("B1", "queue.declare", {"queue": "", "exclusive": True}),
    Step("B1", "confirm.select"),
    Step("B1", "basic.publish", {"routing_key": "~q1"}, (Message("m1"), Message("m2"))),
    Step("A1", "basic.consume", {"queue": "~q1", "consumer_tag": "c1"}),
    Step("A1", "basic.ack", {"delivery_tag": "oldest"}),
    Step("A2", "queue.declare", {"queue": "~q9", "passive": True}),
    Step("A1", "connection.close"),
    Step("B1", "basic.get", {"queue": "~q1"}),
]


def test_a_script_is_played_step_by_step_and_each_step_says_what_it_brought(
    broker_uri: str,
) -> None:
    seen = player_of(Address.of(broker_uri))(SCRIPT, 2)
    assert seen == [
        {"A1": ("queue.declareok queue=q1 message_count=0",), "q1": ("0 ready, 0 consumers",)},
        {"A1": ("tx.selectok",)},
        {"B1": ("queue.declareok queue=gen1 message_count=0",), "gen1": ("0 ready, 0 consumers",)},
        {"B1": ("confirm.selectok",)},
        {"B1": ("confirmed 1", "confirmed 2"), "q1": ("2 ready, 0 consumers",)},
        {
            "A1": (
                "basic.consumeok consumer_tag=c1",
                "basic.deliver consumer_tag=c1 delivery_tag=1 routing_key=q1 <m1>",
                "basic.deliver consumer_tag=c1 delivery_tag=2 routing_key=q1 <m2>",
            ),
            "q1": ("0 ready, 1 consumers",),
        },
        {},
        {"A2": (MISSING,)},
        {"q1": ("2 ready, 0 consumers",)},
        {
            "B1": ("basic.getok delivery_tag=1 redelivered routing_key=q1 message_count=1 <m1>",),
            "q1": ("1 ready, 0 consumers",),
        },
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_script_sees_the_same_each_time(broker_uri: str, seed: int) -> None:
    play = player_of(Address.of(broker_uri))
    script = generate(seed, 60)
    assert first_difference(play(script, 2), play(script, 2)) is None


def test_a_planted_difference_of_one_frame_is_found(broker_uri: str) -> None:
    play = player_of(Address.of(broker_uri))

    def forgetful(script: Script, quiet_rounds: int) -> Sequence[Seen]:
        return [
            {
                place: tuple(line.replace(" redelivered", "") for line in lines)
                for place, lines in seen.items()
            }
            for seen in play(script, quiet_rounds)
        ]

    verdict = Judge(play, forgetful).judge(SCRIPT)
    assert verdict.word == DIFFERENT
    assert verdict.difference is not None
    assert verdict.difference.step_index == len(SCRIPT) - 1
    assert Judge(play, play).judge(SCRIPT).word == SAME


def test_nothing_of_a_script_stays_behind(broker_uri: str) -> None:
    play = player_of(Address.of(broker_uri))
    publish = Step(
        "A1", "basic.publish", {"exchange": "amq.fanout", "mandatory": True}, (Message("m"),)
    )
    left = [
        Step("A1", "queue.declare", {"queue": "~q1", "durable": True}),
        Step("A1", "queue.bind", {"queue": "~q1", "exchange": "amq.fanout"}),
        publish,
    ]
    assert play(left, 2)[-1] == {"q1": ("1 ready, 0 consumers",)}
    assert play([publish], 2) == [
        {"A1": ("basic.return reply_code=312 reply_text=NO_ROUTE exchange=amq.fanout <m>",)}
    ]

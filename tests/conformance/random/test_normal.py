"""Lines that are the same for two runs of which neither did anything else."""

from pamqp import base, commands

from conformance import fields
from conformance.events import Event
from conformance.fields import Typed
from conformance.random.link import News
from conformance.random.normal import Scribe

DEATH = {
    "count": Typed("l", 1),
    "reason": Typed("S", "rejected"),
    "queue": Typed("S", "r1-q1"),
    "time": Typed("T", 1_700_000_000),
}


def line(scribe: Scribe, method: base.Frame, raw_properties: bytes = b"", body: bytes = b"") -> str:
    return scribe.line(News(1, Event(method, raw_properties, body)))


def test_the_prefix_of_a_run_is_left_out_of_names_and_texts() -> None:
    closed = commands.Channel.Close(404, "NOT_FOUND - no queue 'r1-q1' in vhost '/'", 50, 10)
    assert line(Scribe("r1-"), closed) == (
        "channel.close reply_code=404 reply_text='NOT_FOUND - no queue 'q1' in vhost '/'' "
        "class_id=50 method_id=10"
    )


def test_what_a_broker_makes_up_is_numbered() -> None:
    scribe = Scribe("r1-")
    assert line(scribe, commands.Basic.ConsumeOk("amq.ctag-xY_z-1")) == (
        "basic.consumeok consumer_tag=ctag1"
    )
    assert scribe.cleaned("amq.gen-abc amq.gen-def amq.ctag-xY_z-1 amq.gen-abc") == (
        "gen1 gen2 ctag1 gen1"
    )


def test_a_message_shows_its_properties_and_body() -> None:
    properties = fields.properties(priority=2, headers={"h": 1})
    delivery = commands.Basic.Deliver("c1", 1, True, "r1-x1", "a")
    assert line(Scribe("r1-"), delivery, properties, b"m") == (
        "basic.deliver consumer_tag=c1 delivery_tag=1 redelivered exchange=x1 routing_key=a "
        "headers={h: 1:I} priority=2 <m>"
    )


def test_the_time_of_a_death_and_the_order_of_its_fields_are_left_out() -> None:
    later = {**dict(reversed(DEATH.items())), "time": Typed("T", 1_800_000_000)}
    lines = [
        line(
            Scribe("r1-"),
            commands.Basic.Deliver("c1", 1, False, "", "a"),
            fields.properties(headers={**more, "x-death": [death]}),
        )
        for death, more in ((DEATH, {}), (later, {"x-last-death-queue": "r1-q1"}))
    ]
    assert lines[0] == lines[1]
    assert "x-death: [{count: 1:l, queue: q1, reason: rejected}]" in lines[0]


def test_counts_that_are_those_of_a_while_ago_are_left_out() -> None:
    declared = commands.Queue.DeclareOk("r1-q1", 3, 1)
    assert line(Scribe("r1-"), declared) == (
        "queue.declareok queue=q1 message_count=3 consumer_count=1"
    )
    assert line(Scribe("r1-", counts=False), declared) == "queue.declareok queue=q1"
    deleted = commands.Queue.PurgeOk(3)
    assert line(Scribe("r1-", counts=False), deleted) == "queue.purgeok message_count=3"


def test_the_type_of_a_queue_is_bare_in_texts() -> None:
    assert Scribe("r1-").cleaned('by <<"quorum">> queues') == "by quorum queues"


def test_an_end_without_a_word_says_how() -> None:
    assert Scribe("r1-").line(News(0, None, "connection lost")) == "connection lost"

"""Recognises each declared difference between two brokers.

Each function returns whether a difference is of one kind. It looks at the script, and at what both
brokers did at its last step. ``declared`` lists the kinds with their reasons.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from conformance.random.compare import Difference
from conformance.random.lane import SETTLEMENTS
from conformance.random.player import Seen
from conformance.random.script import Script, Step

_PARTIAL_COMMIT = "'PRECONDITION_FAILED - partial tx completion' class_id=90 method_id=20"
_RECOVERS = ("basic.recover", "basic.recoverasync")
_ROUTE_CHANGES = (
    "queue.bind",
    "queue.unbind",
    "queue.delete",
    "exchange.bind",
    "exchange.unbind",
    "exchange.delete",
)


class Situation(NamedTuple):
    """A difference, and the steps that led to it.

    Attributes:
        script: the steps up to the one at which it appears.
        difference: the difference.
        expected: the effects of that step on RabbitMQ.
        got: its effects on the other broker.
    """

    script: Script
    difference: Difference
    expected: Seen
    got: Seen

    @property
    def step(self) -> Step:
        return self.script[-1]


def goes_to_who_ends(situation: Situation) -> bool:
    """A connection ends, or a channel to which RabbitMQ still delivers."""
    ends = situation.step.method == "connection.close"
    for place, lines in situation.expected.items():
        closes = any(line.startswith("channel.close") for line in lines)
        delivers = any(line.startswith("basic.deliver") for line in lines)
        ends = ends or place[1:] == "0" or (closes and (delivers or _consumes_unacked(situation)))
    return ends and all(
        re.fullmatch(r"|basic\.deliver .*|\d+ ready, .*|gone|channel\.closeok", line)
        for line in situation.difference.first_lines()
    )


def _consumes_unacked(situation: Situation) -> bool:
    """The channel of the step has a consumer without acks, so no step settles its deliveries."""
    return any(
        step.method == "basic.consume"
        and step.channel == situation.step.channel
        and bool(step.given.get("no_ack"))
        for step in situation.script
    )


def expires_behind_others(situation: Situation) -> bool:
    """A message that expires at once is in a priority queue in front of others."""
    expected, got = situation.difference.first_lines()
    has_priorities = any(
        step.method == "queue.declare" and "x-max-priority" in step.given.get("arguments", {})
        for step in situation.script
    )
    expires = any(
        step.given.get("arguments", {}).get("x-message-ttl") == 0
        or any("expiration" in message.properties for message in step.messages)
        for step in situation.script
    )
    counts = [re.fullmatch(r"(\d+) ready, .*", line) for line in (expected, got)]
    more = counts[0] is not None and (
        counts[1] is None or int(counts[0].group(1)) > int(counts[1].group(1))
    )
    return has_priorities and expires and (more or _keeps_more(situation))


def _keeps_more(situation: Situation) -> bool:
    """A queue has more ready messages in RabbitMQ; in HareMQ they may have moved on."""
    return any(
        _ready_count(lines) > _ready_count(situation.got.get(place, ()))
        for place, lines in situation.expected.items()
    )


def _ready_count(lines: Sequence[str]) -> int:
    counts = [re.fullmatch(r"(\d+) ready, .*", line) for line in lines]
    return next((int(count.group(1)) for count in counts if count is not None), 0)


def is_at_limit_of_quorum(situation: Situation) -> bool:
    """A quorum queue that refuses publishes over its limit is at it, and RabbitMQ's has more."""
    arguments = [step.given.get("arguments", {}) for step in situation.script]
    limited = any(
        given.get("x-queue-type") == "quorum" and given.get("x-overflow") == "reject-publish"
        for given in arguments
    )
    expected, got = situation.difference.first_lines()
    more = [re.search(r"message_count=(\d+)", line) for line in (expected, got)]
    if more[0] is not None and more[1] is not None:
        return limited and int(more[0].group(1)) > int(more[1].group(1))
    return limited and (
        (expected.startswith("basic.deliver") and not got)
        or (expected.startswith("basic.getok") and got == "basic.getempty")
        or _refuses_more(situation.difference)
        or (expected == "tx.commitok" and got.endswith(_PARTIAL_COMMIT))
    )


def _refuses_more(difference: Difference) -> bool:
    """Both brokers answer the same publishes, but HareMQ refuses some that RabbitMQ confirms."""
    expected, got = set(difference.expected), set(difference.got)
    confirmed = {line.removeprefix("confirmed ") for line in expected - got}
    return confirmed == {line.removeprefix("refused ") for line in got - expected}


def is_without_acks_from_quorum(situation: Situation) -> bool:
    """A consumer without acks of a quorum queue came after its channel had a prefetch."""
    quorum = {
        step.given.get("queue")
        for step in situation.script
        if step.given.get("arguments", {}).get("x-queue-type") == "quorum"
    }
    windowed = set()
    has_one = False
    for step in situation.script:
        if step.method == "basic.qos" and not step.given.get("global_"):
            windowed.add(step.channel)
        elif step.method == "basic.consume" and step.given.get("no_ack"):
            has_one |= step.channel in windowed and step.given.get("queue") in quorum
    lines = situation.difference.first_lines()
    return has_one and all(not line or line.startswith("basic.deliver") for line in lines)


def returns_to_a_quorum_queue(situation: Situation) -> bool:
    """Messages requeued to a quorum queue are delivered again, in another order."""
    arguments = [step.given.get("arguments", {}) for step in situation.script]
    return any(given.get("x-queue-type") == "quorum" for given in arguments) and all(
        re.match(r"basic\.(deliver|getok) .*x-delivery-count: [1-9]", line)
        for line in situation.difference.first_lines()
    )


def counts_what_a_get_took(situation: Situation) -> bool:
    """A get that wants an ack comes before the channel's global prefetch, and RabbitMQ waits."""
    channels_of_gets, held_back = set(), set()
    for step in situation.script:
        if step.method == "basic.get" and not step.given.get("no_ack"):
            channels_of_gets.add(step.channel)
        elif step.method == "basic.qos" and step.given.get("global_"):
            held_back |= {step.channel} & channels_of_gets
    expected, got = situation.difference.first_lines()
    if held_back and situation.difference.place not in held_back and not got:
        # HareMQ delivered it to the channel that RabbitMQ holds back.
        return expected.startswith("basic.deliver")
    delivers = [line.startswith("basic.deliver") for line in (expected, got)]
    return bool(held_back) and delivers == [False, True]


def is_held_by_a_transaction(situation: Situation) -> bool:
    """A transaction held settlements when a global prefetch began; RabbitMQ does not count them."""
    transactional, holding = set(), set()
    is_uncounted = False
    for step in situation.script:
        if step.method == "tx.select":
            transactional.add(step.channel)
        elif step.method in ("tx.commit", "tx.rollback"):
            holding.discard(step.channel)
        elif step.method in SETTLEMENTS and step.channel in transactional:
            holding.add(step.channel)
        elif step.method == "basic.qos" and step.given.get("global_"):
            is_uncounted = is_uncounted or step.channel in holding
    expected, got = situation.difference.first_lines()
    return is_uncounted and expected.startswith("basic.deliver") and not got


def is_bound_before_the_commit(situation: Situation) -> bool:
    """A commit routes publishes that came before a change of the bindings."""
    channel = situation.step.channel
    if situation.step.method != "tx.commit":
        return False
    held = False
    fleeting: set[str] = set()
    for step in situation.script[:-1]:
        if step.method == "queue.declare" and step.given.get("auto_delete"):
            if held and step.given["queue"] in fleeting:
                return True
            fleeting.add(step.given["queue"])
        if step.channel == channel and step.method in ("tx.commit", "tx.rollback"):
            held = False
        elif step.channel == channel and step.method == "basic.publish":
            held = held or bool(step.given.get("exchange"))
        elif held and step.method in _ROUTE_CHANGES:
            return True
    return False


def is_settled_for_a_namesake(situation: Situation) -> bool:
    """Deliveries of a deleted queue are settled, and a new queue has its name."""
    deleted: set[str] = set()
    is_there_again = False
    for step in situation.script:
        queue = step.given.get("queue", "")
        if step.method == "queue.delete":
            deleted.add(queue)
        elif step.method == "queue.declare":
            is_there_again = is_there_again or queue in deleted
    lines = situation.difference.first_lines()
    settles = situation.step.method in (*SETTLEMENTS, *_RECOVERS)
    return (
        is_there_again and settles and _OF_A_NAMESAKE.match(lines[0]) is not None and not lines[1]
    )


_OF_A_NAMESAKE = re.compile(
    # The new queue delivers, or it has crashed: what its consumer, its client and a look at it see.
    r"basic\.deliver .* redelivered |basic\.cancel |connection\.close reply_code=541 |gone"
)


def first_death_is_told(situation: Situation) -> bool:
    """A message with a client's x-death dies, and only ``x-first-death-*`` differ."""
    has_history = any(
        "x-death" in message.properties.get("headers", {})
        for step in situation.script
        for message in step.messages
    )
    first = re.compile(r", x-first-death-\w+: [^,}]*")
    expected, got = situation.difference.first_lines()
    return has_history and first.sub("", expected) == first.sub("", got)


def deaths_in_another_order(situation: Situation) -> bool:
    """Both have the same deaths; only their order or ``x-first-death-*`` differ."""
    expected, got = situation.difference.first_lines()
    if not got and "reason: rejected" in expected:
        # Only deaths since the last rejection make a cycle, and that depends on the order.
        return expected.startswith("basic.deliver") and expected.count(_DEATH) > 2
    told = [re.sub(r", x-first-death-\w+: [^,}]*", "", line) for line in (expected, got)]
    return told[0].count(_DEATH) > 2 and _deaths_sorted(told[0]) == _deaths_sorted(told[1])


_DEATH = "{count: "


def _deaths_sorted(line: str) -> tuple[str, Sequence[str], str]:
    """Return the part of a line before its x-death, the sorted entries, and the part behind it."""
    before, mark, rest = line.partition("x-death: [{")
    entries, _, after = rest.partition("}]")
    return before + mark, sorted(entries.split("}, {")), after


def returns_by_consumer(situation: Situation) -> bool:
    """One channel requeues messages of several of its consumers, with a full shared window."""
    step, channel = situation.step, situation.step.channel
    requeues = step.method in _RECOVERS or (
        step.method == "basic.nack" and step.given.get("multiple") and step.given.get("requeue")
    )
    consumers = [s for s in situation.script if s.method == "basic.consume"]
    of_queue = Counter(s.given.get("queue") for s in consumers if s.channel == channel)
    has_window = any(
        s.method == "basic.qos" and s.given.get("global_") and s.channel == channel
        for s in situation.script
    )
    return (
        bool(requeues and has_window)
        and max(of_queue.values(), default=0) > 1
        and all(
            re.match(r"basic\.deliver .* redelivered ", line)
            for line in situation.difference.first_lines()
        )
    )


def is_active_by_priority(situation: Situation) -> bool:
    """A quorum queue with a single active consumer has consumers of several priorities."""
    arguments = [step.given.get("arguments", {}) for step in situation.script]
    rules = any(
        given.get("x-queue-type") == "quorum" and given.get("x-single-active-consumer") is True
        for given in arguments
    )
    return (
        rules
        and any("x-priority" in given for given in arguments)
        and all(
            not line or line.startswith("basic.deliver")
            for line in situation.difference.first_lines()
        )
    )


def parts_between_queues(situation: Situation) -> bool:
    """A channel got the same from each queue, but in another order between queues."""
    difference = situation.difference
    queues = _queues_of_consumers(situation.script, difference.place)
    sides = [
        [_untagged(line, queues) for line in side] for side in (difference.expected, difference.got)
    ]
    if None in [queue for side in sides for queue, _ in side]:
        return False
    by_queue = [sorted(side, key=lambda row: row[0] or "") for side in sides]
    return by_queue[0] == by_queue[1]


def _queues_of_consumers(script: Script, channel: str) -> dict[str, str]:
    """Return the queue of each consumer that a script starts on a channel, by its tag.

    Tags that brokers make up are numbered as they come. One is missing if its consume was refused
    or wanted no answer; the numbers then differ from those of the lines.
    """
    queues: dict[str, str] = {}
    made_up_count = 0
    for step in script:
        if step.method != "basic.consume":
            continue
        tag = step.given.get("consumer_tag")
        if tag is None:
            made_up_count += 1
            tag = f"ctag{made_up_count}"
        if step.channel == channel and "queue" in step.given:
            queues[tag] = step.given["queue"]
    return queues


def _untagged(line: str, queues: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the queue of a delivery and the line without its tag.

    A line that is no delivery gets an empty name; None is a consumer that is not known.
    """
    found = re.fullmatch(r"basic\.deliver consumer_tag=(\S+) delivery_tag=\d+ (.*)", line)
    if found is None:
        return "", line
    return queues.get(found.group(1)), f"{found.group(1)} {found.group(2)}"

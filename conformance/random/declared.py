"""Differences that are known and meant: each with its reason, and as narrow as it can be said.

What the checks declare already, and a script would only meet again, the generator does not make.
These stand in ``docs/DEVIATIONS.md`` too.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from conformance.random.compare import Difference
from conformance.random.player import Seen
from conformance.random.script import Script, Step


class Situation(NamedTuple):
    """A difference, and how the script came to it.

    Attributes:
        script: the steps up to the one where it shows.
        difference: the difference.
        expected: what RabbitMQ's step brought.
        got: what the other's brought.
    """

    script: Script
    difference: Difference
    expected: Seen
    got: Seen

    @property
    def step(self) -> Step:
        return self.script[-1]


class Declared(NamedTuple):
    """One difference that is meant.

    Attributes:
        name: what it is called in the summary.
        haremq: what HareMQ does.
        rabbitmq: what RabbitMQ does.
        why: the reason.
        is_it: whether a difference is this one.
    """

    name: str
    haremq: str
    rabbitmq: str
    why: str
    is_it: Callable[[Situation], bool]


def _ends_connection(situation: Situation) -> bool:
    closed = situation.step.method == "connection.close" or any(
        place[1:] == "0" for place in situation.expected
    )
    about_messages = all(
        not line or line.startswith("basic.deliver") or re.fullmatch(r"\d+ ready, .*|gone", line)
        for line in situation.difference.first_lines()
    )
    return closed and about_messages


def _expires_behind_others(situation: Situation) -> bool:
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
    return has_priorities and expires and more


DECLARED: Sequence[Declared] = (
    Declared(
        "end-of-connection",
        "All channels of a connection end at once: nothing is handed to one of them any more.",
        "Channels end one after another, and what one gives back may go to another that is about "
        "to end; a consumer without acks loses it.",
        "a message is not given to who has gone",
        _ends_connection,
    ),
    Declared(
        "expiry-before-other-priorities",
        "A message that expires in front of others of a priority queue goes at once.",
        "It stays, and may be delivered, until the queue next looks: a publish looks only where "
        "the queue was empty.",
        "what has expired is not delivered",
        _expires_behind_others,
    ),
)


def declared(situation: Situation, known: Sequence[Declared] = DECLARED) -> Declared | None:
    """Return the declared difference that this is, or None."""
    return next((row for row in known if row.is_it(situation)), None)

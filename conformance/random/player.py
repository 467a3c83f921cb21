"""Plays a script on one broker in lock-step: a step, then silence, then the next.

After each step all queues and all channels are asked until nothing new comes. All effects of a step
have then ended before the next step begins, also in a broker whose queues are processes.
"""

import itertools
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pamqp import base, commands

from conformance import fields
from conformance.address import Address
from conformance.fields import Typed
from conformance.random.lane import SETTLEMENTS, Lane
from conformance.random.link import Link, News
from conformance.random.normal import Scribe
from conformance.random.script import KINDS, NAME_MARK, Message, Script, Step
from conformance.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    content_header,
    encode_method,
    frame_bytes,
)

Seen = dict[str, tuple[str, ...]]
"""The effects of one step: lines by channel (``A1``), connection (``A0``) or changed queue."""

FIRST_OBSERVER = 100
OBSERVER = "*"
QUIET_ROUNDS = 2
ROUNDS_MAX = 200
EXPIRY_PAUSE_S = 0.002
"""A pause between rounds if something in the script expires at once, because a timer does that."""

LOG_PAUSE_S = 0.01
"""A pause between rounds if there is a quorum queue or a stream, because RabbitMQ writes its log
first."""

_LOGGED = ("quorum", "stream")


def play(
    script: Script,
    *addresses: Address,
    quiet_rounds: int = QUIET_ROUNDS,
    pause_min_s: float = 0.0,
) -> list[Seen]:
    """Play a script on a broker, and delete what it left.

    Args:
        script: its steps; each run puts its own prefix before their names.
        addresses: the broker; of several nodes each connection is to another one.
        quiet_rounds: rounds of questions that must bring nothing before the next step.
        pause_min_s: between two rounds, at least.

    Returns:
        The effects of each step.
    """
    pause_s = max(pause_min_s, _pause_s(script))
    player = Player(addresses, quiet_rounds, pause_s, counts=not _has_log(script))
    seen: list[Seen] = []
    try:
        seen += [player.take(step) for step in script]
    finally:
        ends = player.clear()
    return [*seen[:-1], {**seen[-1], **ends}] if seen else []


def _pause_s(script: Script) -> float:
    if _has_log(script):
        return LOG_PAUSE_S
    return EXPIRY_PAUSE_S if _expires(script) else 0.0


def _has_log(script: Script) -> bool:
    """Return whether there may be a queue of a type whose counts are not up to date."""
    arguments = [step.given.get("arguments", {}) for step in script]
    return any(given.get("x-queue-type") in _LOGGED for given in arguments)


def _expires(script: Script) -> bool:
    """Return whether something may expire at once."""
    return any(
        step.given.get("arguments", {}).get("x-message-ttl") == 0
        or any("expiration" in message.properties for message in step.messages)
        for step in script
    )


class Player:
    """The client of one run: its connections by letter, and their open channels."""

    def __init__(
        self, addresses: Sequence[Address], quiet_rounds: int, pause_s: float, *, counts: bool
    ) -> None:
        self._addresses = addresses
        self._quiet_rounds = quiet_rounds
        self._pause_s = pause_s
        self._prefix = f"r{secrets.token_hex(4)}-"
        self._has_counts = counts
        self._scribe = Scribe(self._prefix, counts=counts)
        self._links: dict[str, Link] = {OBSERVER: Link(addresses[0], FIRST_OBSERVER)}
        self._lanes: dict[str, Lane] = {}
        self._names: dict[str, str] = {}
        self._exchanges: set[str] = set()
        self._counts: dict[str, tuple[int, int]] = {}
        self._lines: dict[str, list[str]] = {}

    def take(self, step: Step) -> Seen:
        """Take a step, and wait until all is quiet; return its effects."""
        self._lines = {}
        if step.method == "connection.close":
            if step.connection in self._links:
                news = self._links[step.connection].shut()
                if news is not None:
                    self._note(step, step.connection, news)
        else:
            self._say(step)
        self._settle(step)
        return {place: tuple(lines) for place, lines in self._lines.items()}

    def _say(self, step: Step) -> None:
        link = self._link(step.connection)
        lane = self._lane(link, step)
        given = dict(self._own(step.given))
        if step.method in SETTLEMENTS:
            tag = lane.tag_of(given["delivery_tag"])
            if tag is None:
                return
            given["delivery_tag"] = tag
        kind = KINDS[step.method]
        if step.method == "basic.publish":
            for message in step.messages:
                link.say_raw(self._publish(step, kind, given, message))
        else:
            link.say(step.number, kind, **given)
        lane.sent(step, given)
        link.send()
        self._await_answer(link, lane, step, kind)
        if given.get("nowait"):
            # The queue must exist before another connection asks about it.
            self._round(step, {step.connection: link})
        self._watch(step, given)

    def _link(self, letter: str) -> Link:
        link = self._links.get(letter)
        if link is None or not link.is_open:
            address = self._addresses[(ord(letter) - ord("A")) % len(self._addresses)]
            link = self._links[letter] = Link(address, FIRST_OBSERVER)
        return link

    def _lane(self, link: Link, step: Step) -> Lane:
        if step.number not in link.channels:
            link.open_channel(step.number)
            self._lanes[step.channel] = Lane()
        return self._lanes[step.channel]

    def _own(self, value: Any) -> Any:  # noqa: ANN401 - the shape is the value's
        """Put the run's prefix before all names of the script in a value."""
        if isinstance(value, str):
            return value.replace(NAME_MARK, self._prefix)
        if isinstance(value, Typed):
            return Typed(value.tag, self._own(value.value))
        if isinstance(value, Mapping):
            return {key: self._own(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._own(item) for item in value]
        return value

    def _publish(
        self, step: Step, kind: type[base.Frame], given: Mapping[str, Any], message: Message
    ) -> bytes:
        body = message.body.encode()
        header = content_header(len(body), fields.properties(**self._own(message.properties)))
        raw = frame_bytes(FRAME_METHOD, step.number, encode_method(kind, **given))
        raw += frame_bytes(FRAME_HEADER, step.number, header)
        return raw + (frame_bytes(FRAME_BODY, step.number, body) if body else b"")

    def _watch(self, step: Step, given: Mapping[str, Any]) -> None:
        """Observe a queue that a step may declare, on the connection that may do so."""
        if step.method == "exchange.declare":
            self._exchanges.add(given["exchange"])
        if step.method != "queue.declare" or not given.get("queue"):
            return
        name = given["queue"]
        self._names[name] = self._scribe.cleaned(name)
        self._observe(name, step.connection if given.get("exclusive") else OBSERVER)

    def _observe(self, name: str, letter: str) -> None:
        if any(name in link.observed() for link in self._links.values()):
            return
        self._links[letter].observe(name)

    def _await_answer(self, link: Link, lane: Lane, step: Step, kind: type[base.Frame]) -> None:
        """Read until a step is answered and all its publishes are confirmed."""
        answers = (
            ()
            if step.given.get("nowait")
            else tuple(KINDS[name.lower()] for name in kind.valid_responses)
        )
        answered = not answers
        while link.is_open and step.number in link.channels:
            if answered and not lane.unconfirmed:
                return
            news = link.read()
            if news is None:
                continue
            self._note(step, step.connection, news)
            method = news.event.method if news.event is not None else None
            if news.number == step.number and isinstance(method, answers):
                answered = True
                self._answered(step, method)

    def _answered(self, step: Step, method: base.Frame | None) -> None:
        if isinstance(method, commands.Queue.DeclareOk) and not step.given.get("queue"):
            name = method.queue or ""
            self._names[name] = self._scribe.cleaned(name)
            self._observe(name, step.connection if step.given.get("exclusive") else OBSERVER)
        elif isinstance(method, commands.Channel.CloseOk):
            self._links[step.connection].channels.discard(step.number)

    def _settle(self, step: Step) -> None:
        """Ask all queues and channels until nothing has come for some rounds."""
        quiet = 0
        for _ in range(ROUNDS_MAX):
            before = self._observed_counts()
            heard = self._round(step, self._links)
            quiet = 0 if heard or self._observed_counts() != before else quiet + 1
            if quiet >= self._quiet_rounds:
                break
            time.sleep(self._pause_s)
        self._note_counts()

    def _round(self, step: Step, links: Mapping[str, Link]) -> int:
        """Ask all queues and channels of some connections; return the number of other events."""
        for link in links.values():
            link.ask()
        heard = 0
        for letter, link in links.items():
            for news in link.hear():
                self._note(step, letter, news)
                heard += 1
        return heard

    def _observed_counts(self) -> dict[str, tuple[int, int]]:
        return dict(
            itertools.chain.from_iterable(link.counts.items() for link in self._links.values())
        )

    def _note_counts(self) -> None:
        counts = self._observed_counts()
        for name in sorted({*counts, *self._counts}):
            now = counts.get(name)
            before = self._counts.get(name)
            if now is None:
                self._lines[self._names[name]] = ["gone"]
            elif now != before and self._has_counts:
                self._lines[self._names[name]] = [f"{now[0]} ready, {now[1]} consumers"]
        self._counts = counts

    def _note(self, step: Step, letter: str, news: News) -> None:
        place = f"{letter}{news.number}"
        lane = self._lanes.get(place)
        lines = None
        if lane is not None and news.event is not None:
            lines = lane.came(news.event, step)
        self._lines.setdefault(place, []).extend(lines or [self._scribe.line(news)])

    def clear(self) -> Seen:
        """Close the script's connections; delete its queues and exchanges.

        Returns:
            What came on connections that did not end as they should.
        """
        observer = self._links.pop(OBSERVER)
        ends = {letter: link.shut() for letter, link in self._links.items()}
        if observer.is_open:
            observer.open_channel(1)
            for queue in self._names:
                observer.say(1, commands.Queue.Delete, queue=queue, nowait=True)
            for exchange in self._exchanges:
                if exchange.startswith(self._prefix):
                    observer.say(1, commands.Exchange.Delete, exchange=exchange, nowait=True)
        ends[OBSERVER] = observer.shut()
        return {
            f"{letter}0": (self._scribe.line(news),)
            for letter, news in ends.items()
            if news is not None
        }

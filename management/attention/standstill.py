"""Why the messages of a queue move, or do not: a verdict, its reasons, and what each consumer does.

moves    messages leave it
empty    nothing waits
waits    messages wait, and it is known for what
kept     a stream: what it delivers stays
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from amqp_server.broker.views import ConnectionView, ConsumerView, QueueView

Verdict: TypeAlias = Literal["moves", "empty", "waits", "kept"]

CONSUMERS_MAX: Final = 100
"""Consumers that are told; all are counted."""


class Served(NamedTuple):
    """A consumer and its connection."""

    consumer: ConsumerView
    connection: ConnectionView


class Reason(NamedTuple):
    """A reason, with a word for programs; ``stops`` says whether messages wait for it."""

    rule: str
    text: str
    stops: bool


class Standstill(NamedTuple):
    """What is known of a queue.

    Attributes:
        queue: its view.
        served: its consumers.
        alarm: the resources that run low; empty is none.
        leaving_rate: messages that left it, in 1/s; None is not known.
    """

    queue: QueueView
    served: Sequence[Served]
    alarm: str
    leaving_rate: float | None


def explanation_body(found: Standstill) -> dict[str, Any]:
    """Return the explanation as a JSON object."""
    reasons = list(reasons_of(found))
    verdict = verdict_of(found)
    told = found.served[:CONSUMERS_MAX]
    first = next((reason.text for reason in reasons if reason.stops), None)
    return {
        "name": found.queue.name,
        "vhost": found.queue.vhost,
        "verdict": verdict,
        "text": first if verdict == "waits" and first is not None else _WORDS[verdict],
        "reasons": [reason._asdict() for reason in reasons],
        "messages_ready": found.queue.counts.ready_count,
        "messages_unacknowledged": found.queue.counts.unacked_count,
        "consumers": [_consumer_body(served, found.queue) for served in told],
        "consumers_count": len(found.served),
    }


_WORDS: Final = {
    "moves": "messages leave it",
    "empty": "nothing waits in it",
    "waits": "messages wait for a consumer to take them",
    "kept": "a stream keeps what it delivers",
}


def verdict_of(found: Standstill) -> Verdict:
    """Return what a queue does."""
    if found.queue.kind == "stream":
        return "kept"
    if found.leaving_rate:
        return "moves"
    return "waits" if found.queue.counts.ready_count else "empty"


def reasons_of(found: Standstill) -> Iterator[Reason]:
    """Yield all that holds of a queue, what stops it first."""
    is_stream = found.queue.kind == "stream"
    waits = found.queue.counts.ready_count > 0 and not is_stream
    yield from _of_consumers(found, waits=waits)
    yield from _of_messages(found.queue)
    yield from _of_what_comes(found)


def _of_consumers(found: Standstill, *, waits: bool) -> Iterator[Reason]:
    queue, served = found.queue, found.served
    if queue.is_paused:
        yield Reason("paused", "it is paused: its consumers get nothing until it is resumed", waits)
    if not served:
        yield Reason("no_consumer", "it has no consumer", waits)
        return
    active = [one for one in served if one.consumer.is_active]
    single = queue.single_active_tag
    if single is not None and len(served) > 1:
        text = f"only consumer '{single}' gets messages; {len(served) - 1:,} more wait for its end"
        yield Reason("single_active", text, stops=False)
    holders = [why for why in (_why_not(one) for one in active) if why is not None]
    if active and len(holders) == len(active):
        # The first is the commonest of the reasons, where they differ.
        rules = [rule for rule, _ in holders]
        rule = max(rules, key=rules.count)
        text = next(text for each, text in holders if each == rule)
        who = "its consumer" if len(active) == 1 else f"each of its {len(active):,} consumers"
        yield Reason(rule, f"{who} {text}", waits)
    elif not active:
        yield Reason("none_active", "none of its consumers is active", waits)
    elif waits and not queue.may_deliver and not queue.is_paused:
        yield Reason("no_credit", "its consumers share a prefetch that is used up", stops=True)


def _why_not(served: Served) -> tuple[str, str] | None:
    """Return why a consumer gets nothing now: a word, and a text that follows its name."""
    consumer, connection = served
    if not consumer.no_ack and consumer.prefetch and consumer.unacked >= consumer.prefetch:
        text = f"holds as many deliveries unacked as its prefetch allows ({consumer.prefetch:,})"
        return "prefetch_full", text
    if connection.state == "flow":
        return "does_not_read", "has a connection that is in flow"
    return None


def _of_messages(queue: QueueView) -> Iterator[Reason]:
    counts = queue.counts
    if counts.dying_count:
        text = f"{counts.dying_count:,} messages have died and wait for their dead letter exchange"
        yield Reason("dying", text, stops=False)
    if counts.unacked_count:
        text = f"{counts.unacked_count:,} deliveries are not acked"
        yield Reason("unacked", text, stops=False)
    most = _limit(queue, "max-length")
    if most is not None and counts.ready_count >= most:
        effect = _overflow(queue)
        yield Reason("full", f"it holds max-length ({most:,}) and {effect}", stops=False)
    ttl_ms = _limit(queue, "message-ttl")
    if ttl_ms is not None:
        yield Reason("message_ttl", f"its messages expire after {ttl_ms:,} ms", stops=False)
    expires_ms = _limit(queue, "expires")
    if expires_ms is not None and not counts.consumer_count:
        text = f"it is deleted when it is unused for {expires_ms:,} ms"
        yield Reason("expires", text, stops=False)


def _of_what_comes(found: Standstill) -> Iterator[Reason]:
    if found.alarm:
        text = f"publishers are blocked: the node is {found.alarm}"
        yield Reason("alarm", text, stops=False)
    if found.queue.exclusive:
        yield Reason("exclusive", "only the connection that owns it may use it", stops=False)


def _limit(queue: QueueView, key: str) -> int | None:
    """Return the limit that holds: the lower one of argument and policy."""
    given = (queue.arguments.get(f"x-{key}"), queue.effective_policy.get(key))
    numbers = [one for one in given if isinstance(one, int) and not isinstance(one, bool)]
    return min(numbers, default=None)


def _overflow(queue: QueueView) -> str:
    how = queue.arguments.get("x-overflow") or queue.effective_policy.get("overflow")
    if isinstance(how, str) and how.startswith("reject-publish"):
        return "refuses new messages"
    return "drops its oldest messages for new ones"


def _consumer_body(served: Served, queue: QueueView) -> dict[str, Any]:
    consumer, connection = served
    why = _why_not(served)
    if why is not None:
        text = why[1]
    elif queue.is_paused:
        text = "gets nothing: the queue is paused"
    elif not consumer.is_active:
        text = "waits until it is the active one"
    else:
        text = "can take messages"
    body: dict[str, Any] = {
        "consumer_tag": consumer.consumer_tag,
        "connection": connection.name,
        "channel": consumer.channel_number,
        "active": consumer.is_active,
        "prefetch_count": consumer.prefetch,
        "messages_unacknowledged": consumer.unacked,
        "text": text,
    }
    if queue.kind == "stream":
        body["lag"] = consumer.lag
    return body

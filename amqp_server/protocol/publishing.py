"""The rules of basic.publish on one channel, run by run.

Exchange, key, flags and permission are the same for a whole run. They are decided once for its
method payload and remembered. Some properties need a check: expiration, user-id, reply-to, CC and
BCC. They are checked once for each distinct content header, if the scanner saw such a property.

Source: RabbitMQ, rabbit_channel, basic.publish: order of the checks, texts and codes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.errors import (
    BrokerError,
    InvalidMessageError,
    NotSupportedError,
)
from amqp_server.broker.messages.checked import Checked, checked
from amqp_server.broker.publish_target import Targets
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.session import Session
from amqp_server.wire.errors import WireError
from amqp_server.wire.events import PublishBurst
from amqp_server.wire.methods import decode_shortstr
from exchanges.counters import ExchangeCounters, PublishedCount
from exchanges.routing import Exchange
from persistence.record import (
    NEEDS_LOOK,
    Record,
    Run,
    header_stretches,
)

PLANS_MAX: Final = 1024
"""Method payloads remembered for each channel; a client with more of them is slower.

All channels of the node together have a limit too: ``broker.plan_memory``.
"""

_MANDATORY: Final = 1
_IMMEDIATE: Final = 2
_ROUTE_AT: Final = 6


def route_in(method: bytes) -> bytes:
    """Return the route in the payload of a basic.publish, in the form that records have."""
    return method[_ROUTE_AT:-1]


class Plan:
    """The request in one method payload, and the generations under which it was allowed.

    Attributes:
        found: the exchange that it was allowed for; None is the default one.
        targets: where all such messages go, as of ``router_generation``; None while that is not
            known, or if their headers decide.
        counters: of the exchange.
        published: counts the usual publishes, for the channel and the exchange.
    """

    __slots__ = (
        "counters",
        "exchange",
        "found",
        "mandatory",
        "published",
        "router_generation",
        "routing_key",
        "targets",
        "users_generation",
    )

    def __init__(
        self,
        grant: "Grant",
        routing_key: str,
        router_generation: int,
        mandatory: bool,  # noqa: FBT001 - by name it would cost each new routing key a dict
    ) -> None:
        self.exchange = grant.exchange
        self.routing_key = routing_key
        self.found = grant.found
        self.mandatory = mandatory
        self.router_generation = router_generation
        self.users_generation = grant.users_generation
        self.targets: Targets | None = None
        self.counters = grant.counters
        self.published = grant.published


@dataclass(frozen=True, slots=True)
class Grant:
    """The user's permission to publish to an exchange, and the generation of users it is from.

    Attributes:
        exchange: its name.
        found: that exchange; a later one of the same name needs a new check. None is the default.
        restricts_keys: each routing key must be checked, too.
        counters, published: as of a plan.
    """

    exchange: str
    found: Exchange | None
    restricts_keys: bool
    users_generation: int
    counters: ExchangeCounters
    published: PublishedCount


class Letter(NamedTuple):
    """Messages to publish together, later.

    Attributes:
        records: they share exchange and routing key.
        routing_keys: None is the records' own key; else all keys of the only record (CC, BCC).
    """

    plan: Plan
    records: Run
    routing_keys: tuple[str, ...] | None = None


class PublishChecks:
    """Decides which publishes of one channel are allowed, and remembers it.

    Attributes:
        reply_name: the name for direct replies to this channel; None without such a consumer.
        frame_may_hold_too_much: whether the body of a single frame may be over the limit.
    """

    def __init__(self, session: Session, counters: ChannelCounters) -> None:
        self._session = session
        self._counters = counters
        self._router = session.open_vhost.router
        self._users = session.broker.users
        self.reply_name: str | None = None
        self._memory = session.broker.plans
        self._plans_reserved = 0
        self._plans: dict[bytes, Plan] = {}
        self._grants: dict[bytes, Grant] = {}
        self.frame_may_hold_too_much = (
            session.settings.max_message_size_bytes < session.frame_max_bytes
        )

    def plans_of(self, burst: PublishBurst) -> list[Plan] | None:
        """Return the request of each method of a burst.

        Returns None if messages need a check, or a method is refused. They are then published in
        order, so that the error comes at the right message.
        """
        if burst.flags & NEEDS_LOOK or self.frame_may_hold_too_much:
            return None
        try:
            return [self.plan_of(method) for method in burst.methods]
        except (BrokerError, WireError):
            return None

    def plan_of(self, method: bytes) -> Plan:
        """Return the request of a method payload.

        Raises:
            NotSupportedError: ``immediate`` (540).
            AccessRefusedError: no right to write, or an internal exchange (403).
            NotFoundError: no such exchange (404).
            FrameError: a name that is not UTF-8 (501).
        """
        plan = self._plans.get(method)
        if (
            plan is None
            or plan.router_generation != self._router.generation
            or plan.users_generation != self._users.generation
        ):
            if (
                plan is None
                or plan.users_generation != self._users.generation
                or self._router.exchanges.get(plan.exchange) is not plan.found
            ):
                return self._new_plan(method)
            # The targets are looked up again, because only the router knows if they changed.
            plan.targets = None
            plan.router_generation = self._router.generation
        return plan

    def exchange_of(self, method: bytes) -> str:
        """Return the exchange that a method payload names, whether or not there is one."""
        key_at = _ROUTE_AT + 1 + method[_ROUTE_AT]
        return decode_shortstr(method[_ROUTE_AT + 1 : key_at])

    def letters(self, plan: Plan, records: Run) -> Iterator[Letter]:
        """Yield letters of a run in which some messages have a property that needs a check.

        Raises:
            InvalidMessageError, PreconditionFailedError, ReplyConsumerError: a property that
                RabbitMQ refuses (406); the messages before it were returned.
        """
        sent = 0
        for start, stop in header_stretches(records):
            if not records[start].flags & NEEDS_LOOK:
                continue
            try:
                look = self._look(plan, records[start])
            except Exception:
                yield from _part(plan, records, sent, start)
                raise
            if look is None:
                continue
            yield from _part(plan, records, sent, start)
            yield from _changed(plan, records[start:stop], look)
            sent = stop
        yield from _part(plan, records, sent, len(records))

    def first_too_large(self, records: Run) -> int | None:
        """Return the index of the first body over the configured limit; None if there is none."""
        limit = self._session.settings.max_message_size_bytes
        for index, record in enumerate(records):
            if len(record.body) > limit:
                return index
        return None

    def check_size(self, size_bytes: int) -> None:
        """Refuse a body over the configured limit.

        Raises:
            InvalidMessageError: it is (406).
        """
        limit = self._session.settings.max_message_size_bytes
        if size_bytes > limit:
            text = f"message size {size_bytes} is larger than configured max size {limit}"
            raise InvalidMessageError(text)

    def _new_plan(self, method: bytes) -> Plan:
        """Decide on a method payload, and remember it."""
        if method[-1] & _IMMEDIATE:
            raise NotSupportedError("immediate=true")
        key_at = _ROUTE_AT + 1 + method[_ROUTE_AT]
        routing_key = decode_shortstr(method[key_at + 1 : -1])
        plans = self._plans
        if len(plans) >= PLANS_MAX:
            self._forget_counted()
        octets = method[_ROUTE_AT:key_at]
        grant = self._grants.get(octets)
        if (
            grant is None
            or grant.users_generation != self._users.generation
            or self._router.exchanges.get(grant.exchange) is not grant.found
        ):
            grant = self._make_grant(octets)
        if grant.restricts_keys:
            self._session.require_topic(Permission.WRITE, grant.exchange, routing_key)
        is_mandatory = method[-1] & _MANDATORY != 0
        plan = Plan(grant, routing_key, self._router.generation, is_mandatory)
        plans[method] = plan
        if len(plans) > self._plans_reserved:
            self._reserve()
            # All may be forgotten.
            plan.published = self._counters.count_for(grant.counters, grant.exchange)
        return plan

    def _reserve(self) -> None:
        """Count room for twice as many plans in the node, which may make this channel forget."""
        self._plans_reserved = min(max(2 * self._plans_reserved, 1), PLANS_MAX)
        self._memory.note(self, self._plans_reserved)

    def forget_plans(self) -> None:
        """Forget all plans, so that each publish is checked again."""
        self._forget_counted()
        self._plans_reserved = 0

    def _forget_counted(self) -> None:
        """Forget plans and grants with their counts, which are kept as sums."""
        self._plans.clear()
        self._grants.clear()
        self._counters.keep_published()

    def end(self) -> None:
        """Remember nothing any more, because the channel is over."""
        self._memory.forget(self)
        self._forget_counted()

    def _make_grant(self, octets: bytes) -> Grant:
        """Decide the permission for an exchange (a shortstr), for any routing key."""
        session, users_generation = self._session, self._users.generation
        exchange = decode_shortstr(octets[1:])
        session.require(Permission.WRITE, "exchange", exchange)
        found = session.open_vhost.exchanges.check_may_publish(exchange)
        restricts_keys = (
            found is not None
            and found.type == "topic"
            and self._users.restricts_topics(session.username, session.vhost_name)
        )
        if len(self._grants) >= PLANS_MAX:
            self._grants.clear()
        counters = self._router.counters_of(exchange)
        published = self._counters.count_for(counters, exchange)
        grant = Grant(exchange, found, restricts_keys, users_generation, counters, published)
        self._grants[octets] = grant
        return grant

    def _look(self, plan: Plan, record: Record) -> Checked | None:
        """Check a header's properties; None when the message goes as it is."""
        session = self._session
        found = checked(record, session.open_user, self.reply_name, session.settings.headers_cc_max)
        for key in found.copies:
            session.require_topic(Permission.WRITE, plan.exchange, key)
        return found if found.is_changed or found.copies else None


def _part(plan: Plan, records: Run, start: int, stop: int) -> Iterator[Letter]:
    if start < stop:
        yield Letter(plan, records if stop - start == len(records) else records[start:stop])


def _changed(plan: Plan, records: Run, look: Checked) -> Iterator[Letter]:
    changed = [record._replace(header=look.header, ttl_ms=look.ttl_ms) for record in records]
    if not look.copies:
        yield Letter(plan, changed)
        return
    keys = (plan.routing_key, *look.copies)
    for record in changed:
        yield Letter(plan, (record,), keys)

"""A queue as one would explain it: one list, one message at a time. Slow, and easy to believe."""

from dataclasses import dataclass, field

from persistence.record import NO_TTL, Record
from queues.batch import QueuedMessage
from queues.effects import DeathReason
from queues.options import Overflow, QueueOptions


@dataclass
class Waiting:
    position: int
    record: Record
    expires_at_ms: int
    delivery_count: int = 0


@dataclass
class ModelConsumer:
    """Mirrors a ``FakeConsumer``; a window is a list of one number, so that it can be shared."""

    name: str
    priority: int
    no_ack: bool
    window: list[int]
    shared_prefetch: list[int]
    received: list[tuple[bytes, int]] = field(default_factory=list)

    @property
    def has_own_room(self) -> bool:
        return self.window[0] > 0

    @property
    def is_able(self) -> bool:
        return self.has_own_room and self.shared_prefetch[0] > 0


class QueueModel:
    def __init__(self, options: QueueOptions, now_ms: int, *, hands_over: bool) -> None:
        self.options = options
        self.hands_over = hands_over
        self.ready: list[Waiting] = []
        self.unacked: dict[int, Waiting] = {}
        self.consumers: list[ModelConsumer] = []
        self.ring: list[ModelConsumer] = []  # who may have credit, in turn
        self.blocked: list[ModelConsumer] = []  # who was asked and had none
        self.sole_is_refused = False  # who is alone had none when it was last asked
        self.active: ModelConsumer | None = None
        self.deaths: list[tuple[DeathReason, bytes]] = []
        self.used_at_ms = now_ms
        self._next_position = 0

    # -- the order, the limits, the head ----------------------------------------------------

    def sort(self) -> None:
        top = self.options.max_priority or 0
        self.ready.sort(key=lambda one: (-min(one.record.priority, top), one.position))

    def is_over(self, more_count: int = 0, more_bytes: int = 0) -> bool:
        total_bytes = sum(len(one.record.body) for one in self.ready) + more_bytes
        length, length_bytes = self.options.max_length, self.options.max_length_bytes
        return (length is not None and len(self.ready) + more_count > length) or (
            length_bytes is not None and total_bytes > length_bytes
        )

    def head_has_expired(self, now_ms: int) -> bool:
        return bool(self.ready) and 0 < self.ready[0].expires_at_ms <= now_ms

    def die(self, one: Waiting, reason: DeathReason) -> None:
        if self.options.dead_letter_exchange is not None:
            self.deaths.append((reason, one.record.body))

    def drop_expired(self, now_ms: int, most: int = 1 << 30) -> int:
        dropped = 0
        while dropped < most and self.head_has_expired(now_ms):
            self.die(self.ready.pop(0), DeathReason.EXPIRED)
            dropped += 1
        return dropped

    def drop_excess(self) -> None:
        while self.options.overflow is Overflow.DROP_HEAD and self.is_over() and self.ready:
            self.die(self.ready.pop(0), DeathReason.MAXLEN)

    def restart(self, now_ms: int) -> None:
        """All that was unacked is ready again; nobody consumes."""
        self.ready += self.unacked.values()
        self.unacked.clear()
        self.sort()
        for consumers in (self.consumers, self.ring, self.blocked):
            consumers.clear()
        self.active = None
        self.sole_is_refused = False
        self.used_at_ms = now_ms
        self.drop_expired(now_ms)
        self.drop_excess()

    # -- who is next ------------------------------------------------------------------------

    def next_consumer(self) -> ModelConsumer | None:
        """Ask in turn, as RabbitMQ does, when a message is there; who has no credit is blocked."""
        if self.options.single_active_consumer or len(self.consumers) == 1:
            alone = self.active if self.options.single_active_consumer else self.consumers[0]
            able = alone is not None and alone.is_able and not self.steps_down()
            self.sole_is_refused = not able
            return alone if able else None
        while self.ring:
            one = max(self.ring, key=lambda one: one.priority)  # the first of them
            if one.is_able:
                return one
            self.ring.remove(one)
            self.blocked.append(one)
        return None

    def credit_came(self) -> None:
        """Let those that were blocked and are able now join the others, as the last."""
        able = [one for one in self.blocked if one.is_able]
        self.blocked = [one for one in self.blocked if not one.is_able]
        self.ring += able

    def steps_down(self) -> bool:
        return (
            self.hands_over
            and self.active is not None
            and any(one.priority > self.active.priority for one in self.consumers)
        )

    def choose_active(self) -> None:
        if not self.options.single_active_consumer:
            return
        if self.active not in self.consumers or (self.steps_down() and not self.unacked):
            newcomers = sorted(self.consumers, key=lambda one: -one.priority)
            self.active = newcomers[0] if newcomers else None

    def deliver(self, now_ms: int, most: int) -> int:
        done = 0
        while done < most and self.ready and (consumer := self.next_consumer()) is not None:
            done += 1
            one = self.ready.pop(0)
            if 0 < one.expires_at_ms <= now_ms:
                self.die(one, DeathReason.EXPIRED)
                continue
            self.hand(one, consumer)
        return done

    def hand(self, one: Waiting, consumer: ModelConsumer) -> None:
        """Deliver a message; the consumer is the last in turn from here on."""
        if consumer in self.ring and not self.options.single_active_consumer:
            self.ring.remove(consumer)
            self.ring.append(consumer)
        consumer.received.append((one.record.body, one.delivery_count))
        if not consumer.no_ack:
            consumer.window[0] -= 1
            consumer.shared_prefetch[0] -= 1
            self.unacked[one.position] = one

    def pass_by(self, run: list[Record], now_ms: int) -> int:
        """Deliver what waiting consumers of a priority queue want as it comes; return how much."""
        self.deliver(now_ms, len(self.ready))
        passed = 0
        for record in run:
            consumer = None if self.ready else self.next_consumer()
            if consumer is None:
                break
            one = Waiting(self._next_position, record, self.expiry(record, now_ms))
            self._next_position += 1
            self.hand(one, consumer)
            passed += 1
        return passed

    # -- the calls --------------------------------------------------------------------------

    def publish(self, run: list[Record], now_ms: int) -> list[int]:
        """Return the indexes that were rejected."""
        is_awaited = self.options.max_priority is not None and (
            bool(self.ring) or len(self.consumers) == 1
        )
        refuses = self.options.overflow is not Overflow.DROP_HEAD
        if is_awaited and not refuses:
            run = run[self.pass_by(run, now_ms) :]
        run_bytes = sum(len(record.body) for record in run)
        expiries = [self.expiry(record, now_ms) for record in run]
        is_plain = not (is_awaited and refuses)
        if is_plain and not self.is_over(len(run), run_bytes) and now_ms not in expiries:
            for record, expires_at_ms in zip(run, expiries, strict=True):
                self.enqueue(record, expires_at_ms)
            return []
        self.drop_expired(now_ms)
        self.deliver(now_ms, 1 << 30)
        rejected = []
        for index, (record, expires_at_ms) in enumerate(zip(run, expiries, strict=True)):
            if refuses and self.is_over(1, len(record.body)):
                rejected.append(index)
                continue
            self.enqueue(record, expires_at_ms)
            self.deliver(now_ms - 1, 1 << 30)  # what expires now may go, if it goes now
            self.drop_excess()
            self.drop_expired(now_ms)
        if self.options.overflow is Overflow.REJECT_PUBLISH_DLX:
            for index in rejected:
                self.die(Waiting(0, run[index], 0), DeathReason.MAXLEN)
        return rejected

    def expiry(self, record: Record, now_ms: int) -> int:
        ttls = [self.options.message_ttl_ms] if self.options.message_ttl_ms is not None else []
        ttls += [record.ttl_ms] if record.ttl_ms != NO_TTL else []
        return now_ms + min(ttls) if ttls else 0

    def enqueue(self, record: Record, expires_at_ms: int) -> None:
        self.ready.append(Waiting(self._next_position, record, expires_at_ms))
        self._next_position += 1
        self.sort()

    def drain(self, now_ms: int, most: int) -> bool:
        done = self.drop_expired(now_ms, most)
        done += self.deliver(now_ms, most - done)
        return done == most and bool(self.ready) and self.next_consumer() is not None

    def get(self, now_ms: int, *, no_ack: bool) -> bytes | None:
        self.used_at_ms = now_ms
        self.drop_expired(now_ms)
        if not self.ready:
            return None
        one = self.ready.pop(0)
        if not no_ack:
            self.unacked[one.position] = one
        self.drop_expired(now_ms)
        return one.record.body

    def settle(self, positions: list[int]) -> None:
        for position in positions:
            del self.unacked[position]
        self.choose_active()

    def reject(self, entries: list[QueuedMessage], now_ms: int) -> None:
        top = self.options.max_priority or 0
        for entry in sorted(entries, key=lambda each: -min(each.record.priority, top)):
            self.die(self.unacked.pop(entry.position), DeathReason.REJECTED)
        self.choose_active()
        self.drop_expired(now_ms)

    def requeue(self, entries: list[QueuedMessage], now_ms: int) -> None:
        limit = self.options.delivery_limit
        for entry in entries:
            one = self.unacked.pop(entry.position)
            one.delivery_count += 1
            if limit is not None and one.delivery_count > limit:
                self.die(one, DeathReason.DELIVERY_LIMIT)
            else:
                self.ready.append(one)
        self.choose_active()
        self.sort()
        self.drop_excess()
        self.drop_expired(now_ms)

    def consume(self, consumer: ModelConsumer, now_ms: int) -> None:
        is_refused = bool(self.ready) or self.sole_is_refused
        if len(self.consumers) == 1 and is_refused and not self.consumers[0].is_able:
            self.blocked, self.ring = self.consumers.copy(), []
        self.sole_is_refused = False
        self.consumers.append(consumer)
        self.ring.append(consumer)
        self.used_at_ms = now_ms
        self.choose_active()

    def cancel(self, consumer: ModelConsumer, now_ms: int) -> None:
        for consumers in (self.consumers, self.ring, self.blocked):
            if consumer in consumers:
                consumers.remove(consumer)
        self.sole_is_refused = False
        self.choose_active()
        if not self.consumers:
            self.used_at_ms = now_ms

    def deadline_ms(self) -> int | None:
        deadlines = [one.expires_at_ms for one in self.ready[:1] if one.expires_at_ms]
        if self.options.expires_ms is not None and not self.consumers:
            deadlines.append(self.used_at_ms + self.options.expires_ms)
        return min(deadlines, default=None)

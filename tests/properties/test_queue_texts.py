"""A list of queues never has an old text, whatever was done to a queue since the last list."""

from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pamqp import commands

from amqp_server.broker.policies.table import Policy
from management.bodies.queues import queue_body
from management.http.json_text import dumped
from management.lists.ranges import NO_RANGES
from tests.support.management_api import Api

NAMES: Final = st.sampled_from(["a", "b", "é"])
KINDS: Final = st.sampled_from(["classic", "quorum", "stream"])
VALUES: Final = st.sampled_from([1, True, 1.0, "1", [1], [True], {"x": 1}, {"x": 1.0}])
"""Values that Python takes for equal, and JSON does not, are among them."""


class Lists(RuleBasedStateMachine):
    """Queues that are used in every way, and listed after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.api = Api()
        self.api.__enter__()
        self.peers = 0
        self.consumers = 0
        self.begin()

    def begin(self) -> None:
        self.peer = self.api.node.open()
        self.peers += 1

    def settle(self) -> None:
        """Read what came; go on after a refusal, as a client would."""
        closes = self.peer.closes()
        if self.peer.is_closed() or any(close.channel == 0 for close in closes):
            self.begin()
        elif closes:
            self.peer.send(commands.Channel.CloseOk)
            self.peer.open_channel(1)

    # ── what queues are ──

    @rule(name=NAMES, kind=KINDS, durable=st.booleans(), value=VALUES | st.none())
    def put(self, name: str, kind: str, value: object, *, durable: bool) -> None:
        arguments: dict[str, object] = {"x-queue-type": kind}
        if value is not None:
            arguments["theirs"] = value
        body = {"durable": durable or kind != "classic", "arguments": arguments}
        self.api.put(f"queues/%2F/{name}", body)

    @rule(name=NAMES, exclusive=st.booleans(), auto_delete=st.booleans(), single=st.booleans())
    def declare(self, name: str, *, exclusive: bool, auto_delete: bool, single: bool) -> None:
        arguments = {"x-single-active-consumer": True} if single else {"x-max-priority": 3}
        self.peer.send(
            commands.Queue.Declare,
            queue=name,
            exclusive=exclusive,
            auto_delete=auto_delete,
            arguments={**arguments, "x-message-ttl": 7_000},
        )
        self.settle()

    @rule(name=NAMES)
    def deduplicate(self, name: str) -> None:
        arguments = {"x-message-deduplication": True}
        self.peer.send(commands.Queue.Declare, queue=name, arguments=arguments)
        self.settle()

    @rule(name=NAMES, again=st.booleans(), value=VALUES)
    def delete(self, name: str, value: object, *, again: bool) -> None:
        self.api.delete(f"queues/%2F/{name}")
        if again:
            body = {"durable": True, "arguments": {"theirs": value}}
            self.api.put(f"queues/%2F/{name}", body)

    @rule(name=NAMES, is_on=st.booleans())
    def pause(self, name: str, *, is_on: bool) -> None:
        self.api.put(f"queues/%2F/{name}/{'pause' if is_on else 'resume'}")

    @rule(value=VALUES, pattern=st.sampled_from(["a", "^[ab]$", ""]), operator=st.booleans())
    def set_policy(self, value: object, pattern: str, *, operator: bool) -> None:
        definition: dict[str, object] = {"max-length": 2}
        policies = self.api.node.vhost.policies
        if not operator:
            definition |= {"theirs": value}
        policy = Policy("p", pattern, definition)
        policies.set(policy, operator=operator, is_imported=True)

    @rule(operator=st.booleans())
    def clear_policy(self, *, operator: bool) -> None:
        self.api.node.vhost.policies.clear("p", operator=operator)

    # ── what happens in them ──

    @rule(name=NAMES, count=st.integers(1, 4), key=st.sampled_from([None, "k"]))
    def publish(self, name: str, count: int, key: str | None) -> None:
        headers = {} if key is None else {"x-deduplication-header": key}
        self.peer.publish(*[b"body"] * count, routing_key=name, headers=headers)
        self.settle()

    @rule(name=NAMES, no_ack=st.booleans())
    def get(self, name: str, *, no_ack: bool) -> None:
        self.peer.send(commands.Basic.Get, queue=name, no_ack=no_ack)
        self.settle()

    @rule(name=NAMES, no_ack=st.booleans(), exclusive=st.booleans(), prefetch=st.integers(1, 2))
    def consume(self, name: str, prefetch: int, *, no_ack: bool, exclusive: bool) -> None:
        self.peer.send(commands.Basic.Qos, prefetch_count=prefetch)
        self.consumers += 1
        self.peer.send(
            commands.Basic.Consume,
            queue=name,
            consumer_tag=f"c{self.consumers}",
            no_ack=no_ack,
            exclusive=exclusive,
        )
        self.settle()

    @rule()
    def cancel(self) -> None:
        self.peer.send(commands.Basic.Cancel, consumer_tag=f"c{self.consumers}")
        self.settle()

    @rule(requeue=st.booleans())
    def settle_all(self, *, requeue: bool) -> None:
        if requeue:
            self.peer.send(commands.Basic.Nack, delivery_tag=0, multiple=True, requeue=True)
        else:
            self.peer.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
        self.settle()

    @rule(name=NAMES)
    def purge(self, name: str) -> None:
        self.api.delete(f"queues/%2F/{name}/contents")

    @rule()
    def leave(self) -> None:
        self.peer.send(commands.Connection.Close, 0, reply_code=200, reply_text="", class_id=0)
        self.peer.receive()
        self.begin()

    # ── time ──

    @rule(count=st.integers(1, 3))
    def look(self, count: int) -> None:
        for _ in range(count):
            self.api.look()

    @rule(span_ms=st.sampled_from([1, 8_000, 70_000]))
    def wait(self, span_ms: int) -> None:
        self.api.node.advance(span_ms)
        self.settle()

    @invariant()
    def lists_are_true(self) -> None:
        services, views = self.api.management.services, self.api.management.node.views
        sampler, fresh = services.sampler, []
        for name in views.queue_names("/").items:
            view = views.queue("/", name)
            if view is None:
                fresh.append(dumped({"name": name, "vhost": "/"}))
                continue
            numbers = sampler.queues.get(("/", name))
            body = queue_body(view, services.identity, numbers, sampler.looks, NO_RANGES)
            fresh.append(dumped(body))
        assert self.api.get("queues").body == b"[" + b",".join(fresh) + b"]"

    def teardown(self) -> None:
        self.api.__exit__(None, None, None)


Lists.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLists = Lists.TestCase

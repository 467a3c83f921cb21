"""Random scripts on etcd and on the memory engine, step by step: the same answers, the same watch.

The memory engine is the model. Etcd has lived before, so that its revisions are higher by what it
had when the script began, and its leases have other ids.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.metadata.errors import LeaseGoneError
from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import (
    Absent,
    Changes,
    Comparison,
    CreateRevision,
    Delete,
    Empty,
    Item,
    MetadataStore,
    ModRevision,
    Operation,
    Put,
    Read,
    Transaction,
    Value,
)
from tests.support.etcd_server import EtcdServer
from tests.support.metadata_contract import changes_from

KEYS = (b"\0", b"a", b"a/", b"\xff\xff")
VALUES = (b"", b"v", bytes(range(256)))
PREFIX = b"/lockstep/"
SPAN = (PREFIX, b"/lockstep0")

keys = st.sampled_from(KEYS).map(PREFIX.__add__)
values = st.sampled_from(VALUES)
back = st.integers(0, 3)
"""How far a revision lies behind the newest one."""


@dataclass(frozen=True)
class Step:
    what: str
    key: bytes = b""
    back: int = 0
    slot: int = 0
    compare: tuple[tuple[str, bytes, int], ...] = ()
    then: tuple[tuple[str, bytes, bytes, int], ...] = ()
    otherwise: tuple[tuple[str, bytes, bytes, int], ...] = ()


def branch() -> st.SearchStrategy[tuple[tuple[str, bytes, bytes, int], ...]]:
    operation = st.tuples(
        st.sampled_from(["put", "delete", "read"]), keys, values, st.integers(0, 2)
    )
    return st.lists(operation, max_size=4, unique_by=lambda each: each[1]).map(tuple)


comparison = st.tuples(st.sampled_from(["mod", "create", "absent", "value", "empty"]), keys, back)
step = st.one_of(
    st.builds(
        Step,
        st.just("transact"),
        compare=st.lists(comparison, max_size=2).map(tuple),
        then=branch(),
        otherwise=branch(),
    ),
    st.builds(Step, st.just("read"), keys, back, st.integers(0, 4)),
    st.builds(Step, st.sampled_from(["grant", "revoke", "keep alive"]), slot=st.integers(1, 2)),
)


@dataclass
class Side:
    """One store, with its revisions counted from the begin of the script."""

    store: MetadataStore
    base: int = 0
    leases: dict[int, int] = field(default_factory=dict)

    async def begin(self) -> None:
        for _ in range(5):  # so that no revision that a step names is 0, which means absent
            await self.store.transact(Transaction(then=(Put(b"/outside", b""),)))
        found = (await self.store.read_range(*SPAN)).items
        await self.store.transact(Transaction(then=tuple(Delete(each.key) for each in found)))
        self.base = (await self.store.read_range(*SPAN)).revision

    async def do(self, step: Step) -> object:
        match step.what:
            case "transact":
                return await self._transact(step)
            case "read":
                now = (await self.store.read_range(*SPAN)).revision
                as_of = max(self.base, now - step.back)
                page = await self.store.read_range(
                    step.key, SPAN[1], limit=step.slot or 256, revision=as_of
                )
                items = [self._plain(each) for each in page.items]
                return (page.revision - self.base, items, page.has_more)
            case "grant":
                self.leases[step.slot] = (await self.store.grant(600_000)).id
                return None
            case "revoke":
                return await self.store.revoke(self._lease(step.slot))
            case _:
                return await self.store.keep_alive(self._lease(step.slot)) is None

    async def told(self) -> list[tuple[int, list[tuple[bytes, Item | None]]]]:
        """Return all that a watch from the begin tells; a last put says that it is the end."""
        await self.store.transact(Transaction(then=(Put(PREFIX + b"end", b""),)))
        watch: Any = self.store.watch(*SPAN, self.base + 1)
        found: list[Changes] = []
        while not found or found[-1].changes[-1].key != PREFIX + b"end":
            found += await changes_from(watch, 1)
        await watch.aclose()
        return [
            (
                each.revision - self.base,
                [(change.key, self._plain(change.item)) for change in each.changes],
            )
            for each in found
        ]

    async def _transact(self, step: Step) -> object:
        now = (await self.store.read_range(*SPAN)).revision
        transaction = Transaction(
            tuple(self._comparison(*each, now) for each in step.compare),
            tuple(self._operation(*each) for each in step.then),
            tuple(self._operation(*each) for each in step.otherwise),
        )
        try:
            outcome: Any = await self.store.transact(transaction)
        except LeaseGoneError:
            return LeaseGoneError
        reads = [self._plain(each) for each in outcome.reads]
        return (type(outcome), outcome.revision - self.base, reads)

    def _comparison(self, kind: str, key: bytes, number: int, now: int) -> Comparison:
        match kind:
            case "mod":
                return ModRevision(key, now - number)
            case "create":
                return CreateRevision(key, now - number)
            case "absent":
                return Absent(key)
            case "empty":
                return Empty(key, PREFIX + KEYS[-1] + b"z")
            case _:
                return Value(key, VALUES[number % len(VALUES)])

    def _operation(self, kind: str, key: bytes, value: bytes, slot: int) -> Operation:
        match kind:
            case "put":
                return Put(key, value, self._lease(slot) if slot else 0)
            case "delete":
                return Delete(key)
            case _:
                return Read(key)

    def _lease(self, slot: int) -> int:
        return self.leases.get(slot, 424_242)

    def _plain(self, item: Item | None) -> Item | None:
        if item is None:
            return None
        slots = {lease: slot for slot, lease in self.leases.items()}
        return replace(
            item,
            create_revision=item.create_revision - self.base,
            mod_revision=item.mod_revision - self.base,
            lease=slots.get(item.lease, -1) if item.lease else 0,
        )


def test_etcd_does_what_the_model_does(etcd: EtcdServer) -> None:
    with asyncio.Runner() as runner:

        async def opened() -> EtcdStore:
            return EtcdStore([etcd.url], lambda: 0)

        store = runner.run(opened())

        async def play(steps: list[Step]) -> None:
            model, real = Side(MemoryStore(lambda: 0)), Side(store)
            await model.begin()
            await real.begin()
            for number, each in enumerate(steps):
                expected, found = await model.do(each), await real.do(each)
                assert found == expected, f"step {number}: {each}"
            assert await real.told() == await model.told()

        @settings(max_examples=30)
        @given(st.lists(step, max_size=12))
        def run(steps: list[Step]) -> None:
            runner.run(play(steps))

        try:
            run()
        finally:
            runner.run(store.close())

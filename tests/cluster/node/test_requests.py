"""What a core asks of the store, with a store in memory that has faults."""

import asyncio

from cluster.metadata.following.cache import Difference
from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.port import Done, Item, Outcome, Put, Refused, Transaction
from cluster.metadata.records import StoredMember, encode_member, encode_queue_state
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import (
    StateRead,
    StoreSeen,
    TransactionDone,
    TransactionRefused,
    TransactionUnknown,
)
from cluster.replication.ready import Change
from tests.support.asking_store import MEMBER_KEY, NEW, STATE_KEY, asking, further
from tests.support.cluster_views import KEYS, stored


def test_what_is_seen_of_the_store_comes_before_the_outcome() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.submit(1)
            await asked.until(lambda: len(asked.inputs) == 2)
            seen, done = asked.inputs
            assert isinstance(seen, StoreSeen)
            assert done == TransactionDone(1, seen.revision)
            assert asked.view.queues["q1"].stored.state == NEW
            assert asked.noted == ["q1"]
            asked.requests.read("q1")
            await asked.until(lambda: len(asked.inputs) == 4)
            read = asked.inputs[3]
            assert isinstance(read, StateRead)
            assert (read.state, read.revision) == (NEW, done.revision)
            assert read.options is not None

    asyncio.run(scenario())


def test_a_refusal_an_unknown_outcome_and_a_state_that_moved_on_are_told_apart() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.store.fates.append(Fate.LOST)
            asked.submit(1)
            await asked.until(lambda: TransactionUnknown(1) in asked.inputs)
            value = encode_queue_state(stored("q1", "c", 7, 2))
            await asked.store.transact(Transaction((), (Put(STATE_KEY, value),)))
            asked.submit(2)
            await asked.until(lambda: TransactionRefused(2) in asked.inputs)
            asked.submit(3, revision=1)
            await asked.until(lambda: TransactionRefused(3) in asked.inputs)

    asyncio.run(scenario())


def test_a_stamp_that_was_raised_meanwhile_refuses_nothing() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.identity.disk = DiskIdentity("disk a", 4, 0, raising=True)
            raised = encode_member(StoredMember("disk a", 4))
            await asked.store.transact(Transaction((), (Put(MEMBER_KEY, raised),)))
            asked.submit(1)
            await asked.until(lambda: isinstance(asked.last(), TransactionDone))
            assert asked.evidence.member == raised

    asyncio.run(scenario())


def test_while_the_store_is_away_what_is_in_line_is_taken_back_and_reads_wait() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.store.away = True
            for number in range(1, 100):
                asked.requests.read("q1")
                asked.submit(number)
            asked.submit(100, Change.ELECT)
            assert asked.requests.waiting_count == 3
            await asked.until(lambda: TransactionRefused(100) in asked.inputs)
            assert TransactionRefused(99) in asked.inputs
            assert asked.ended == [("q1", False)]
            asked.store.away = False
            await asked.until(lambda: isinstance(asked.last(), StateRead))
            assert asked.view.queues["q1"].stored.state.leader == "b", "nothing was sent"
            asked.submit(101)
            await asked.until(lambda: isinstance(asked.last(), TransactionDone))

    asyncio.run(scenario())


def test_what_finds_the_store_away_is_refused_and_elections_come_first() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.submit(1)
            asked.submit(2, Change.ELECT)
            asked.store.away = True
            await asked.until(lambda: TransactionRefused(2) in asked.inputs)
            assert [each for each in asked.inputs if isinstance(each, TransactionRefused)] == [
                TransactionRefused(1),
                TransactionRefused(2),
            ]

    asyncio.run(scenario())


def test_who_comes_back_is_taken_in_behind_queues_that_stand_still() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            value = encode_queue_state(stored("q2", "b", 6, 1))
            key = KEYS.queue_state("v", "others")
            put = await asked.store.transact(Transaction((), (Put(key, value),)))
            item = Item(key, value, put.revision, put.revision)  # type: ignore[union-attr]
            asked.view.take([Difference(key, None, item)])
            asked.submit(1, Change.GROW)
            asked.submit(2, Change.SHRINK, queue_id="q2")
            assert asked.requests.waiting_count == 2
            await asked.until(lambda: len(asked.done()) == 2)
            assert asked.done() == [2, 1]

    asyncio.run(scenario())


def test_what_the_core_gave_up_is_not_sent_any_more_but_an_election_hears_of_it() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.submit(1, Change.ELECT)
            asked.awaited.clear()
            asked.requests.read("q1")
            await asked.until(lambda: len(asked.inputs) == 2)
            assert isinstance(asked.inputs[1], StateRead)
            assert asked.view.queues["q1"].stored.state.leader == "b"
            assert asked.ended == [("q1", False)]
            asked.submit(2, Change.ELECT)
            await asked.until(lambda: len(asked.inputs) == 4)
            asked.requests.read("q1")
            await asked.until(lambda: len(asked.inputs) == 6)
            assert asked.ended[1:] == [("q1", True)]

    asyncio.run(scenario())


def test_what_was_done_after_the_core_gave_it_up_is_told_as_a_read() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.submit(1)
            asked.gives_up = True
            await asked.until(lambda: len(asked.inputs) == 2)
            told = asked.inputs[1]
            assert isinstance(told, StateRead)
            assert told.state == NEW

    asyncio.run(scenario())


def test_a_transaction_on_an_old_revision_has_the_state_read_before_it_is_refused() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            asked.submit(1, revision=1)
            await asked.until(lambda: len(asked.inputs) == 3)
            read, refused = asked.inputs[1:]
            assert isinstance(read, StateRead)
            assert refused == TransactionRefused(1)

    asyncio.run(scenario())


def test_what_froze_the_node_is_not_believed() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            older = encode_member(StoredMember("disk a", 2))
            await asked.store.transact(Transaction((), (Put(MEMBER_KEY, older),)))
            asked.requests.read("q1")
            await asked.until(lambda: asked.identity.frozen)
            await asyncio.sleep(0)
            assert len(asked.inputs) == 1

    asyncio.run(scenario())


def test_what_froze_the_node_is_not_asked_for_the_rest_of_a_group() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 9)
            value = encode_queue_state(stored("q7", "c", 7, 2))
            put = Put(KEYS.queue_state("v", "q7"), value)
            await asked.store.transact(Transaction((), (put,)))
            asked.identity.disk = DiskIdentity("disk a", 3, seen_revision=1_000)
            before = asked.revision()
            for number, queue_id in enumerate(queue_ids, 1):
                asked.submit(number, queue_id=queue_id)
            await asked.until(lambda: len(asked.inputs) == 11)
            assert {TransactionRefused(number) for number in range(1, 11)} < set(asked.inputs)
            assert asked.revision() == before

    asyncio.run(scenario())


def test_another_queue_of_the_name_is_not_taken_for_the_one_that_was_asked_for() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            value = encode_queue_state(stored("q2", "c", 7, 2))
            await asked.store.transact(Transaction((), (Put(STATE_KEY, value),)))
            asked.requests.read("q1")
            asked.requests.read("unknown")
            await asked.until(lambda: len(asked.inputs) == 1)
            await asyncio.sleep(0)
            assert isinstance(asked.inputs[0], StoreSeen)

    asyncio.run(scenario())


def test_a_thousand_queues_cost_ten_requests() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 999)
            before = asked.revision()
            for number, queue_id in enumerate(queue_ids, 1):
                asked.submit(number, Change.ELECT, queue_id=queue_id)
            await asked.until(lambda: len(asked.ended) == 1_000)
            assert asked.done() == list(range(1, 1_001))
            assert all(is_done for _, is_done in asked.ended)
            assert asked.revision() - before == 10
            assert all(each.stored.state == NEW for each in asked.view.queues.values())

    asyncio.run(scenario())


def test_one_queue_that_moved_on_does_not_hold_the_others_up() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 49)
            value = encode_queue_state(stored("q7", "c", 7, 2))
            put = Put(KEYS.queue_state("v", "q7"), value)
            await asked.store.transact(Transaction((), (put,)))
            before = asked.revision()
            for number, queue_id in enumerate(queue_ids, 1):
                asked.submit(number, queue_id=queue_id)
            await asked.until(lambda: len(asked.done()) == 49)
            assert asked.revision() - before == 1
            told = [each for each in asked.inputs if not isinstance(each, TransactionDone)]
            assert [type(each) for each in told] == [
                StoreSeen,
                StateRead,
                TransactionRefused,
                StoreSeen,
            ]
            assert asked.view.queues["q7"].stored.state.leader == "c"

    asyncio.run(scenario())


def test_a_stamp_that_was_raised_meanwhile_refuses_none_of_a_group() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 9)
            asked.identity.disk = DiskIdentity("disk a", 4, 0, raising=True)
            raised = encode_member(StoredMember("disk a", 4))
            await asked.store.transact(Transaction((), (Put(MEMBER_KEY, raised),)))
            for number, queue_id in enumerate(queue_ids, 1):
                asked.submit(number, queue_id=queue_id)
            await asked.until(lambda: len(asked.done()) == 10)

    asyncio.run(scenario())


def test_what_is_unknown_of_a_group_is_unknown_of_each_and_a_late_one_is_refused_by_any() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 9)
            asked.store.fates.append(Fate.LATE)
            for number, queue_id in enumerate(queue_ids, 1):
                asked.submit(number, queue_id=queue_id)
            await asked.until(lambda: len(asked.inputs) == 10)
            assert asked.inputs == [TransactionUnknown(number) for number in range(1, 11)]
            asked.submit(11, Change.TOUCH, queue_id="q4")
            await asked.until(lambda: asked.done() == [11])
            assert isinstance(asked.store.apply_late(), Refused)

    asyncio.run(scenario())


def test_an_election_of_a_node_that_is_gone_is_refused_without_the_others() -> None:
    async def scenario() -> None:
        async with asking() as asked:
            queue_ids = await further(asked, 9)
            live = Put(KEYS.key("live", "b"), b"")
            put = await asked.store.transact(Transaction((), (live,)))
            assert isinstance(put, Done)
            for number, queue_id in enumerate(queue_ids, 1):
                incarnation = put.revision - (number in {2, 5})
                asked.submit(number, Change.ELECT, queue_id=queue_id, live=(("b", incarnation),))
            await asked.until(lambda: len(asked.ended) == 10)
            assert [number for number in range(1, 11) if number not in asked.done()] == [2, 5]
            assert [each for each, is_done in asked.ended if not is_done] == ["q2", "q5"]

    asyncio.run(scenario())


def test_a_store_that_contradicts_itself_is_not_asked_for_ever() -> None:
    class Contradicting(MemoryStore):
        async def transact(self, transaction: Transaction) -> Outcome:
            outcome = await super().transact(Transaction((), transaction.otherwise))
            assert isinstance(outcome, Done)
            return Refused(outcome.revision, outcome.reads)

    async def scenario() -> None:
        async with asking() as asked:
            asked.store.__class__ = Contradicting
            asked.submit(1)
            await asked.until(lambda: TransactionRefused(1) in asked.inputs)

    asyncio.run(scenario())

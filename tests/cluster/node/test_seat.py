import asyncio

from cluster.metadata.memory import MemoryStore
from cluster.metadata.paging import read_key
from cluster.metadata.port import Put, Transaction
from cluster.metadata.records import StoredController, decode_controller, encode_controller
from cluster.node.seat import Seat
from tests.support.cluster_views import KEYS, Told

CTL, LIVE = KEYS.key("ctl"), KEYS.key("live", "a")


async def taken(store: MemoryStore, seat: Seat, told: Told) -> StoredController | None:
    """Run a seat until it has looked; return who has it then."""
    running = asyncio.create_task(seat.run())
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    found = (await read_key(store, CTL)).item
    if found is None:
        return None
    told.tell(CTL, found.value, lease=found.lease)
    return decode_controller(found.value)


def test_a_free_seat_is_taken_under_the_lease_and_ends_with_it() -> None:
    async def scenario() -> None:
        now = [0]
        store, told = MemoryStore(lambda: now[0]), Told()
        seat = Seat(store, KEYS, "a", told.view)
        seat.look()
        assert await taken(store, seat, told) is None, "without a lease nobody sits down"
        lease = await store.grant(1_000)
        put = await store.transact(Transaction(then=(Put(LIVE, b"", lease.id),)))
        incarnation = getattr(put, "revision", 0)
        seat.granted(incarnation, lease.id)
        assert await taken(store, seat, told) == StoredController("a", incarnation)
        assert seat.is_held
        now[0] = 1_001
        assert await taken(store, seat, told) is None

    asyncio.run(scenario())


def test_a_seat_that_is_taken_or_a_lease_that_has_ended_changes_nothing() -> None:
    async def scenario() -> None:
        store, told = MemoryStore(lambda: 0), Told()
        seat = Seat(store, KEYS, "a", told.view)
        lease = await store.grant(1_000)
        seat.granted(99, lease.id)
        assert await taken(store, seat, told) is None, "the live key is another one"
        other = StoredController("b", 3)
        await store.transact(Transaction(then=(Put(CTL, encode_controller(other)),)))
        seat.look()
        assert await taken(store, seat, told) == other
        assert not seat.is_held

    asyncio.run(scenario())

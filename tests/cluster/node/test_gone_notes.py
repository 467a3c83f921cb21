import asyncio
from contextlib import suppress

from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.paging import read_key
from cluster.metadata.port import Absent, Delete, Done, ModRevision, Put, Transaction
from cluster.metadata.records import StoredGone, StoredMember, decode_gone, encode_gone
from cluster.node.gone_notes import GoneNotes, cleaned
from cluster.node.pauses import Pauses
from cluster.node.view import KnownGone
from tests.support.cluster_views import KEYS, Told

KEY = KEYS.key("gone", "q1")


def test_a_node_takes_itself_out_and_the_last_one_deletes_the_note() -> None:
    known = KnownGone(StoredGone(("a", "b")), 5)
    assert cleaned(KEY, known, "a", "ab") == Transaction(
        (ModRevision(KEY, 5),), (Put(KEY, encode_gone(StoredGone(("b",)))),)
    )
    last = Transaction((ModRevision(KEY, 5),), (Delete(KEY),))
    assert cleaned(KEY, KnownGone(StoredGone(("a",)), 5), "a", "ab") == last
    assert cleaned(KEY, KnownGone(StoredGone(()), 5), "a", "ab") == last
    assert cleaned(KEY, known, "c", "abc") is None


def test_a_note_that_names_nobody_is_for_all_members_and_none_for_who_is_no_member_any_more() -> (
    None
):
    whole = KnownGone(StoredGone(None), 5)
    without = Transaction((ModRevision(KEY, 5),), (Put(KEY, encode_gone(StoredGone(("b", "c")))),))
    assert cleaned(KEY, whole, "a", "cab") == without
    left = KnownGone(StoredGone(("b", "x")), 5)
    assert cleaned(KEY, left, "a", "ab") == Transaction(
        (ModRevision(KEY, 5),), (Put(KEY, encode_gone(StoredGone(("b",)))),)
    )
    last = Transaction((ModRevision(KEY, 5),), (Delete(KEY),))
    assert cleaned(KEY, KnownGone(StoredGone(("x",)), 5), "a", "ab") == last


def test_a_note_is_cleaned_up_though_the_store_is_away_and_outcomes_are_unknown() -> None:
    async def scenario() -> None:
        store = MemoryStore(lambda: 0)
        value = encode_gone(StoredGone(("a", "b")))
        put = await store.transact(Transaction((Absent(KEY),), (Put(KEY, value),)))
        assert isinstance(put, Done)
        told = Told()
        for name in "ab":
            told.member(name, StoredMember("", 1))
        told.revision = put.revision - 1
        told.gone("q1", "a", "b")
        notes = GoneNotes(store, KEYS, "a", told.view, Pauses(1, 2, lambda: 0.0))
        running = asyncio.create_task(notes.run())
        store.go_away()
        notes.dropped("q1")
        await asyncio.sleep(0)
        store.fates.append(Fate.LOST)
        store.come_back()
        async with asyncio.timeout(20):
            while True:
                found = (await read_key(store, KEY)).item
                assert found is not None
                if decode_gone(found.value).nodes == ("b",):
                    break
                await asyncio.sleep(0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(scenario())

"""Random scripts for a follower: changes, compactions, cut watches, restarts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from cluster.metadata.port import Delete, MetadataStore, Operation, Put, Transaction
from tests.support.following import FollowedRig, Replay

KEYS = (b"a", b"b", b"b/1", b"c", b"\xff")
operation = st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.binary(max_size=1)))


@dataclass(frozen=True)
class Step:
    what: str
    operations: tuple[tuple[bytes, bytes | None], ...] = ()
    turns: int = 0


step = st.one_of(
    st.builds(
        Step,
        st.just("transact"),
        st.lists(operation, min_size=1, max_size=4, unique_by=lambda each: each[0]).map(tuple),
    ),
    st.builds(Step, st.sampled_from(["compact", "cut", "away", "back", "restart", "listen"])),
    st.builds(Step, st.just("turns"), turns=st.integers(1, 12)),
)


async def play(each: FollowedRig, steps: list[Step], restart: Callable[[], MetadataStore]) -> None:
    rig, store = each.rig, each.store
    late: list[Replay] = []
    revision = 0
    for now in steps:
        match now.what:
            case "transact":
                parts: list[Operation] = [
                    Delete(rig.key(key)) if value is None else Put(rig.key(key), value)
                    for key, value in now.operations
                ]
                outcome = await rig.store.transact(Transaction(then=tuple(parts)))
                revision = getattr(outcome, "revision", revision)
            case "compact":
                await rig.compact((await rig.store.read_range(*rig.span, limit=1)).revision)
            case "cut" | "away":
                store.cut(stays_away=now.what == "away")
            case "back":
                store.away = False
            case "restart":
                store.inner = rig.store = restart()
                store.cut(stays_away=store.away)
            case "listen":
                replay = Replay(is_whole=False)
                replay.begin(each.follower.cache.listen(replay))
                late.append(replay)
            case _:
                for _ in range(now.turns):
                    await asyncio.sleep(0)
    store.away = False
    await each.require_same()
    for replay in late:
        assert replay.items == each.replay.items

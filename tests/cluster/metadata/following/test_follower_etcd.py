"""A follower of a real etcd, also while that is stopped, killed and compacted."""

import itertools
import urllib.error

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.metadata.etcd.http import Times
from cluster.metadata.port import Done, Lease
from tests.support.etcd_server import EtcdServer
from tests.support.etcd_stores import Clock, opened, play, put
from tests.support.following import Case, each_following, following
from tests.support.following_scripts import Step, step
from tests.support.following_scripts import play as play_script
from tests.support.metadata_contract import Rig

NUMBERS = itertools.count()


def rig_of(etcd: EtcdServer, times: Times | None = None) -> Rig:
    async def end_of(_: Lease) -> None:
        """No lease ends here."""

    async def compact(revision: int) -> None:
        try:
            etcd.post("kv/compaction", {"revision": str(revision), "physical": True})
        except urllib.error.HTTPError as error:
            # It keeps nothing of that revision already; others compact the same etcd.
            if b"has been compacted" not in error.read():
                raise

    store = opened([etcd.url], Clock(), times=times)
    return Rig(store, b"/followed %d/" % next(NUMBERS), end_of, compact)


@each_following
def test_contract(case: Case, etcd: EtcdServer) -> None:
    async def run() -> None:
        await case(rig_of(etcd))

    play(run())


def test_a_killed_etcd_is_followed_again_once_it_is_back(own_etcd: EtcdServer) -> None:
    async def run() -> None:
        rig = rig_of(own_etcd)
        async with following(rig) as each:
            for number in range(3):
                await each.until(await rig.put(b"before", b"%d" % number))
                own_etcd.stop()
                await each.until_away()
                own_etcd.start()
                after = put(rig.key(b"after"), b"%d" % number)
                while not isinstance(await rig.store.transact(after), Done):
                    """The connection that was kept is closed at the other end."""
                await each.require_same()

    play(run())


def test_random_scripts_end_with_copy_replay_and_store_alike(etcd: EtcdServer) -> None:
    """A restart is a new store of the same etcd, with connections of its own."""

    @settings(max_examples=25)
    @given(st.lists(step, min_size=10, max_size=30))
    def script(steps: list[Step]) -> None:
        async def run() -> None:
            async with following(rig_of(etcd)) as each:
                await play_script(each, steps, lambda: opened([etcd.url], Clock()))

        play(run())

    script()

"""Groups over the nodes of a cluster: one reads, whatever happens, and somebody does again."""

import pytest

from amqp_server.broker.groups import shared, single_active
from amqp_server.broker.groups.single_active import GroupKey
from tests.support.shared_group_nodes import Client, World

SOON_MS = 1_000
LATER_MS = 8_000
"""After this long without a fault somebody reads: silence, a leadership that is new, a look."""


def pair(world: World) -> tuple[Client, Client]:
    """Return a member on b, which reads, and one on c; a leads the stream."""
    first = world.nodes["b"].join()
    world.run(SOON_MS)
    second = world.nodes["c"].join()
    world.run(SOON_MS)
    return first, second


def test_the_first_reads_and_one_on_another_node_waits() -> None:
    world = World(1)
    first, second = pair(world)
    assert (first.told, second.told) == ([True], [False])
    assert (first.reads, second.reads) == (True, False)
    first.leave()
    world.run(SOON_MS)
    assert second.reads


def test_a_member_where_the_stream_is_led_and_one_elsewhere_are_in_one_group() -> None:
    world = World(2)
    here, there = world.nodes["a"].join(), world.nodes["b"].join()
    world.run(SOON_MS)
    assert (here.reads, there.reads) == (True, False)
    here.leave()
    world.run(SOON_MS)
    assert there.reads


def test_the_next_reads_when_the_node_of_the_active_one_is_killed() -> None:
    world = World(3)
    world.nodes["b"].join()
    other = world.nodes["c"].join()
    world.run(SOON_MS)
    world.kill("b")
    world.run(LATER_MS)
    assert other.reads


def test_who_is_cut_off_from_the_leader_stops_and_comes_again() -> None:
    world = World(4)
    first, second = pair(world)
    world.cut = {frozenset("ab")}
    world.run(LATER_MS)
    assert (first.reads, second.reads) == (False, True)
    assert first.told == [True, False]
    world.cut = set()
    world.run(LATER_MS)
    assert (first.reads, second.reads) == (False, True), "who reads a plain stream goes on"
    second.leave()
    world.run(SOON_MS)
    assert first.reads


def test_a_short_cut_changes_nothing() -> None:
    world = World(5)
    first, second = pair(world)
    world.cut = {frozenset("ab")}
    world.run(2_000)
    world.cut = set()
    world.run(SOON_MS)
    assert (first.told, second.told) == ([True], [False])


def test_an_answer_of_one_that_waits_does_not_count_once_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for stored offsets, so it may be late, and would make another one read."""
    world = World(14)
    told: list[int] = []
    for node in (world.nodes["b"], world.nodes["c"]):
        visits = node.groups.visits
        monkeypatch.setattr(visits, "answered", lambda _node, number: told.append(number))
    first, second = pair(world)
    assert (first.told, second.told, told) == ([True], [False], [])


def test_who_reads_goes_on_under_the_next_leader_and_is_told_nothing() -> None:
    world = World(6)
    first, second = pair(world)
    for leader in ("c", "a", "b"):
        world.lead("s", leader, 200)
        world.run(LATER_MS)
        assert (first.reads, second.reads) == (True, False)
    assert first.told == [True]


def test_the_next_leader_waits_for_who_may_still_read() -> None:
    world = World(7)
    first, second = pair(world)
    # b does not hear of the next leader, and reads on as long as the word of the last one holds.
    world.nodes["b"].copy["s"] = place = world.nodes["b"].copy["s"]
    world.cut = {frozenset("ab"), frozenset("bc")}
    world.lead("s", "c", 60_000)
    world.nodes["b"].copy["s"] = place
    world.run(2_000)
    assert (first.reads, second.reads) == (True, False)
    world.run(3_000)
    assert (first.reads, second.reads) == (False, True)


@pytest.mark.parametrize("seed", range(20))
def test_who_obeys_a_leader_that_hears_of_no_other_stops_in_time(seed: int) -> None:
    """Both have an old copy of the store, and hear each other."""
    world = World(seed)
    pair(world)
    world.run(20 * seed)
    world.lead("s", "c", 60_000)
    world.run(LATER_MS)


def test_partitions_are_shared_out_over_nodes_and_again_after_a_change() -> None:
    streams = [f"o-{number}" for number in range(3)]
    world = World(8, *streams)
    clients = []
    for name in "abc":
        clients.append([world.nodes[name].join(each, index=at) for at, each in enumerate(streams)])
        world.run(SOON_MS)
    world.run(LATER_MS)

    def shares() -> list[list[bool]]:
        return [[each.reads for each in of_one] for of_one in clients]

    even = [[True, False, False], [False, True, False], [False, False, True]]
    assert shares() == even
    world.cut = {frozenset("ab")}
    world.run(LATER_MS)
    world.cut = set()
    world.lead("o-2", "a", 500)
    world.run(2 * LATER_MS)
    assert shares() == even
    for client in clients.pop(0):
        client.leave()
    world.run(LATER_MS)
    assert shares() == [[True, False, True], [False, True, False]]


def test_a_node_that_does_not_lead_any_more_is_not_obeyed() -> None:
    world = World(9)
    first, second = pair(world)
    # a does not know yet that b leads, and would have the next one read.
    world.lead("s", "b", 0)
    deposed = world.nodes["a"]
    before = shared.Place("a", 1, world.id_of("s"))
    deposed.copy["s"], deposed.serves["s"] = before, 0
    for _ in range(20):
        world.run(200)
        deposed.copy["s"] = before
    assert (first.reads, second.reads) == (True, False)


@pytest.mark.parametrize("leader", ["a", "c"])
def test_who_has_not_heard_that_a_stream_is_gone_keeps_nobody_from_the_next_one(
    leader: str,
) -> None:
    """Both have the same name, and are in their first epoch."""
    world = World(15)
    before = world.nodes["b"].join()
    world.run(SOON_MS)
    assert before.reads
    world.deaf.add("b")
    world.anew("s", leader)
    world.run(SOON_MS)
    after = world.nodes["c"].join()
    world.run(LATER_MS)
    assert (before.reads, after.reads) == (False, True)
    world.hear("b")
    assert before.is_gone
    next_one = world.nodes["b"].join()
    world.run(LATER_MS)
    after.leave()
    world.run(SOON_MS)
    assert next_one.reads


def test_who_reads_the_next_one_asks_its_leader_before_that_has_heard_of_it() -> None:
    """It leads the stream that had the name before, in the same epoch."""
    world = World(16)
    old = world.nodes["b"].join()
    world.run(SOON_MS)
    world.anew("s", "a")
    leader, place = world.nodes["a"], world.nodes["a"].copy["s"]
    world.run(SOON_MS)
    assert old.is_gone
    leader.copy["s"] = shared.Place("a", 1, "s-0")
    new = world.nodes["c"].join()
    world.run(SOON_MS)
    assert new.told == []
    leader.copy["s"] = place
    world.run(SOON_MS)
    assert new.reads


def lead_others(world: World, stream: str, event: int) -> None:
    """Have another node lead a stream, or another stream have its name, or a node hear of none."""
    able = [each.name for each in world.nodes.values() if each.is_alive]
    name = world.random.choice(able)
    if event == 7:
        world.anew(stream, name, 3_000)
    elif event > 8:
        world.lead(stream, name, 3_000)
    elif name in world.deaf:
        world.hear(name)
    else:
        world.deaf.add(name)


@pytest.mark.parametrize("seed", range(40))
def test_at_most_one_reads_whatever_happens_and_one_does_in_the_end(seed: int) -> None:
    """``World.run`` looks at the first part in each step."""
    streams = ("s", "o-0", "o-1")
    world = World(seed, *streams)
    chance = world.random
    for _ in range(60):
        world.losses, world.slow_ms = chance.choice([0, 5, 40]), chance.choice([20, 200, 900])
        name = chance.choice("abc")
        node = world.nodes[name]
        match chance.randrange(11):
            case 0 | 1 | 2 if node.is_alive:
                stream = chance.choice(streams)
                node.join(stream, chance.choice(["app", "other"]), streams.index(stream) - 1)
            case 3 if node.clients:
                chance.choice(node.clients).leave()
            case 4:
                pair = frozenset(chance.sample("abc", 2))
                world.cut.symmetric_difference_update({pair})
            case 5 if all(each.is_alive for each in world.nodes.values()):
                world.kill(name)
            case 6 if not node.is_alive:
                world.restart(name)
            case event if event > 6:
                lead_others(world, chance.choice(streams), event)
            case _:
                pass
        world.run(chance.choice([20, 300, 2_000]))
    world.losses, world.slow_ms, world.cut = 0, 50, set()
    for each in world.nodes.values():
        if not each.is_alive:
            world.restart(each.name)
        world.hear(each.name)
    world.run(3 * LATER_MS)
    assert all(len(readers) == 1 for readers in world.readers().values()), "each group is read"


def test_a_leadership_that_is_over_makes_nobody_active() -> None:
    world = World(10)
    first, second = pair(world)
    leader = world.nodes["a"]
    del leader.serves["s"]
    world.run(2_000)
    first.leave()
    world.run(SOON_MS)
    assert second.told == [False]
    assert leader.groups.guests.are_none or second.told == [False]


def test_members_of_a_node_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "SEATS_MAX", 2)
    world = World(11)
    groups = world.nodes["b"].groups
    key = GroupKey("/", "s", "app")
    for _ in range(2):
        assert groups.has_room(key)
        world.nodes["b"].join()
    assert not groups.has_room(key)


def test_one_too_many_waits_until_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_active, "GROUP_MEMBERS_MAX", 2)
    world = World(12)
    first, second = pair(world)
    third, here = world.nodes["c"].join(), world.nodes["a"].join()
    assert not world.nodes["a"].groups.has_room(GroupKey("/", "s", "app"))
    world.run(SOON_MS)
    assert (third.told, here.told) == ([False], [False])
    first.leave()
    second.leave()
    world.run(shared.FULL_AGAIN_MS + SOON_MS)
    assert third.reads or here.reads


def test_nothing_is_left_of_members_that_have_gone() -> None:
    world = World(13)
    first, second = pair(world)
    here = world.nodes["a"].join()
    assert all(each.groups.is_used for each in world.nodes.values())
    for client in (first, second, here):
        client.leave()
        client.node.groups.leave(client.key, client)
        client.node.groups.answered(client.key, client)
    world.run(LATER_MS)
    for node in world.nodes.values():
        assert not node.groups.is_used
        assert not any(node.groups.visits.is_at(name) for name in "abc")
        assert not node.groups._streams
        assert not node.groups._waiting
        assert not node.groups.groups._groups

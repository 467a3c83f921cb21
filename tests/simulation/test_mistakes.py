"""The simulation finds the mistakes that are planted in the core's rules, one at a time.

The seed that finds each, counted from 0, and what it breaks first:

| mistake | seed | breaks |
|---|---|---|
| leader_not_synced: the leader counts its own record before its fdatasync | 0 | I1 |
| answer_before_fsync: a mirror answers what is written, not what is on disk | 1 | I1 |
| confirm_before_shrink: who is to leave is not waited for any more | 8 | I8 |
| joiner_not_waited: a joiner is waited for only once the store has answered | 3 | I8 |
| join_before_caught_up: a mirror joins without what is committed | 0 | I1 |
| join_at_commit_only: a joiner needs what a new leader knows to be committed | 7 | I1 |
| timeout_is_failure: a write without an answer is taken for one that failed | 33 | I8 |
| reread_settles: so is one that a read does not show yet | 14 | I1 |
| stale_watch: an old watch event replaces what is known | 65 | R12 |
| elect_longest: who lives is elected, member or not | 2 | I1 |
| give_up_to_anybody: a leader gives a queue up to who is no member | 0 | I1 |
| shrink_below_min: the in-sync set shrinks below min_isr | 6 | I9 |
| resume_epoch: a leader that restarts goes on in its epoch | 3 | I2 |
| forget_epoch: the promise is not on disk | by a script | I3 |
| old_epoch_accepted: frames below the promise are obeyed | 11 | I3 |
| truncate_by_length: logs are cut to the shorter length | 3 | I1 |
| mixed_snapshot: a snapshot's live set is older than its position | 417 | I5 |
| lsn_counts_in_catch_up: a link's LSN counts for a queue in catch-up | 446 | I1 |
| lsn_without_refuse: what was not obeyed is not refused | 120 | I1 |
| deliver_uncommitted: messages are delivered before they are committed | 24 | I6 |
| wiped_disk_rejoins: an empty disk takes part as the old one | 31 | I1 |
| stamp_at_boot_only: the stamp moves at starts only | 2199 | I1 |
| trust_restored_store: a store that went back is believed | 18 | I2 |
| any_lease: a lease that was taken after the election counts | 128 | I1 |
| wall_clock_lease: the lease is compared with a clock that jumps | 360 | I2 |
| not_waited_once_removed: who is to leave the replicas is not waited for any more | 5 | I8 |
| options_at_once: another min_isr holds before the store has answered | 45 | I9 |
| options_are_not_read: a leader knows the replicas of its own changes only | 0 | I7 |
| elects_by_old_options: an election drops members by a min_isr that was | 109 | I9 |
| drops_what_is_not_listed: who is not among the replicas drops its replica, news or not | 49 | I1 |
| moves_in_use: a queue is in use while its move is open | by a script | I5 |
| anew_as_member: a damaged replica begins anew though the in-sync set has it | 13 | I1 |
| anew_once_answered: so does one that has answered a leader of this epoch | 13 | I3 |
| short_leaves_alone: a mirror whose disk is nearly full leaves, whoever is left | 15 | I7 |
| short_leaves_silently: it leaves and refuses nothing | 15 | I7 |
| lets_go_while_open: a mirror is let go that an open write takes in | by a script | I1 |
| submitted_twice: what is submitted twice is appended twice | 0 | R23 |
| gap_swallows: a newer publish may overtake one that is submitted again | 2 | R23 |
| snapshot_without_fronts: a snapshot does not say what front ends have published | 375 | R23 |
| front_goes_back: a front end believes a leader older than the last | by a script | R23 |

The tests look from the seed that finds each, for 200 seeds. The order of a take-over (R11) nearly
covers for ``forget_epoch``, ``moves_in_use`` takes an answer that is lost just then, and
``front_goes_back`` a deposed leader that refuses, so scripted runs look for these three; 300 to
3,000 seeds do not find them.
``python -m tests.simulation --mistakes --seeds 10000`` looks for all from 0.
"""

import pytest

from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions
from tests.simulation.choices import do, enabled
from tests.simulation.cluster import Cluster, FrontEnd, Mistakes
from tests.simulation.explore import is_whole, run
from tests.simulation.mistakes import MISTAKES, ForgetEpoch, MovesInUse
from tests.simulation.violation import ViolationError

pytestmark = pytest.mark.planted

SEEDS_MAX = 200

FOUND_AT = {
    "leader_not_synced": (0, "I1"),
    "answer_before_fsync": (1, "I1"),
    "confirm_before_shrink": (8, "I8"),
    "joiner_not_waited": (3, "I8"),
    "join_before_caught_up": (0, "I1"),
    "join_at_commit_only": (7, "I1"),
    "timeout_is_failure": (33, "I8"),
    "reread_settles": (14, "I1"),
    "stale_watch": (65, "R12"),
    "elect_longest": (2, "I1"),
    "give_up_to_anybody": (0, "I1"),
    "resume_epoch": (3, "I2"),
    "old_epoch_accepted": (11, "I3"),
    "truncate_by_length": (3, "I1"),
    "mixed_snapshot": (417, "I5"),
    "lsn_counts_in_catch_up": (446, "I1"),
    "lsn_without_refuse": (120, "I1"),
    "deliver_uncommitted": (24, "I6"),
    "wiped_disk_rejoins": (31, "I1"),
    "stamp_at_boot_only": (2199, "I1"),
    "trust_restored_store": (18, "I2"),
    "any_lease": (128, "I1"),
    "wall_clock_lease": (360, "I2"),
    "shrink_below_min": (6, "I9"),
    "not_waited_once_removed": (5, "I8"),
    "options_at_once": (45, "I9"),
    "options_are_not_read": (0, "I7"),
    "elects_by_old_options": (109, "I9"),
    "drops_what_is_not_listed": (49, "I1"),
    "anew_as_member": (13, "I1"),
    "anew_once_answered": (13, "I3"),
    "short_leaves_alone": (15, "I7"),
    "short_leaves_silently": (15, "I7"),
    "submitted_twice": (0, "R23"),
    "gap_swallows": (2, "R23"),
    "snapshot_without_fronts": (375, "R23"),
}


@pytest.mark.parametrize("mistake", FOUND_AT)
def test_a_planted_mistake_breaks_a_promise(mistake: str) -> None:
    first, rule = FOUND_AT[mistake]
    runs = (run(seed, MISTAKES[mistake]) for seed in range(first, first + SEEDS_MAX))
    made = next(made for made in runs if made.broken is not None)
    if made.seed == first:
        assert made.broken is not None
        assert made.broken.startswith(rule)


def test_every_mistake_has_a_row() -> None:
    assert __doc__ is not None
    assert [name for name in MISTAKES if f"| {name}: " not in __doc__] == []
    assert set(FOUND_AT) <= set(MISTAKES)


DEPOSED_LEADER_AND_A_MIRROR_THAT_RESTARTS = (
    ("cut", "a", "b"),
    ("cut", "a", "etcd"),
    ("reset", "a", "b"),
    ("expire", "a"),
    ("campaign", "b"),
    ("elect", "b", "q", "b"),
    ("apply", ("b", "q", "elect", "b", 4)),
    ("get", "b", "q"),
    ("sync", "b"),
    ("connect", "b", "c"),
    ("attach", "b", "c", "q"),
    ("down", "b", "c"),
    ("sync", "c"),
    ("crash", "c", 0),
    ("start", "c"),
    ("connect", "a", "c"),
    ("attach", "a", "c", "q"),
    ("down", "a", "c"),
)
"""c promises b's epoch, restarts, and is fenced by a, whom nobody has told."""


def led_by_a(rules: Rules, mistakes: Mistakes | None = None) -> Cluster:
    """A cluster in which a serves q, with both mirrors live."""
    queues = {"q": QueueOptions(("a", "b", "c"), 2)}
    cluster = Cluster("abc", queues, rules=rules, mistakes=mistakes)
    order = ("get", "sync", "connect", "attach", "down", "up")
    while not is_whole(cluster):
        events = enabled(cluster)
        do(cluster, next(event for kind in order for event in events if event[0] == kind))
    return cluster


def test_a_promise_that_is_not_on_disk_is_seen() -> None:
    for rules in (Rules(), ForgetEpoch()):
        cluster = led_by_a(rules)
        for event in DEPOSED_LEADER_AND_A_MIRROR_THAT_RESTARTS[:-1]:
            do(cluster, event)
        if isinstance(rules, ForgetEpoch):
            with pytest.raises(ViolationError, match="I3 q"):
                do(cluster, DEPOSED_LEADER_AND_A_MIRROR_THAT_RESTARTS[-1])
        else:
            do(cluster, DEPOSED_LEADER_AND_A_MIRROR_THAT_RESTARTS[-1])


HANDED_OVER_AND_NOT_TOLD = (
    ("publish", "a", "q"),
    ("handover", "a", "q", "b"),
    ("sync", "a"),
    ("down", "a", "b"),
    ("sync", "b"),
    ("down", "a", "c"),
    ("sync", "c"),
    ("up", "a", "b"),
    ("up", "a", "c"),
    ("tick",),
    ("apply", ("a", "q", "move", "#0.1", 4)),
    ("cut", "a", "b"),
    ("cut", "b", "a"),
    ("cut", "a", "c"),
    ("get", "b", "q"),
    ("sync", "b"),
    ("connect", "b", "c"),
    ("attach", "b", "c", "q"),
    ("down", "b", "c"),
    ("sync", "c"),
    ("up", "b", "c"),
    ("down", "b", "c"),
    ("sync", "c"),
    ("up", "b", "c"),
    ("shrink", "b", "q", "a0"),
    ("apply", ("b", "q", "shrink", "a0", 5)),
    ("reply", ("b", "q", "shrink", "a0", 5)),
    ("deliver", "b", "q"),
    ("settle", "b", "q", 2),
    ("sync", "b"),
    ("down", "b", "c"),
    ("sync", "c"),
    ("up", "b", "c"),
)
"""q was in use and moved to b; its consumer settled there. The store's answer has not reached a."""


def test_a_queue_that_is_in_use_while_its_move_is_open_is_seen() -> None:
    for rules in (Rules(), MovesInUse()):
        cluster = led_by_a(rules)
        for event in HANDED_OVER_AND_NOT_TOLD:
            assert event in enabled(cluster)
            do(cluster, event)
        again = ("deliver", "a", "q")
        assert (again in enabled(cluster)) == isinstance(rules, MovesInUse)
        if isinstance(rules, MovesInUse):
            with pytest.raises(ViolationError, match="I5 q"):
                do(cluster, again)


DEPOSED_LEADER_AND_A_FRONT_END = (
    *DEPOSED_LEADER_AND_A_MIRROR_THAT_RESTARTS[:13],
    ("up", "b", "c"),
    ("down", "b", "c"),
    ("sync", "c"),
    ("up", "b", "c"),
    ("offer", "x", "q"),
    ("submit", "x", "q", "b", 1),
)
"""b serves, and has what x submitted; a was never told, and has not stopped."""


def test_a_front_end_that_believes_an_older_leader_is_seen() -> None:
    for mistakes in (Mistakes(), Mistakes(front_goes_back=True)):
        cluster = led_by_a(Rules(), mistakes)
        cluster.fronts["x", "q"] = FrontEnd()
        for event in DEPOSED_LEADER_AND_A_FRONT_END:
            do(cluster, event)
        refused = ("refuse", "x", "q", "a", 1)
        assert (refused in enabled(cluster)) == mistakes.front_goes_back
        if mistakes.front_goes_back:
            for event in (refused, ("sync", "b"), ("down", "b", "c"), ("sync", "c")):
                do(cluster, event)
            with pytest.raises(ViolationError, match="R23 q: x's 1 was refused"):
                do(cluster, ("up", "b", "c"))

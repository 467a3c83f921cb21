"""How often events of a kind are chosen, and how often each may happen in a run."""

import random
from collections import defaultdict

from tests.simulation import choices
from tests.simulation.choices import Event
from tests.simulation.cluster import Cluster

STEADY = {
    "publish": 6, "publishrun": 2, "deliver": 5, "settle": 5, "sync": 12, "down": 24, "up": 24,
    "apply": 10, "reply": 10, "attach": 14, "connect": 12, "get": 10, "elect": 8, "campaign": 6,
    "register": 8, "start": 8, "renew": 5, "grow": 8, "touch": 8, "late": 3, "expire": 8,
    "resume": 2, "heal": 2, "eup": 2, "read": 12, "space": 2,
}  # fmt: skip
"""How often a kind is chosen, beside the others that may happen: what goes on without faults."""

FAULTS = {
    "getlate": 1, "watch": 1, "compact": 2, "stamp": 2, "tick": 3, "shrink": 3, "move": 1,
    "crash": 2, "pause": 1, "image": 1, "restore": 20, "wipe": 20, "reset": 1, "cut": 1, "edown": 1,
    "esnap": 1, "erestore": 3, "recover": 1, "promote": 20, "jump": 2, "timeout": 2, "drop": 2,
    "syncpart": 4, "fsyncerror": 1, "fill": 1,
}  # fmt: skip
"""The same for what ends with the heal."""

OF_FRONTS = {
    "offer": 6, "submit": 14, "answer": 8, "refuse": 1, "unanswered": 2, "again": 1,
}  # fmt: skip
"""The same of front ends, where there are any."""

OF_SOME_SEEDS = {
    "giveup": (3, (0,), 6), "handover": (5, (1, 2), 6), "change": (4, (1,), 6),
    "delete": (4, (1,), 1), "damage": (7, (6,), 4), "short": (11, (4,), 3),
    "roomy": (11, (4,), 3), "alone": (7, (6,), 1),
}  # fmt: skip
"""Kinds that only some seeds know, by their rest; how often each may happen in such a run."""

WEIGHTS_OF_SOME = {
    "giveup": 3,
    "handover": 6,
    "change": 4,
    "delete": 0.3,
    "join": 14,
    "forget": 8,
    "damage": 2,
    "anew": 8,
    "resign": 6,
    "alone": 1,
    "short": 4,
    "roomy": 1,
    "later": 6,
}
"""Their weights. They are not drawn, so the other seeds are what they were before."""

USERS = ("publishrun", "deliver", "settle", "offer", "refuse", "unanswered", "again")

BY_TIMERS = frozenset(("attach", "grow", "touch"))
"""What only the cores decide during a heal, where they have timers."""

BUDGET = {
    "shrink": 6, "move": 3, "crash": 5, "pause": 3, "image": 2, "reset": 6, "cut": 5, "edown": 2,
    "esnap": 1, "jump": 1, "timeout": 5, "drop": 3, "tick": 40, "compact": 6, "getlate": 4,
    "watch": 6, "stamp": 8, "fsyncerror": 1, "fill": 2, "syncpart": 12,
    "publishrun": 6,
}  # fmt: skip
"""How often a kind may happen in a run, at most; a run takes all of it, half, or nothing."""

RARE = {
    "wipe": {"crash": 3},
    "restore": {"crash": 3, "image": 2, "stamp": 8},
    "erestore": {"esnap": 1, "stamp": 12},
    "promote": {"jump": 3},
}
"""Kinds of which one run in two has one, with what it takes for them to happen."""

WEIGHTS = STEADY | FAULTS


def choose(
    chance: random.Random, cluster: Cluster, weights: dict[str, float], without: frozenset[str]
) -> Event | None:
    """One of the events that may happen: a kind by weight, then any of its events."""
    kinds: dict[str, list[Event]] = defaultdict(list)
    for event in choices.enabled(cluster):
        if event[0] not in without:
            kinds[str(event[0])].append(event)
    if not kinds:
        return None
    names = sorted(kinds)
    kind = chance.choices(names, [weights[name] for name in names])[0]
    return chance.choice(kinds[kind])

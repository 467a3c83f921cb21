"""What of a user's settings holds in a cluster that is put to the test, and what cannot: pure.

All sections hold that say how messages are kept, what is allowed and what things may cost. Where
nodes listen, where their data are, who logs in and how they find each other is the test's own.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, NamedTuple

_LOGIN: Final = "the load logs in as a user of its own, in the vhost /"
_LINKS: Final = "nodes of one machine, with relays between them that can be cut"

REPLACED: Final[Mapping[str, str]] = {
    "net.listeners": "each node serves AMQP without TLS, on a loopback address of its own",
    "net.tls": "no listener here speaks TLS",
    "management": "nothing listens for HTTP",
    "broker.data_dir": "data are in a new folder, which is removed at the end",
    "broker.node_name": "nodes are n1, n2 and so on",
    "broker.load_definitions": "a node of a cluster loads none; policies are the cluster's own",
    "broker.default_user": _LOGIN,
    "broker.default_pass": _LOGIN,
    "broker.default_vhost": _LOGIN,
    "broker.default_user_tags": _LOGIN,
    "broker.default_permissions": _LOGIN,
    "broker.loopback_users": _LOGIN,
    "broker.event_exchange_vhost": "nothing of it is looked at",
    "cluster.name": "a store of its own has one cluster",
    "cluster.etcd": "an etcd of its own is started, and yours is not spoken to",
    "cluster.secret_file": "a secret is made",
    "cluster.links": _LINKS,
    "cluster.zone": "all nodes are on one machine",
}
"""Keys that do not hold, and why."""


class Taken(NamedTuple):
    """What is taken over.

    Attributes:
        sections: of the settings, as their file has them; without the replaced keys.
        left_out: the keys that the user gave and that do not hold, and why.
    """

    sections: dict[str, Any]
    left_out: dict[str, str]


def taken_over(raw: Mapping[str, Any]) -> Taken:
    """Return what holds of a user's settings.

    Args:
        raw: as the file says it, and valid.
    """
    sections = deepcopy(dict(raw))
    left_out = {}
    for path, reason in REPLACED.items():
        section, _, key = path.partition(".")
        if key:
            held = sections.get(section) or {}
            found = held.pop(key, None) is not None
        else:
            found = sections.pop(section, None) is not None
        if found:
            left_out[path] = reason
    return Taken({name: held for name, held in sections.items() if held}, left_out)


def lines_of(taken: Taken) -> list[str]:
    """Return what is to be said of it: a line for each section that holds, then the others."""
    lines = []
    for name, section in taken.sections.items():
        lines.append(f"holds: {name}: {', '.join(sorted(section))}")
    by_reason: dict[str, list[str]] = {}
    for path, reason in taken.left_out.items():
        by_reason.setdefault(reason, []).append(path)
    lines += [f"left out: {', '.join(paths)}: {reason}" for reason, paths in by_reason.items()]
    return lines

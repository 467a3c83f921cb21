"""What the etcd of a cluster under test is asked, from outside of all nodes: is it well, who leads.

It knows that also while no node serves.
"""

import json
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cluster.metadata.keys import KeySpace
from cluster.metadata.records import decode_queue_state

ANSWER_S: Final = 3.0
LEASE_PROGRAM: Final = b"cluster.liveness"
VHOST: Final = "/"
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxy the environment names: etcd is on this machine."""


def is_well(url: str) -> bool:
    """Return whether an etcd answers and says that it is healthy."""
    try:
        with _OPENER.open(f"{url}/health", timeout=ANSWER_S) as answer:
            return bool(json.load(answer).get("health") == "true")
    except (OSError, ValueError):
        return False


def leader_in(urls: Iterable[str], cluster: str, queue: str) -> str | None:
    """Return the node that leads a queue of the vhost /; None: nobody does, or nobody answers.

    Args:
        urls: of the etcds, asked one after another.
        cluster: name of it.
        queue: name of it.
    """
    key = KeySpace(cluster).queue_state(VHOST, queue)
    question = json.dumps({"key": b64encode(key).decode()}).encode()
    for url in urls:
        try:
            with _OPENER.open(f"{url}/v3/kv/range", question, ANSWER_S) as answer:
                found = json.load(answer).get("kvs", [])
        except (OSError, ValueError):
            continue
        if found:
            return decode_queue_state(b64decode(found[0]["value"])).state.leader
    return None


def renewing_leases(pids: Iterable[int]) -> list[int]:
    """Return those of some processes that renew the lease of a node."""
    found = []
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if LEASE_PROGRAM in words:
            found.append(pid)
    return found

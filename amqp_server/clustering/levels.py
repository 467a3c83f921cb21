"""The feature level of a cluster: which forms of records, frames and data all nodes write.

    release 2 on some nodes   they can read level 2, and write level 1
    release 2 on all nodes    still so; a node may go back to release 1
    raise_level               all of them write level 2; a node of release 1 takes no part any more

The level is in the metadata store. A node says in its ``live`` key what it can read, and compares
the level before it takes part (``cluster.node.joining``).
"""

import asyncio
import logging
from typing import Final

from amqp_server.broker.cluster import StoreAwayError
from amqp_server.broker.errors import PreconditionFailedError
from cluster.metadata.keys import FEATURE_LEVEL
from cluster.metadata.port import (
    Absent,
    Comparison,
    CreateRevision,
    Done,
    ModRevision,
    Put,
    Read,
    Refused,
    Transaction,
)
from cluster.metadata.records import decode_level, encode_level
from cluster.node.fitting import NodeFrozenError
from cluster.node.node import ClusterNode

log = logging.getLogger(__name__)

RETRY_S: Final = 0.01


async def raise_level(node: ClusterNode) -> int:
    """Raise the level to the highest that all members can read, and return it; never lower it.

    Raises:
        PreconditionFailedError: a member does not run, or came or went meanwhile.
        StoreAwayError, MetadataError: the store did not answer.
    """
    key = node.keys.key("meta", FEATURE_LEVEL)
    while True:
        found = await node.store.transact(Transaction(then=(Read(key),)))
        if not isinstance(found, Done):
            raise StoreAwayError("the metadata store does not answer")
        item = found.reads[0]
        present = 1 if item is None else decode_level(item.value)
        wanted, compare = _readable(node)
        if wanted <= present:
            return present
        unchanged = Absent(key) if item is None else ModRevision(key, item.mod_revision)
        put = Put(key, encode_level(wanted))
        outcome = await node.store.transact(Transaction((unchanged, *compare), (put,)))
        if isinstance(outcome, Done):
            log.warning("the feature level is raised from=%d to=%d", present, wanted)
            await node.follower.wait_for(outcome.revision)
            return wanted
        if isinstance(outcome, Refused):
            raise PreconditionFailedError("a node came or went meanwhile: look again")
        await asyncio.sleep(RETRY_S)


def _readable(node: ClusterNode) -> tuple[int, list[Comparison]]:
    """Return the highest level that all members can read, and that they are those that run."""
    view = node.view
    away = sorted(set(view.members).difference(view.live))
    if away:
        text = f"{', '.join(away)} does not run, and what it can read is not known: start it"
        raise PreconditionFailedError(f"{text}, or take it out of the cluster; nothing was done")
    compare: list[Comparison] = [
        CreateRevision(node.keys.key("live", name), view.live[name].incarnation)
        for name in view.members
    ]
    return min(view.live[name].record.wire_versions[1] for name in view.members), compare


def require_known_level(node: ClusterNode) -> None:
    """End this node where the cluster writes what it cannot read: it has missed that it joined."""
    level, greatest = node.view.feature_level, node.options.levels[1]
    if level > greatest:
        text = f"the cluster has feature level {level}, and this release knows {greatest} at most"
        node.part.fail(NodeFrozenError(text))

"""A node's definitions from its disk to the metadata store of a cluster, while it does not run.

The disk stays as it is. A queue's id in the cluster is the node's id and the queue's own number
there, so that its messages are found again.
"""

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from amqp_server import exit_status
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.clustered.waiting import waiting_queue
from amqp_server.broker.definitions.definition import ExchangeDefinition, QueueDefinition
from amqp_server.broker.definitions.restore import read_stored
from amqp_server.broker.definitions.table import TABLE
from amqp_server.net.timers import now_ms
from cluster.definitions.desk import Desk
from cluster.definitions.moving import Moved, Pair, moving
from cluster.definitions.references import References
from cluster.metadata.errors import MetadataError
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.keys import KeySpace
from exchanges.delayed_message import TYPE as DELAYED
from persistence.data_directory import FORMAT_PATH, open_data_directory
from persistence.definitions_store import open_definitions
from persistence.errors import DamagedError, DataDirectoryError, StorageError

EXPECTED_ERRORS: Final = (MetadataError, StorageError, OSError, ValueError)
"""What is for the operator to mend, and no bug."""


def status_of(error: Exception) -> int:
    """Return the exit status of a move that ended with an expected error."""
    if isinstance(error, MetadataError):
        return exit_status.UNAVAILABLE
    return exit_status.USAGE if isinstance(error, ValueError) else exit_status.status_of(error)


def address_with(
    urls: tuple[str, ...],
    user: str,
    password_file: Path | None,
    tls_files: Mapping[str, Path | None],
) -> EtcdAddress:
    """Return where etcd is.

    Args:
        urls: of its members.
        user: where it asks for a login; empty where it does not.
        password_file: its first line is the password; None is no password.
        tls_files: ``ca_file``, ``certificate_file`` and ``key_file``, each of which may be None.

    Raises:
        OSError: the file of the password cannot be read.
    """
    lines = password_file.read_text("utf-8").splitlines() if password_file is not None else []
    ca_file, certificate_file, key_file = (
        str(tls_files.get(name) or "") for name in ("ca_file", "certificate_file", "key_file")
    )
    password = lines[0] if lines else ""
    return EtcdAddress(urls, user, password, ca_file, certificate_file, key_file)


def pairs_of(path: Path, keys: KeySpace) -> tuple[str, list[Pair]]:
    """Return the node's id and its definitions as they are in a store, what is needed first.

    Raises:
        StorageError: the folder is none of a node, it is in use, or not all of it can be read.
        OSError: the disk refuses.
    """
    if not (path / FORMAT_PATH).exists():
        raise DataDirectoryError(f"data directory {path}: there is no node's data")
    stored = StoredDefinitions(keys)
    with open_data_directory(path, secrets.token_bytes) as directory:
        replay = open_definitions(directory.files)
        found = read_stored(replay.items().items())
    for problem in (*replay.damages, *found.unreadable):
        raise DamagedError(f"data directory {path}: {problem}; nothing was moved")
    order = {row.word: number for number, row in enumerate(TABLE.rows)}
    pairs = []
    for _, definition in sorted(found.definitions, key=lambda each: order[each[0][0]]):
        queue_id = ""
        if isinstance(definition, QueueDefinition):
            queue_id = f"{directory.node_id}-{definition.queue_id}"
        value = stored.value_of(definition, queue_id)
        pairs.append(Pair(stored.key_of(definition), value))
        if isinstance(definition, ExchangeDefinition) and definition.exchange_type == DELAYED:
            # Alike each time that the move is begun.
            waiting_id = f"{directory.node_id}-{definition.queue_id}"
            waiting = waiting_queue(
                definition.vhost, definition.name, waiting_id, durable=definition.durable
            )
            pairs.append(Pair(stored.key_of(waiting), stored.value_of(waiting, waiting_id)))
    return directory.node_id, pairs


def move(path: Path, address: EtcdAddress, cluster: str, *, into_existing: bool) -> Moved:
    """Put a node's definitions into a cluster, and read them back.

    Raises:
        StorageError, OSError: see ``pairs_of``.
        MetadataError: etcd did not take it all; it may be begun anew.
        ValueError: an endpoint is no URL.
    """
    keys = KeySpace(cluster)
    source, pairs = pairs_of(path, keys)

    async def run() -> Moved:
        store = address.opened(now_ms)
        try:
            desk = Desk(store, keys, f"move of {source}", secrets.token_hex(8), now_ms)
            inquiry = moving(References(keys), pairs, source, into_existing=into_existing)
            return await desk.run(inquiry)
        finally:
            await store.close()

    return asyncio.run(run())

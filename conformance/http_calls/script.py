"""All calls of the HTTP differential: a scene is made, looked at, changed and removed.

Each is made to both brokers as the same user. Reads look at what the calls before have made.
"""

from typing import Final

from conformance.http_calls import (
    accounts,
    clients,
    definitions,
    federation,
    messages,
    policies,
    shovels,
    streams,
    topology,
)

SCENE: Final = (*accounts.SCENE, *topology.SCENE, *messages.SCENE, *policies.SCENE)
"""Before the client comes."""

REST: Final = (
    *accounts.READS,
    *topology.READS,
    *policies.READS,
    *definitions.READS,
    *clients.READS,
    *accounts.WRITES,
    *topology.WRITES,
    *messages.WRITES,
    *policies.WRITES,
    *definitions.WRITES,
    *clients.WRITES,
)
"""While the client is there."""

PLUGINS: Final = (
    *streams.SCENE,
    *streams.CALLS,
    *shovels.SCENE,
    *shovels.CALLS,
    *shovels.END,
    *federation.SCENE,
    *federation.CALLS,
    *federation.END,
)
"""Then what RabbitMQ has plugins for: a client of streams comes, then a shovel, then links."""

RESETS: Final = accounts.RESETS
"""Nothing looks at anything after these."""

REMOVAL: Final = (*policies.REMOVAL, *accounts.REMOVAL)

ALL: Final = (*SCENE, *REST, *PLUGINS, *RESETS, *REMOVAL)
"""In their order."""

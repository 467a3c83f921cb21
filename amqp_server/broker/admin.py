"""The table of the commands of management on a broker, by name.

A command is carried out in steps (``broker.steps``), because clients decide how long a deletion
takes. ``CommandJob`` takes the steps within the budget of turns, and gives the answer once all that
the command did is safe.

A command that names a user as ``username`` checks the rights that AMQP asks of that user. The
caller of any other command decides who may give it. All other checks of AMQP are made here, with
the same errors.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from amqp_server.broker.access.passwords import SALT_BYTES, hash_password
from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.arguments.streams import age_ms
from amqp_server.broker.cluster import (
    NotClusteredError,
    PeerAwayError,
    PeerRefusedError,
    Promotion,
    StoreAwayError,
    UnknownOutcomeError,
)
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.commands.accounts import AccountCommands, LogIn
from amqp_server.broker.commands.cluster import (
    ClusterCommands,
    loss_text,
    promotion_warnings,
)
from amqp_server.broker.commands.connections import ConnectionCommands
from amqp_server.broker.commands.decided import DECIDED, REFUSED, DecidedCommands
from amqp_server.broker.commands.job import Answer, CommandJob
from amqp_server.broker.commands.jobs import JobCommands, JobView
from amqp_server.broker.commands.looking import LookingCommands
from amqp_server.broker.commands.messages import Got, MessageCommands, Published, SettledBy
from amqp_server.broker.commands.picking import (
    Fate,
    Picked,
    PickingCommands,
    TakenOut,
    Target,
)
from amqp_server.broker.commands.streams import StreamCommands
from amqp_server.broker.commands.tailing import Tailing, TailingCommands
from amqp_server.broker.commands.topology import TopologyCommands
from amqp_server.broker.commands.vhosts import VhostCommands
from amqp_server.broker.commands.waiting import Dropped, WaitingCommands, WaitingMessage
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.item import DefinitionsError, typed_table
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    DeletionProtectedError,
    InvalidMessageError,
    NodeLimitError,
    NotAllowedError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    ReplyConsumerError,
    ResourceLockedError,
    UndecidedError,
    UnreadableError,
)
from amqp_server.broker.events import acting
from amqp_server.broker.federation.upstream import COMPONENTS as FEDERATION_COMPONENTS
from amqp_server.broker.jobs.pace import RATE_MAX
from amqp_server.broker.messages.json_path import PathError
from amqp_server.broker.messages.json_test import JsonTest
from amqp_server.broker.messages.looks import HeldPlace, Look, Peeked, Wanted
from amqp_server.broker.messages.message_filter import MessageFilter
from amqp_server.broker.messages.shown import shown_properties, shown_types
from amqp_server.broker.messages.written import PropertyTypeError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.shovels.definition import local_vhosts
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.super_streams import PARTITIONS_MAX
from amqp_server.broker.tapping.tap import Passed
from amqp_server.wire.tables import Table
from queues.kinds import KINDS
from queues.looking import LookPlace
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec

__all__ = [
    "COMMANDS",
    "FEDERATION_COMPONENTS",
    "FIRST",
    "KINDS",
    "LAST",
    "NEXT",
    "PARTITIONS_MAX",
    "RATE_MAX",
    "SALT_BYTES",
    "AccessRefusedError",
    "Admin",
    "Answer",
    "BrokerError",
    "Command",
    "CommandJob",
    "CommandTable",
    "DefinitionsError",
    "DeletionProtectedError",
    "Dropped",
    "ExchangeProperties",
    "Fate",
    "GlobalParameterDefinition",
    "Got",
    "HeldPlace",
    "InvalidMessageError",
    "JobView",
    "JsonTest",
    "LogIn",
    "Look",
    "LookPlace",
    "MessageFilter",
    "NodeLimitError",
    "NotAllowedError",
    "NotClusteredError",
    "NotFoundError",
    "NotSupportedError",
    "OffsetKind",
    "OffsetSpec",
    "ParameterDefinition",
    "Passed",
    "PathError",
    "Peeked",
    "PeerAwayError",
    "PeerRefusedError",
    "Picked",
    "Policy",
    "PreconditionFailedError",
    "Promotion",
    "PropertyTypeError",
    "Published",
    "ReplyConsumerError",
    "ResourceLockedError",
    "SettledBy",
    "StoreAwayError",
    "Table",
    "Tailing",
    "TakenOut",
    "Target",
    "UndecidedError",
    "UnknownOutcomeError",
    "UnreadableError",
    "VhostDefinition",
    "WaitingMessage",
    "Wanted",
    "age_ms",
    "hash_password",
    "local_vhosts",
    "loss_text",
    "promotion_warnings",
    "shown_properties",
    "shown_types",
    "typed_table",
]
"""The table, and the types of what commands take, answer and raise: management imports no other."""


class Command(NamedTuple):
    """A row of the table.

    Attributes:
        needs: names of all its arguments, after the time.
        carry_out: does it, in steps; raises a ``BrokerError`` if it is refused.
    """

    needs: tuple[str, ...]
    carry_out: Callable[..., WaitingSteps[object]]


CommandTable: TypeAlias = Mapping[str, Command]


class Admin(
    TopologyCommands,
    StreamCommands,
    MessageCommands,
    LookingCommands,
    PickingCommands,
    JobCommands,
    TailingCommands,
    WaitingCommands,
    ConnectionCommands,
    VhostCommands,
    AccountCommands,
    ClusterCommands,
):
    """The commands as functions; ``COMMANDS`` is the table of them."""

    def begin(
        self,
        name: str,
        given: Mapping[str, object],
        answer: Callable[[Answer], None],
        actor: str = "",
    ) -> CommandJob:
        """Begin a command: it goes on in the turns to come.

        The caller has the loop make a turn. ``CommandJob.give_up`` ends it early.

        Args:
            name: of the command.
            given: its arguments, by name.
            answer: called once, with what came of it.
            actor: the user who asks for it, as events name it; empty is the node itself.
        """
        steps = acting(self._broker.events, actor, self._beginning(name, given))
        job = CommandJob(self._broker, steps, answer)
        self._broker.turn.later(job)
        return job

    def _beginning(self, name: str, given: Mapping[str, object]) -> WaitingSteps[object]:
        """Carry a command out, at the time of its first turn: the last one may be long ago."""
        broker, decisions = self._broker, self._broker.decisions
        if decisions is None:
            return (yield from COMMANDS[name].carry_out(self, broker.turn.now_ms, **given))
        return (yield from self._deciding(decisions, name, given))

    def _deciding(
        self, decisions: Decisions, name: str, given: Mapping[str, object]
    ) -> WaitingSteps[object]:
        """Carry a command out on a node of a cluster; what it does not find is looked up once."""
        for is_last in (False, True):
            now_ms = self._broker.turn.now_ms
            try:
                if name in DECIDED:
                    commands = DecidedCommands(self._broker, decisions)
                    return (yield from DECIDED[name](commands, now_ms, **given))
                if name in REFUSED:
                    raise NotSupportedError(f"{name} is not offered by a node of a cluster")
                return (yield from COMMANDS[name].carry_out(self, now_ms, **given))
            except NotFoundError:
                if is_last:
                    raise
            yield from decisions.looking_up_named(given)
        raise AssertionError("the last attempt returns or raises")


def _command(function: Callable[..., WaitingSteps[object]]) -> Command:
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    return Command(code.co_varnames[2:count], function)


COMMANDS: Final[CommandTable] = {
    name: _command(function)
    for commands in Admin.__mro__[1:-1]
    for name, function in vars(commands).items()
    if name[0] != "_"
}
"""Every command by name: its arguments, and its function."""

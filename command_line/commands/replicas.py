"""``haremq queues leader``, ``replicas`` and ``promote``: where a mirrored queue is."""

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError
from command_line.leaf import argument, flag, group, leaf
from command_line.session import Session


@leaf(argument("name"), argument("node", required=False), name="move")
def move_leader(session: Session, name: str, node: str | None) -> None:
    """Have another member of the in-sync set lead a queue: this one, or any."""
    body = {"node": node} if node else {}
    path = path_of("queues", session.vhost, name, "leader")
    done = session.api.call("POST", path, body)
    session.output.said(f"{(done or {}).get('leader')} leads {name}")


@leaf(argument("name"), shows=True)
def show(session: Session, name: str) -> None:
    """Show the replicas of a queue: who leads, who is in sync, who is behind.

    What waits behind a delayed exchange is in a queue that is named as other commands show it:
    "(waits for exchange 'orders')".
    """
    found = session.api.thing(path_of("queues", session.vhost, name, "replicas"))
    rows: list[Thing] = [
        {**each, "leads": each["node"] == found["leader"]} for each in found["replicas"]
    ]
    if not rows:
        raise CommandError(f"the queue {name} is not mirrored", exit_status.DATA)
    session.output.rows(rows, ("node", "leads", "in_sync", "online", "lag"))


@leaf(argument("name"), argument("node"))
def add(session: Session, name: str, node: str) -> None:
    """Have a node get a replica of a queue; it catches up afterwards."""
    session.api.call("PUT", path_of("queues", session.vhost, name, "replicas", node))


@leaf(argument("name"), argument("node"), asks=True)
def remove(session: Session, name: str, node: str) -> None:
    """Have a node give its replica of a queue up."""
    session.agree(f"remove the replica of the queue {name} from {node}")
    session.api.call("DELETE", path_of("queues", session.vhost, name, "replicas", node))


@leaf(
    argument("name"),
    argument("node"),
    flag("--accept-data-loss", text="What only the members had is lost, and that is accepted."),
)
def promote(session: Session, name: str, node: str, *, accept_data_loss: bool) -> None:
    """Have a replica lead alone that is not in sync, when no member will come back.

    A leader that is damaged is meant, too, where no other member has its disk: it gives up what it
    cannot read, and keeps the rest.
    Without --accept-data-loss it says what would be lost and what speaks against this replica: that
    it is damaged, was emptied, or is behind another one. Then it does nothing.
    """
    path = path_of("queues", session.vhost, name, "promotion", node)
    asked = session.api.thing(path)
    if not asked["possible"]:
        raise CommandError(str(asked["refusal"]), exit_status.DATA)
    for each in (*asked.get("warnings", ()), asked["loss"]):
        session.note(str(each))
    if not accept_data_loss:
        raise CommandError("say --accept-data-loss to do it", exit_status.USAGE)
    done = session.api.call("POST", path, {"accept_data_loss": True})
    session.output.said(f"{node} leads {name} in epoch {(done or {}).get('epoch')}")


leader: click.Group = group("leader", "The leader of a mirrored queue: move.", move_leader)
replicas: click.Group = group(
    "replicas", "The replicas of a mirrored queue: show, add, remove.", show, add, remove
)

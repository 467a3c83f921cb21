"""Front ends: they number what they publish, and submit it until they are answered (R23).

A front end may submit whatever is open to whoever serves, in any order and again and again: that
is what lost answers, new leaders and several channels do. ``again`` is a copy that comes late.
"""

from collections.abc import Callable

from cluster.replication.leadership import Leadership
from cluster.replication.publishers import Finding, Front, Publishers, Submission
from tests.simulation.cluster import Cluster, FrontEnd
from tests.simulation.machine import Machine

OPEN_MAX = 4
"""A front end makes no more messages than that without an answer."""


def offer(cluster: Cluster, front: str, queue: str) -> None:
    """A program publishes; nothing was submitted yet."""
    end = cluster.fronts[front, queue]
    end.made += 1
    end.open.append(end.made)


def submit(cluster: Cluster, front: str, queue: str, name: str, number: int) -> None:
    """An open message reaches a leader."""
    _submit(cluster, front, queue, name, number)
    end = cluster.fronts[front, queue]
    end.epoch = max(end.epoch, _lead(cluster, name, queue).epoch)


def again(cluster: Cluster, front: str, queue: str, name: str, number: int) -> None:
    """A copy comes late of a message that was confirmed."""
    _submit(cluster, front, queue, name, number)


def refuse(cluster: Cluster, front: str, queue: str, name: str, number: int) -> None:
    """A leader has no memory for it: a message is refused, unless it is in the log."""
    machine, end = cluster.machines[name], cluster.fronts[front, queue]
    end.epoch = max(end.epoch, _lead(cluster, name, queue).epoch)
    verdict = machine.core.judge(queue, table_of(machine, queue), _submission(end, front, number))
    if verdict.finding is Finding.IN_LOG:
        machine.waiting.append((queue, front, number, verdict.index))
        _confirm_at_once(cluster, machine, queue, verdict.index)
        return
    end.open.remove(number)
    cluster.ghost.queues[queue].refused.add((front, number))


def answer(cluster: Cluster, front: str, queue: str) -> None:
    """A confirm reaches the front end."""
    end = cluster.fronts[front, queue]
    number = end.answers.pop(0)
    if number in end.open:
        end.open.remove(number)
        end.confirmed.append(number)


def unanswered(cluster: Cluster, front: str, queue: str) -> None:
    """A confirm is lost with its connection."""
    cluster.fronts[front, queue].answers.pop(0)


def table_of(machine: Machine, queue: str) -> Publishers:
    """What a leader's log says of its front ends."""
    return Publishers(machine.written[queue].published())


def of_fronts(cluster: Cluster, add: Callable[..., None]) -> None:
    """Add what the front ends may do now."""
    for (front, queue), end in cluster.fronts.items():
        if len(end.open) < OPEN_MAX:
            add("offer", front, queue)
        if end.answers:
            add("answer", front, queue)
            add("unanswered", front, queue)
        for machine in cluster.machines.values():
            lead = machine.lead(queue) if machine.acts() and not machine.full else None
            if lead is None or not machine.core.may_append(queue):
                continue
            for number in end.confirmed[-2:]:
                add("again", front, queue, machine.name, number)
            if lead.epoch >= end.epoch or cluster.mistakes.front_goes_back:
                for number in end.open:
                    add("submit", front, queue, machine.name, number)
                    add("refuse", front, queue, machine.name, number)


def _submission(end: FrontEnd, front: str, number: int) -> Submission:
    below = max((each for each in end.open if each < number), default=0)
    return Submission(Front(front, 1), number, 1, below)


def _lead(cluster: Cluster, name: str, queue: str) -> Leadership:
    lead = cluster.machines[name].lead(queue)
    assert lead is not None
    return lead


def _submit(cluster: Cluster, front: str, queue: str, name: str, number: int) -> None:
    machine, end = cluster.machines[name], cluster.fronts[front, queue]
    verdict = machine.core.judge(queue, table_of(machine, queue), _submission(end, front, number))
    index = verdict.index
    if verdict.finding is Finding.FRESH:
        index = machine.written[queue].end + 1
        machine.waiting.append((queue, front, number, index))
        cluster.append(name, queue, "E", (front, number))
    elif verdict.finding is Finding.IN_LOG:
        machine.waiting.append((queue, front, number, index))
        _confirm_at_once(cluster, machine, queue, verdict.index)


def _confirm_at_once(cluster: Cluster, machine: Machine, queue: str, index: int) -> None:
    """Confirm what is committed already; else, or without the lease, it waits (R17)."""
    if machine.core.may_confirm(queue, index):
        cluster.confirm_published(machine, queue, index)

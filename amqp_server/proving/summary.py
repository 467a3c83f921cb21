"""The result of a proof: as plain values for JSON, and its last lines for a reader."""

from collections.abc import Sequence
from typing import Any, Final

from amqp_server.proving.proof import Proof, Wish
from amqp_server.proving.settings import taken_over
from load_generator.verifying.checker import INVALID
from load_generator.verifying.episode import Outcome
from load_generator.verifying.stream_checker import STREAM_INVALID
from load_generator.verifying.table import tables

COUNTED: Final = ("confirmed", "delivered", *INVALID, "displaced", "duplicated", "replayed")
STREAM_COUNTED: Final = ("confirmed", "read", *STREAM_INVALID, "resent", "recovered", "refused")
COMPLAINTS_SHOWN: Final = 20


def summary_of(wish: Wish, proof: Proof) -> dict[str, Any]:
    """Return all of it as values of JSON; of the settings only the names, as values may be secret.

    A wait of null is one that did not end.
    """
    taken = taken_over(wish.raw)
    return {
        "good": proof.is_good,
        "seed": wish.seed,
        "nodes": wish.node_count,
        "queue_type": wish.queue_type,
        "settings": {
            "holding": {name: sorted(section) for name, section in taken.sections.items()},
            "left_out": taken.left_out,
        },
        "totals": {**_counts(proof.outcomes), "streams": _stream_counts(proof.outcomes)},
        "longest_waits_ms": {
            "confirm": _longest([outcome.waits.confirm_ms for outcome in proof.outcomes]),
            "delivery": _longest([outcome.waits.deliver_ms for outcome in proof.outcomes]),
        },
        "episodes": [
            {
                "number": outcome.number,
                "fault": outcome.kind,
                "plan": outcome.plan,
                **_counts([outcome]),
                "streams": _stream_counts([outcome]),
                "confirm_wait_ms": outcome.waits.confirm_ms,
                "delivery_wait_ms": outcome.waits.deliver_ms,
                "failures": list(outcome.failures),
            }
            for outcome in proof.outcomes
        ],
        "complaints": list(proof.complaints),
        "failure": proof.failure,
        "ended_by_signal": proof.signal,
    }


def last_lines(proof: Proof, again: str) -> list[str]:
    """Return the table and the verdict.

    Args:
        proof: that has ended.
        again: the command that plays an episode again, without its number.
    """
    lines = []
    if proof.complaints:
        lines.append("nodes logged errors:")
        lines += [f"  {each}" for each in proof.complaints[:COMPLAINTS_SHOWN]]
    lines.append(tables(proof.outcomes))
    if proof.signal is not None:
        lines.append("ended early: the episode that was being played is not counted")
    if proof.failure:
        lines.append(proof.failure)
    counts, streams = _counts(proof.outcomes), _stream_counts(proof.outcomes)
    confirmed_count = counts["confirmed"] + streams["confirmed"]
    confirmed = f"{confirmed_count:,} confirmed in {len(proof.outcomes)} episodes"
    wrong = [f"{counts[name]:,} {name}" for name in INVALID if counts[name]]
    wrong += [f"{streams[name]:,} {name} in streams" for name in STREAM_INVALID if streams[name]]
    if wrong:
        lines.append(f"WRONG: {', '.join(wrong)}, of {confirmed}")
    elif not proof.is_good:
        lines.append(f"WRONG: nothing was lost of {confirmed}, but it did not go as it must")
    elif proof.outcomes:
        changed = ", and no offset changed" if streams["confirmed"] else ""
        lines.append(f"nothing was lost{changed}: {confirmed}")
    bad = [outcome.number for outcome in proof.outcomes if not outcome.is_good]
    if bad:
        lines.append(f"to play it again: {again} --episode {bad[0]}")
    return lines


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts = {
        name: sum(len(getattr(outcome.verdict, name)) for outcome in outcomes) for name in COUNTED
    }
    return {**counts, "deposed": sum(len(outcome.deposed) for outcome in outcomes)}


def _stream_counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return {
        name: sum(len(getattr(outcome.streams, name)) for outcome in outcomes)
        for name in STREAM_COUNTED
    }


def _longest(waits_ms: Sequence[int | None]) -> int | None:
    known = [wait_ms for wait_ms in waits_ms if wait_ms is not None]
    return max(known) if known and len(known) == len(waits_ms) else None

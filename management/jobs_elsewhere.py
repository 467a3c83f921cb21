"""Jobs that other nodes have told of, so that one which ends with its node is not just gone.

A job lives on the node that carries it out, and is not stored. Whoever has been shown that it goes
on is shown that it has failed, and what that means.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

ENDED_MAX: Final = 100
"""Jobs that ended with their nodes and are still shown; the oldest is forgotten."""

GOING: Final = frozenset({"running", "paused"})


class JobsElsewhere:
    """The jobs of other nodes that went on when they were last told of."""

    def __init__(self) -> None:
        self._going: dict[int, dict[str, Any]] = {}
        self._ended: dict[int, dict[str, Any]] = {}

    def tell(self, node: str, rows: Sequence[dict[str, Any]], user: str | None) -> None:
        """Take what a node says of its jobs; others that went on ended with an earlier process.

        Args:
            node: that says it.
            rows: its jobs.
            user: whose they are; None is everyone's.
        """
        told = {row["id"] for row in rows}
        for row in rows:
            self._ended.pop(row["id"], None)
            self._going.pop(row["id"], None)
            if row["state"] in GOING:
                self._going[row["id"]] = row
        self._end(
            [
                row
                for number, row in self._going.items()
                if row["node"] == node and user in {None, row["user"]} and number not in told
            ]
        )

    def rows(self, running: Collection[str], told: Collection[str]) -> list[dict[str, Any]]:
        """Return what is to be shown besides the jobs of the nodes that have told theirs.

        Args:
            running: names of the nodes that run.
            told: of those that have told all their jobs now.
        """
        self._end([row for row in self._going.values() if row["node"] not in running])
        late = [row for row in self._going.values() if row["node"] not in told]
        return [*late, *self._ended.values()]

    def _end(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            del self._going[row["id"]]
            text = (
                f"{row['node']} has ended, or was cut off: what was moved last may be in both "
                "queues, and the rest is where it was"
            )
            self._ended[row["id"]] = {**row, "state": "failed", "error": text}
        for number in tuple(self._ended)[: max(len(self._ended) - ENDED_MAX, 0)]:
            del self._ended[number]

"""Histories of cluster clients, written by hand: each call is a row, ten ms later than the last."""

from load_generator.verifying.history import Action, Kind, Row, Value

STEP_MS = 10


class Script:
    """Rows in their order. Values are of publisher 1 and queue ``q`` unless it is said."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.now_ms = 0

    def after(self, span_ms: int) -> "Script":
        """Let time pass."""
        self.now_ms += span_ms
        return self

    def published(self, *counters: int, node: str = "n1", publisher: int = 1) -> "Script":
        """Publish and confirm."""
        self.begun(*counters, node=node, publisher=publisher)
        return self.confirmed(*counters, node=node, publisher=publisher)

    def begun(self, *counters: int, node: str = "n1", publisher: int = 1) -> "Script":
        return self._note(Kind.INVOKE, Action.ENQUEUE, counters, publisher, node, publisher)

    def confirmed(self, *counters: int, node: str = "n1", publisher: int = 1) -> "Script":
        return self._note(Kind.OK, Action.ENQUEUE, counters, publisher, node, publisher)

    def refused(self, *counters: int) -> "Script":
        return self._note(Kind.FAIL, Action.ENQUEUE, counters, 1, "n1", 1)

    def delivered(
        self, *counters: int, client: int = 7, redelivered: bool = False, publisher: int = 1
    ) -> "Script":
        self._note(Kind.OK, Action.DELIVER, counters, client, "n2", publisher)
        if redelivered:
            count = len(counters)
            self.rows[-count:] = [row._replace(redelivered=True) for row in self.rows[-count:]]
        return self

    def drained(self, *counters: int) -> "Script":
        return self._note(Kind.OK, Action.DRAIN, counters, 9, "n3", 1)

    def acked(self, *counters: int, client: int = 7) -> "Script":
        """Ack, with a round trip behind it."""
        self._note(Kind.INVOKE, Action.ACK, counters, client, "n2", 1)
        return self._note(Kind.OK, Action.ACK, counters, client, "n2", 1)

    def fault(self) -> "Script":
        return self._fault(Kind.INVOKE)

    def mended(self) -> "Script":
        return self._fault(Kind.OK)

    def _fault(self, kind: Kind) -> "Script":
        self.now_ms += STEP_MS
        self.rows.append(Row(self.now_ms, 0, kind, Action.FAULT))
        return self

    def _note(
        self,
        kind: Kind,
        action: Action,
        counters: tuple[int, ...],
        client: int,
        node: str,
        publisher: int,
    ) -> "Script":
        for counter in counters:
            self.now_ms += STEP_MS
            value = Value("q", publisher, counter)
            self.rows.append(Row(self.now_ms, client, kind, action, value, node))
        return self

"""The events of a channel: methods with their content, and the ways in which a peer ends it."""

from typing import Any, NamedTuple

from pamqp import base

from conformance import fields


class Event(NamedTuple):
    """A method, with its content if it has one."""

    method: base.Frame
    raw_properties: bytes = b""
    body: bytes = b""

    @property
    def properties(self) -> dict[str, Any]:
        return fields.read_properties(self.raw_properties)

    @property
    def tag(self) -> int:
        """The delivery tag of a delivery or get-ok."""
        tag = self.method["delivery_tag"]
        assert isinstance(tag, int), f"{self.method.name} has no delivery tag"
        return tag

    @property
    def redelivered(self) -> bool:
        return bool(self.method["redelivered"])

    @property
    def headers(self) -> dict[str, fields.Typed]:
        found: dict[str, fields.Typed] = self.properties.get("headers", {})
        return found


class Closed(NamedTuple):
    """The peer's close of a channel or of the connection."""

    code: int
    text: str
    scope: str
    class_id: int
    method_id: int

    def __str__(self) -> str:
        return f"{self.code} {self.text} [{self.scope} {self.class_id}.{self.method_id}]"


class ClosedByPeerError(AssertionError):
    """The peer closed the channel or connection, and the check awaited something else."""

    def __init__(self, closed: Closed) -> None:
        super().__init__(f"closed by the broker: {closed}")
        self.closed = closed


class ConnectionLostError(AssertionError):
    """The peer ended the connection without a close."""

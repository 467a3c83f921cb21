"""What an error of etcd says of the request: refused for good, try elsewhere, or nothing certain.

Source: etcd's ``rpctypes`` (texts and gRPC codes), and grpc-gateway: the same error is
``{"error", "message", "code"}`` with an HTTP status, or ``{"error": {"grpc_code" or "code",
"message"}}`` within a stream whose status was 200.
"""

from enum import Enum
from typing import Final, NamedTuple

from cluster.metadata.etcd.messages import Fields, number_in, object_in, text_in

STATUS_OK: Final = 200


class Meaning(Enum):
    """What is certain after an error.

    UNSURE: nothing; a change may have been carried out. ELSEWHERE: this member did nothing, and
    another one may do it. LOGIN: the token is not valid any more. LEASE_GONE and COMPACTED: as
    the port's errors. REFUSED: nothing was done, here or elsewhere.
    """

    UNSURE = "unsure"
    ELSEWHERE = "elsewhere"
    LOGIN = "login"
    LEASE_GONE = "lease gone"
    COMPACTED = "compacted"
    REFUSED = "refused"


class Fault(NamedTuple):
    """An error in an answer, with its text."""

    meaning: Meaning
    text: str


_BY_TEXT: Final = (
    ("requested lease not found", Meaning.LEASE_GONE),
    ("required revision has been compacted", Meaning.COMPACTED),
    ("invalid auth token", Meaning.LOGIN),
    ("revision of auth store is old", Meaning.LOGIN),
    ("auth: revision in header is old", Meaning.LOGIN),
    ("user name is empty", Meaning.LOGIN),
    ("too many requests", Meaning.ELSEWHERE),
    ("etcdserver: not capable", Meaning.ELSEWHERE),
    ("rpc not supported for learner", Meaning.ELSEWHERE),
    # A change that goes over the quota may be applied and answered with this: 3.4.23 did both.
    ("database space exceeded", Meaning.UNSURE),
)
"""Parts of texts, which say more than their codes; the first that fits holds."""

_REFUSED_CODES: Final = frozenset({3, 5, 6, 7, 9, 11, 12})
"""InvalidArgument, NotFound, AlreadyExists, PermissionDenied, FailedPrecondition, OutOfRange,
Unimplemented: etcd looks at the request before it proposes it."""

_LOGIN_CODE: Final = 16
"""Unauthenticated."""


def fault_in(status: int, fields: Fields) -> Fault | None:
    """Return the error in an answer; None where it is a good one."""
    error = fields.get("error")
    if status == STATUS_OK and error is None:
        return None
    about = object_in(error) if isinstance(error, dict) else fields
    code = number_in(about.get("grpc_code", about.get("code")))
    text = text_in(about.get("message")) or (text_in(error) if isinstance(error, str) else "")
    return Fault(_meaning(status, code, text), text or f"HTTP status {status}")


def _meaning(status: int, code: int, text: str) -> Meaning:
    for part, meaning in _BY_TEXT:
        if part in text:
            return meaning
    if code == _LOGIN_CODE:
        return Meaning.LOGIN
    return Meaning.REFUSED if code in _REFUSED_CODES and status != STATUS_OK else Meaning.UNSURE

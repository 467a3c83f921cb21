"""Requests to any member of etcd: which one is asked, the login, and what an error means.

A request that changes something is asked again only where the first one was certainly not carried
out. One that reads is asked of each member in turn, and of the first once more: a connection that
was kept may have been closed at the other end.

A member that gives no sign of life answers nothing either: what it was asked is given up at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cluster.metadata.errors import (
    CompactedError,
    LeaseGoneError,
    MetadataError,
    OtherStoreError,
    RequestRefusedError,
    StoreAwayError,
)
from cluster.metadata.etcd.endpoints import Endpoints
from cluster.metadata.etcd.faults import STATUS_OK, Fault, Meaning, fault_in
from cluster.metadata.etcd.http import Answer, Http, NotSentError
from cluster.metadata.etcd.messages import AnswerError, Fields, fields_of, object_in, text_in

_API: Final = "/v3/"

REQUIRE_LEADER: Final = {"Grpc-Metadata-hasleader": "true"}
"""Ends a watch at a member that has lost its leader, which would tell nothing and go on."""


class UnsureError(StoreAwayError):
    """A request that changes something has no answer; it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user of etcd, where authentication is on."""

    user: str
    password: str


class Requests:
    """Asks etcd.

    Args:
        http: the connections.
        endpoints: the members.
        login: None where etcd asks for none.

    Attributes:
        cluster_id: of the etcd that answered first; another one is refused.
    """

    def __init__(self, http: Http, endpoints: Endpoints, login: Login | None = None) -> None:
        self.cluster_id = ""
        self._http = http
        self._endpoints = endpoints
        self._login = login
        self._token = ""
        # By member, of each request that waits for its answer.
        self._limits: dict[str, set[asyncio.Timeout]] = defaultdict(set)

    async def ask(self, path: str, request: object, *, changes: bool) -> Fields:
        """Return the answer to a request, such as ``kv/range``.

        Args:
            path: below ``/v3/``.
            request: its fields.
            changes: whether it may not be carried out twice.

        Raises:
            UnsureError: it ``changes``, and may have been carried out.
            StoreAwayError: nobody answered; nothing was changed.
            RequestRefusedError, LeaseGoneError, CompactedError, OtherStoreError,
            AnswerTooLongError.
        """
        reasons: list[str] = []
        urls = self._endpoints.in_order()
        for url in urls if changes else (*urls, urls[0]):
            try:
                fields, fault = await self._ask_one(url, path, request)
            except NotSentError as error:
                fault_text = str(error)
            except StoreAwayError as error:
                if changes:
                    self._endpoints.failed(url)
                    raise UnsureError(str(error)) from error
                fault_text = str(error)
            else:
                if fault is None:
                    self.require_same_store(fields)
                    return fields
                self._raise_final(fault, url, changes=changes)
                fault_text = f"{url}: {fault.text}"
            self._endpoints.failed(url)
            reasons.append(fault_text)
        raise StoreAwayError("; ".join(reasons))

    async def stream_headers(self) -> tuple[str, Mapping[str, str]]:
        """Return the member to open a stream to, and the headers for it."""
        url = self._endpoints.first()
        if self._login is not None and not self._token:
            await self._log_in(url)
        return url + _API, self._headers() | REQUIRE_LEADER

    def stream_failed(self, url: str) -> None:
        """Note that a stream of this member broke; the token may have been the reason."""
        self._endpoints.failed(url.removesuffix(_API))
        self._token = ""

    async def require_sign(self, url: str) -> None:
        """Have the member of a stream say anything at all.

        Raises:
            StoreAwayError: it says nothing.
        """
        await self._http.require_sign(f"{url}maintenance/status", self._headers())

    def give_up(self, url: str) -> None:
        """The member of a stream is gone: what it was asked has no answer."""
        now_s = asyncio.get_running_loop().time()
        for limit in self._limits.pop(url.removesuffix(_API), ()):
            limit.reschedule(now_s)

    def require_same_store(self, fields: Fields) -> None:
        """Compare who answered with who answered first.

        Raises:
            OtherStoreError: it is another etcd.
        """
        found = text_in(object_in(fields.get("header")).get("cluster_id"))
        if found and not self.cluster_id:
            self.cluster_id = found
        if found and found != self.cluster_id:
            raise OtherStoreError(f"expected etcd {self.cluster_id}, found etcd {found}")

    async def _ask_one(self, url: str, path: str, request: object) -> tuple[Fields, Fault | None]:
        if self._login is not None and not self._token:
            await self._log_in(url)
        fields, fault = await self._post(url, path, request)
        if fault is not None and fault.meaning is Meaning.LOGIN and self._login is not None:
            await self._log_in(url)
            fields, fault = await self._post(url, path, request)
        return fields, fault

    async def _log_in(self, url: str) -> None:
        assert self._login is not None, "nobody to log in as"
        self._token = ""
        request = {"name": self._login.user, "password": self._login.password}
        try:
            fields, fault = await self._post_again(url, "auth/authenticate", request)
        except StoreAwayError as error:
            raise NotSentError(f"{url}: no login: {error}") from error
        if fault is not None and fault.meaning is Meaning.REFUSED:
            raise RequestRefusedError(f"{url}: login refused: {fault.text}")
        if fault is not None:
            raise NotSentError(f"{url}: no login: {fault.text}")
        self._token = text_in(fields.get("token"))

    async def _post_again(
        self, url: str, path: str, request: object
    ) -> tuple[Fields, Fault | None]:
        """Ask what may be asked twice, as a kept connection may have been closed meanwhile."""
        try:
            return await self._post(url, path, request)
        except NotSentError:
            raise
        except StoreAwayError:
            return await self._post(url, path, request)

    async def _post(self, url: str, path: str, request: object) -> tuple[Fields, Fault | None]:
        limits, limit = self._limits[url], asyncio.timeout(None)
        limits.add(limit)
        try:
            async with limit:
                answer = await self._http.post(url + _API + path, request, self._headers())
        except TimeoutError as error:
            raise StoreAwayError(f"{url}: no sign of life") from error
        finally:
            limits.discard(limit)
        fields = _fields_in(answer)
        return fields, fault_in(answer.status, fields)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._token} if self._token else {}

    def _raise_final(self, fault: Fault, url: str, *, changes: bool) -> None:
        error = error_of(fault)
        if error is not None:
            raise error
        if changes and fault.meaning is Meaning.UNSURE:
            self._endpoints.failed(url)
            raise UnsureError(f"{url}: {fault.text}")


def error_of(fault: Fault) -> MetadataError | None:
    """Return the error that any member would answer; None where another one may do better."""
    match fault.meaning:
        case Meaning.LEASE_GONE:
            return LeaseGoneError(fault.text)
        case Meaning.COMPACTED:
            return CompactedError(0)
        case Meaning.REFUSED | Meaning.LOGIN:
            return RequestRefusedError(fault.text)
        case _:
            return None


def _fields_in(answer: Answer) -> Fields:
    if answer.status == STATUS_OK:
        return fields_of(answer.body)
    try:
        return fields_of(answer.body)
    except AnswerError:
        return {}  # such as a proxy's own page of HTML

"""The metadata store in etcd, behind the port.

Source: etcd's v3 API; what a watch, a lease and a transaction promise is in its API guarantees.
"""

import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final

from cluster.metadata.errors import AnswerTooLongError, LeaseGoneError
from cluster.metadata.etcd.endpoints import Endpoints
from cluster.metadata.etcd.http import Http, Times
from cluster.metadata.etcd.messages import (
    AnswerError,
    number_in,
    object_in,
    outcome_in,
    page_in,
    range_request,
    txn_request,
)
from cluster.metadata.etcd.requests import Login, Requests, UnsureError
from cluster.metadata.etcd.watch import watch_etcd
from cluster.metadata.port import (
    PAGE_KEYS_MAX,
    Lease,
    Outcome,
    Page,
    Told,
    Transaction,
    Unknown,
    require_range,
)

_MS: Final = 1000


class EtcdStore:
    """A ``MetadataStore`` in etcd; made within a running loop.

    Args:
        endpoints: URLs of the members.
        now_ms: the own monotonic clock; a lease is counted from when it was asked for.
        login: None where etcd asks for none.
        tls: for https; None is Python's default.
        times: how long to wait for answers.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        now_ms: Callable[[], int],
        *,
        login: Login | None = None,
        tls: ssl.SSLContext | None = None,
        times: Times | None = None,
    ) -> None:
        members = Endpoints(endpoints)
        self._now_ms = now_ms
        self._http = Http(times or Times(), tls)
        self._requests = Requests(self._http, members, login)

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        """Return the first items of a range; fewer than asked for where they are large."""
        require_range(start, end)
        limit = min(limit, PAGE_KEYS_MAX)
        while True:
            request = range_request(start, end, limit, revision)
            try:
                page = page_in(await self._requests.ask("kv/range", request, changes=False))
            except AnswerTooLongError:
                if limit == 1:
                    raise
                limit = max(1, limit // 4)
            else:
                return page

    async def transact(self, transaction: Transaction) -> Outcome:
        """Compare, and carry out one branch; see the port."""
        try:
            fields = await self._requests.ask("kv/txn", txn_request(transaction), changes=True)
            return outcome_in(fields, transaction)
        except (UnsureError, AnswerError, AnswerTooLongError) as error:
            return Unknown(str(error))

    async def grant(self, ttl_ms: int) -> Lease:
        """Return a new lease; etcd counts in whole seconds, and has a least TTL of its own."""
        asked_at_ms = self._now_ms()
        request = {"TTL": str(-(-ttl_ms // _MS))}
        fields = await self._requests.ask("lease/grant", request, changes=True)
        lease, ttl_s = number_in(fields.get("ID")), number_in(fields.get("TTL"))
        if not lease or ttl_s <= 0:
            raise AnswerError("expected a lease, got none")
        return Lease(lease, ttl_s * _MS, asked_at_ms)

    async def keep_alive(self, lease: int) -> Lease | None:
        """Renew a lease once; etcd says that one is gone by leaving its TTL out."""
        asked_at_ms = self._now_ms()
        fields = await self._requests.ask("lease/keepalive", {"ID": str(lease)}, changes=False)
        ttl_s = number_in(object_in(fields.get("result")).get("TTL"))
        return Lease(lease, ttl_s * _MS, asked_at_ms) if ttl_s > 0 else None

    async def revoke(self, lease: int) -> bool:
        """End a lease and delete what hangs on it; False: it was gone."""
        try:
            await self._requests.ask("lease/revoke", {"ID": str(lease)}, changes=True)
        except LeaseGoneError:
            return False
        return True

    async def time_to_live_ms(self, lease: int) -> int | None:
        """Return how long a lease still lasts, in whole seconds; -1 of etcd is one that is gone."""
        fields = await self._requests.ask("lease/timetolive", {"ID": str(lease)}, changes=False)
        granted_s = number_in(fields.get("grantedTTL"))
        rest_s = number_in(fields.get("TTL"))
        return rest_s * _MS if granted_s > 0 and rest_s >= 0 else None

    def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Told]:
        """Tell all changes in a range; see the port."""
        require_range(start, end)
        return watch_etcd(self._http, self._requests, (start, end), from_revision)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

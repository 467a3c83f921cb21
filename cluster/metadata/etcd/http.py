"""HTTP to etcd's gateway: one POST with a bounded answer, or one whose answer goes on.

Nothing here trusts the other end: an answer has a length and a time, a line of a stream has a
length, no redirect is followed, nothing is unpacked.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import aiohttp
import orjson

from cluster.metadata.errors import AnswerTooLongError, StoreAwayError
from cluster.metadata.etcd.messages import AnswerError

ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024
"""Of one answer, and of one line of a watch; decoding it takes some ten ms."""

LINE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of one line of a watch: etcd cuts it by revisions only, and one may be 128 large values."""

CONNECTIONS_MAX: Final = 32
"""More than the lanes of a node for states (16) and definitions (8) take. A lease, and the copy of
the store, would else stand in line behind these, as long as a busy store needs for an answer."""

_MS: Final = 1000


class NotSentError(StoreAwayError):
    """There was no connection: the request has not left."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long to wait, in ms.

    Attributes:
        connect: for a connection.
        answer: for a whole answer, connection included; for the begin of a watch too.
        silence: for something of a watch, before it is begun anew on another connection.
        quiet: for something of a watch, before its member is asked for a sign of life.
        sign: for that sign.
    """

    connect: int = 2_000
    answer: int = 5_000
    silence: int = 30_000
    quiet: int = 1_000
    sign: int = 2_000


class Answer(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes


class Http:
    """Connections to gateways; made within a running loop.

    Args:
        times: how long to wait.
        tls: for https; None is Python's default.

    Attributes:
        times: how long to wait.
    """

    def __init__(self, times: Times, tls: ssl.SSLContext | None = None) -> None:
        self.times = times
        self._tls = tls
        self._short = self._opened(CONNECTIONS_MAX)
        self._long = self._opened(0)

    async def post(self, url: str, request: object, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a request.

        Args:
            url: whom to ask for what.
            request: the fields.
            headers: more of them.

        Raises:
            NotSentError: it has not left.
            AnswerTooLongError: the answer is too long.
            StoreAwayError: it may have arrived, and no answer came.
        """
        return await self._post(self._short, url, request, headers, self.times.answer)

    async def require_sign(self, url: str, headers: Mapping[str, str]) -> None:
        """Have a member answer anything at all; it stands in no line behind other requests.

        It is asked once more where it did not have its time: a connection that was kept was closed
        at the other end, or this process stood still.

        Raises:
            StoreAwayError: it says nothing.
        """
        loop, wait_ms = asyncio.get_running_loop(), self.times.sign
        for is_last in (False, True):
            asked_s = loop.time()
            try:
                await self._post(self._long, url, {}, headers, wait_ms)
            except (AnswerError, AnswerTooLongError):
                return
            except StoreAwayError:
                waited_ms = (loop.time() - asked_s) * _MS
                if is_last or wait_ms * 0.9 <= waited_ms <= wait_ms * 1.5:
                    raise
            else:
                return

    async def _post(
        self,
        session: aiohttp.ClientSession,
        url: str,
        request: object,
        headers: Mapping[str, str],
        wait_ms: int,
    ) -> Answer:
        if session.closed:
            raise NotSentError(f"{url}: this node has closed its connections")
        try:
            async with (
                asyncio.timeout(wait_ms / _MS),
                session.post(
                    url, data=orjson.dumps(request), headers=headers, allow_redirects=False
                ) as response,
            ):
                return Answer(response.status, await _whole(response))
        except aiohttp.ClientConnectorError as error:
            raise NotSentError(f"{url}: {error}") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise NotSentError(f"{url}: no connection in time") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise StoreAwayError(f"{url}: no answer: {error!r:.200}") from error

    @asynccontextmanager
    async def stream(
        self, url: str, request: object, headers: Mapping[str, str]
    ) -> AsyncIterator["Lines"]:
        """Open an answer that goes on; see ``post`` for the errors."""
        if self._long.closed:
            raise NotSentError(f"{url}: this node has closed its connections")
        try:
            async with (
                asyncio.timeout(self.times.answer / _MS) as limit,
                self._long.post(
                    url, data=orjson.dumps(request), headers=headers, allow_redirects=False
                ) as response,
            ):
                limit.reschedule(None)
                yield Lines(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSentError(f"{url}: {error!r:.200}") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise StoreAwayError(f"{url}: the stream broke: {error!r:.200}") from error

    async def close(self) -> None:
        """Close all connections; streams break."""
        await self._short.close()
        await self._long.close()

    def _opened(self, connections_max: int) -> aiohttp.ClientSession:
        connect_s = self.times.connect / _MS
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections_max, ssl=self._tls if self._tls is not None else True
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )


class Lines:
    """The lines of an answer that goes on."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._content = response.content
        self._rest = bytearray()
        self._looked_at = 0

    async def next(self, wait_ms: int) -> bytes | None:
        """Return the next line; None where it did not come in this time.

        Raises:
            StoreAwayError: the stream ended.
            AnswerTooLongError: a line is too long.
        """
        try:
            async with asyncio.timeout(wait_ms / _MS):
                while (end := self._rest.find(b"\n", self._looked_at)) < 0:
                    self._looked_at = len(self._rest)
                    if len(self._rest) > LINE_BYTES_MAX:
                        raise AnswerTooLongError(f"a line is over {LINE_BYTES_MAX} octets")
                    piece = await self._content.readany()
                    if not piece:
                        return self._last()
                    self._rest += piece
        except TimeoutError:
            return None
        except RuntimeError as error:  # what aiohttp says of a connection that is closed here
            raise StoreAwayError(f"the stream is over: {error}") from error
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        self._looked_at = 0
        return line

    def _last(self) -> bytes:
        if not self._rest:
            raise StoreAwayError("the stream ended")
        line, self._rest = bytes(self._rest), bytearray()
        return line


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    announced = response.content_length
    if announced is not None and announced > ANSWER_BYTES_MAX:
        raise AnswerTooLongError(f"an answer of {announced} octets")
    body = bytearray()
    while piece := await response.content.readany():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise AnswerTooLongError(f"an answer of over {ANSWER_BYTES_MAX} octets")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise AnswerError("the answer is packed, and nobody asked for that")
    return bytes(body)

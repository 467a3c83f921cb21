"""TLS to the broker, over sockets that behave as plain ones do.

The loops of this package ask a socket for its bytes, and catch ``BlockingIOError`` if there are
none. OpenSSL raises other errors, knows no flags, and may hold bytes that no selector can see.
``TlsSocket`` hides these three differences.
"""

import select
import socket
import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from load_generator.wire import LoadError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CONTEXTS_REMEMBERED_MAX: Final = 4
HANDSHAKE_TIMEOUT_S: Final = 30.0
SEND_TIMEOUT_S: Final = 30.0
_NOT_NOW: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)


class TlsOptions(NamedTuple):
    """The certificates that the broker and this client show, and how they are checked.

    Attributes:
        ca_file: CA that must have signed the broker's certificate; None is any that this system
            trusts.
        verifies: False accepts any certificate, of any host.
        certificate_file, key_file: our own, if the broker asks for one; None is none. If only the
            key is None, it is in the certificate's file.
    """

    ca_file: Path | None = None
    verifies: bool = True
    certificate_file: Path | None = None
    key_file: Path | None = None

    @lru_cache(CONTEXTS_REMEMBERED_MAX)  # noqa: B019 -- a tuple; reading what is trusted is slow
    def context(self) -> ssl.SSLContext:
        """Return a client's context, the same one each time.

        Raises:
            LoadError: a file cannot be used.
        """
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if not self.verifies:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            elif self.ca_file is not None:
                context.load_verify_locations(self.ca_file)
            else:
                context.load_default_certs()
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except (OSError, ValueError) as error:
            names = ", ".join(str(path) for path in self if isinstance(path, Path))
            raise LoadError(f"TLS files {names}: {error}") from error
        context.sslsocket_class = TlsSocket
        return context


USUAL_TLS: Final = TlsOptions()
"""For a broker whose certificate this system trusts, and that asks for none."""


class TlsSocket(ssl.SSLSocket):
    """A TLS connection that behaves as a plain socket does."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return bytes that have come; with MSG_DONTWAIT do not wait for them.

        Raises:
            BlockingIOError: nothing came within the timeout of the socket.
        """
        kept_s = self.gettimeout()
        if flags & socket.MSG_DONTWAIT:
            self.settimeout(0)
        try:
            return super().recv(buflen)
        except _NOT_NOW as error:
            raise BlockingIOError(str(error)) from error
        finally:
            if flags & socket.MSG_DONTWAIT:
                self.settimeout(kept_s)

    def recv_into(
        self,
        buffer: "WriteableBuffer",
        nbytes: int | None = None,
        flags: int = 0,  # noqa: ARG002 -- the base's signature
    ) -> int:
        """Fill a buffer with bytes that have come, also with all that are already decrypted.

        Raises:
            BlockingIOError: nothing came within the timeout of the socket.
        """
        view = memoryview(buffer)[:nbytes]
        try:
            count = super().recv_into(view)
            while count < len(view) and self.pending():
                count += super().recv_into(view[count:])
        except _NOT_NOW as error:
            raise BlockingIOError(str(error)) from error
        return count

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:  # noqa: ARG002 -- as above
        """Send all of it; after a BlockingIOError the caller must try the same octets again.

        Raises:
            BlockingIOError: there was no room within the timeout of the socket.
        """
        try:
            return super().send(data)
        except _NOT_NOW as error:
            raise BlockingIOError(str(error)) from error

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:  # noqa: ARG002 -- as above
        """Send all of it; the timeout of the socket, which is for receiving, has no effect.

        Raises:
            TimeoutError: there was no room for SEND_TIMEOUT_S.
        """
        left = memoryview(data).cast("B")
        ends_at_s = time.monotonic() + SEND_TIMEOUT_S
        while left:
            try:
                left = left[self.send(left) :]
            except BlockingIOError as error:
                if time.monotonic() > ends_at_s:
                    raise TimeoutError("the broker reads nothing") from error
                select.select([], [self], [], SEND_TIMEOUT_S)


def wrapped(connection: socket.socket, options: TlsOptions, host: str) -> ssl.SSLSocket:
    """Make a TLS connection on a socket.

    Args:
        connection: just connected; it is closed if this fails.
        options: certificates and checks.
        host: the name that the certificate must have.

    Raises:
        LoadError: a file cannot be used, or one end does not trust the other.
        OSError: the connection broke.
    """
    try:
        connection.settimeout(HANDSHAKE_TIMEOUT_S)
        return options.context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLError as error:
        connection.close()
        raise LoadError(f"TLS with {host}: {error}") from error
    except BaseException:
        connection.close()
        raise

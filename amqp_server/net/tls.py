"""TLS for clients: contexts from files, and new files without dropping a connection.

A context belongs to the connections that were made with it. ``reload`` replaces it for later
connections. Existing connections keep the certificate of their handshake.
"""

import logging
import ssl
from typing import Final, NoReturn

from amqp_server.net.certificate_end import certificate_ends_ms
from amqp_server.net.settings import TlsSettings

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_MS: Final = 5_000
"""RabbitMQ, ``ssl_handshake_timeout``."""

_VERSIONS: Final = {
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
"""The versions that may be configured, in order; older ones are broken."""


_NO_TLS: Final = {
    "HTTP_REQUEST": "an HTTP request on a port with TLS",
    "HTTPS_PROXY_REQUEST": "an HTTP CONNECT on a port with TLS",
    "WRONG_VERSION_NUMBER": "no TLS hello on a port with TLS; is it AMQP without TLS?",
}
"""OpenSSL's names for input of a client that does not speak TLS."""


class TlsFilesError(Exception):
    """The TLS settings, or the files they name, cannot be used; the text says which and why."""


class TlsContexts:
    """The context that new connections use.

    Attributes:
        ends_ms: when its certificate ends, in ms since 1970; None is not known.
    """

    def __init__(self, settings: TlsSettings) -> None:
        """Read the files.

        Raises:
            TlsFilesError: they cannot be read, or files or settings do not fit together.
        """
        self._settings = settings
        self._stamps = _stamps(settings)
        self._current = make_context(settings)
        self.ends_ms = certificate_ends_ms(settings.certificate_file)

    @property
    def current(self) -> ssl.SSLContext:
        """The context for new connections."""
        return self._current

    def reload(self) -> bool:
        """Read the files again if any of them changed; with bad files the old context stays.

        Returns:
            Whether later connections have another context.
        """
        try:
            stamps = _stamps(self._settings)
            if stamps == self._stamps:
                return False
            self._current = make_context(self._settings)
        except TlsFilesError as error:
            # Often a renewal is only half done. The stamps are kept, so the next reload reads
            # the files again.
            log.error("keeping the old TLS certificate: %s", error)  # noqa: TRY400 - the text says all
            return False
        self._stamps = stamps
        self.ends_ms = certificate_ends_ms(self._settings.certificate_file)
        log.info("TLS certificate reloaded file=%s", self._settings.certificate_file)
        return True


def make_context(settings: TlsSettings) -> ssl.SSLContext:
    """Build a server's context.

    SNI is not required. Renegotiation and compression are off. The server's order of ciphers is
    used.

    Raises:
        TlsFilesError: see ``TlsContexts``.
    """
    unknown = sorted(set(settings.versions) - set(_VERSIONS))
    if unknown or not settings.versions:
        raise TlsFilesError(f"net.tls.versions: {unknown} are none of {list(_VERSIONS)}")
    if settings.verify_peer and settings.ca_file is None:
        raise TlsFilesError("net.tls.verify_peer: needs ca_file")
    if settings.require_peer_certificate and not settings.verify_peer:
        raise TlsFilesError("net.tls.require_peer_certificate: needs verify_peer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepted = sorted(_VERSIONS[version] for version in settings.versions)
    context.minimum_version, context.maximum_version = accepted[0], accepted[-1]
    context.options |= (
        ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    _load_files(context, settings)
    if settings.verify_peer:
        is_required = settings.require_peer_certificate
        context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
    return context


def handshake_failure(error: OSError) -> str:
    """Return in words why the TLS handshake with a client failed."""
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return _NO_TLS[error.reason]
    return str(error) or type(error).__name__


def _load_files(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file, _refuse_password)
    except (OSError, ValueError) as error:
        names = f"{settings.certificate_file}, {settings.key_file}"
        raise TlsFilesError(
            f"net.tls.certificate_file, net.tls.key_file: {names}: {_reason(error)}"
        ) from error
    try:
        if settings.ca_file is not None:
            context.load_verify_locations(settings.ca_file)
    except (OSError, ValueError) as error:
        raise TlsFilesError(f"net.tls.ca_file: {settings.ca_file}: {_reason(error)}") from error


def _refuse_password() -> NoReturn:
    """Replace OpenSSL's own prompt on the terminal, which would wait for ever."""
    raise TlsFilesError("net.tls.key_file: the key is encrypted")


def _reason(error: Exception) -> str:
    """Return OpenSSL's error number in words."""
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    if isinstance(error, ssl.SSLError):
        return f"no PEM file of its kind: {error}"
    return str(error)


def _stamps(settings: TlsSettings) -> list[tuple[int, int, int]]:
    """Return a stamp that changes when a file is replaced or rewritten."""
    states = []
    for key in ("certificate_file", "key_file", "ca_file"):
        path = getattr(settings, key)
        if path is not None:
            try:
                states.append(path.stat())
            except OSError as error:
                raise TlsFilesError(f"net.tls.{key}: {path}: {error.strerror}") from error
    return [(state.st_mtime_ns, state.st_size, state.st_ino) for state in states]

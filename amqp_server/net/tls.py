"""TLS for clients: contexts from files, and new files without dropping anybody.

A context belongs to the connections that were made with it. ``reload`` puts another in its place
for those to come; whoever is connected keeps the certificate that was agreed on.
"""

import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_MS: Final = 5_000
"""RabbitMQ, ``ssl_handshake_timeout``."""

_VERSIONS: Final = {
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
"""The versions that may be configured, in order; older ones are broken."""


class TlsFilesError(Exception):
    """The TLS settings, or the files they name, cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a TLS context is made of.

    Attributes:
        certificate_file: PEM, the server's certificate and the chain below its root.
        key_file: PEM, the key of the first certificate, not encrypted.
        ca_file: PEM, whose signatures on client certificates are trusted; None is nobody's.
        verify_peer: ask clients for a certificate, and refuse one that ``ca_file`` does not back.
        require_peer_certificate: refuse clients that present none.
        versions: of ``tlsv1.2`` and ``tlsv1.3``, those to accept.
    """

    certificate_file: Path
    key_file: Path
    ca_file: Path | None = None
    verify_peer: bool = False
    require_peer_certificate: bool = False
    versions: Sequence[str] = ("tlsv1.2", "tlsv1.3")


class TlsContexts:
    """The context that new connections use."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files.

        Raises:
            TlsFilesError: they cannot be read, do not belong together, or the settings do not.
        """
        self._files = files
        self._stamps = _stamps(files)
        self._current = make_context(files)

    @property
    def current(self) -> ssl.SSLContext:
        """The context for a connection that begins now."""
        return self._current

    def reload(self) -> bool:
        """Read the files again if any of them changed; with bad files the old context stays.

        Returns:
            Whether new connections have another context from here on.
        """
        try:
            stamps = _stamps(self._files)
            if stamps == self._stamps:
                return False
            self._current = make_context(self._files)
        except TlsFilesError as error:
            # Often a renewal that is half done. The stamps are kept, so the next reload reads
            # the files again.
            log.error("keeping the old TLS certificate: %s", error)  # noqa: TRY400 - the text says all
            return False
        self._stamps = stamps
        log.info("TLS certificate reloaded file=%s", self._files.certificate_file)
        return True


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """Build a server's context.

    No SNI is asked for, renegotiation and compression are off, the server's order of ciphers
    holds.

    Raises:
        TlsFilesError: see ``TlsContexts``.
    """
    unknown = sorted(set(files.versions) - set(_VERSIONS))
    if unknown or not files.versions:
        raise TlsFilesError(f"versions: {unknown} are none of {list(_VERSIONS)}")
    if files.verify_peer and files.ca_file is None:
        raise TlsFilesError("verify_peer needs a ca_file")
    if files.require_peer_certificate and not files.verify_peer:
        raise TlsFilesError("require_peer_certificate needs verify_peer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepted = sorted(_VERSIONS[version] for version in files.versions)
    context.minimum_version, context.maximum_version = accepted[0], accepted[-1]
    context.options |= (
        ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    _load_files(context, files)
    if files.verify_peer:
        is_required = files.require_peer_certificate
        context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
    return context


def _load_files(context: ssl.SSLContext, files: TlsFiles) -> None:
    try:
        context.load_cert_chain(files.certificate_file, files.key_file, _refuse_password)
    except (OSError, ValueError) as error:
        names = f"{files.certificate_file}, {files.key_file}"
        raise TlsFilesError(f"certificate_file, key_file: {names}: {error}") from error
    try:
        if files.ca_file is not None:
            context.load_verify_locations(files.ca_file)
    except (OSError, ValueError) as error:
        raise TlsFilesError(f"ca_file: {files.ca_file}: {error}") from error


def _refuse_password() -> NoReturn:
    """Stand in for OpenSSL's own question on the terminal, which would wait for ever."""
    raise TlsFilesError("key_file: the key is encrypted")


def _stamps(files: TlsFiles) -> list[tuple[int, int, int]]:
    """Return what changes when a file is replaced or rewritten."""
    paths = [files.certificate_file, files.key_file, files.ca_file]
    try:
        states = [path.stat() for path in paths if path is not None]
    except OSError as error:
        raise TlsFilesError(str(error)) from error
    return [(state.st_mtime_ns, state.st_size, state.st_ino) for state in states]

"""Checks TLS files without a client, for errors that a start or a client would find.

The server's certificate is checked as by a client, by a handshake in memory. This client trusts the
certificate itself. So the dates and the purpose are checked, but not the signer.
"""

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Final

from amqp_server.net.settings import TlsSettings
from amqp_server.net.tls import TlsFilesError, make_context

_ROUNDS_MAX: Final = 10


def tls_problems(settings: TlsSettings, now_s: float) -> list[str]:
    """Return all errors of the files, a line each, the key first; empty means no error.

    Args:
        settings: names the files.
        now_s: seconds since 1970.
    """
    named = [("certificate_file", settings.certificate_file), ("key_file", settings.key_file)]
    if settings.ca_file is not None:
        named.append(("ca_file", settings.ca_file))
    unreadable = [problem for key, path in named if (problem := _reading_problem(key, path))]
    if unreadable:
        return unreadable
    problems = _server_problems(settings)
    if settings.ca_file is not None:
        problems += _authority_problems(settings.ca_file, now_s)
    return problems


def _reading_problem(key: str, path: Path) -> str:
    """Return why a file cannot be read; empty if it can."""
    try:
        path.read_bytes()
    except OSError as error:
        return f"net.tls.{key}: {path}: {error.strerror}"
    return ""


def _server_problems(settings: TlsSettings) -> list[str]:
    alone = replace(settings, ca_file=None, verify_peer=False, require_peer_certificate=False)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    where = f"net.tls.certificate_file: {settings.certificate_file}"
    try:
        client.load_verify_locations(settings.certificate_file)
        shake_hands(make_context(alone), client)
    except TlsFilesError as error:
        return [str(error)]
    except ssl.SSLCertVerificationError as error:
        return [f"{where}: {error.verify_message}"]
    except (OSError, ValueError) as error:
        return [f"{where}: no PEM file of a certificate: {error}"]
    return []


def shake_hands(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Let two contexts do a handshake in memory; return the ends of server and client.

    Raises:
        ssl.SSLError: one of them does not take what the other one shows.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    dialing = client.wrap_bio(to_client, to_server)
    accepting = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [dialing, accepting]
    for _ in range(_ROUNDS_MAX):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    return accepting, dialing


def _authority_problems(path: Path, now_s: float) -> list[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    where = f"net.tls.ca_file: {path}"
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        return [f"{where}: {error}"]
    authorities = context.get_ca_certs()
    if not authorities:
        return [f"{where}: holds no certificate of an authority"]
    ends = [str(authority["notAfter"]) for authority in authorities]
    return [f"{where}: expired at {end}" for end in ends if ssl.cert_time_to_seconds(end) < now_s]

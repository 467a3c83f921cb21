"""The files that ``cluster`` of the settings names: secrets, certificates, the place of a socket.

A start and ``check-config`` read them here, so that both have the same to say. Nothing is connected
to, and nothing is written.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_IRWXO
from typing import Final, NoReturn

from amqp_server.net.tls_check import shake_hands
from cluster.links.sockets.tls_names import names_in
from cluster.metadata.etcd.address import EtcdAddress
from cluster.settings import (
    UNIX_PREFIX,
    ClusterSettings,
    EtcdSettings,
    LinkTlsSettings,
    is_unix,
)

SECRET_CHARACTERS_MIN: Final = 16


class ClusterFilesError(Exception):
    """A file cannot be used; the text has the key, the file and why."""


@dataclass(frozen=True, slots=True)
class LinkContexts:
    """Links of this node over TLS: as the one that accepts, and as the one that connects."""

    accepting: ssl.SSLContext
    dialing: ssl.SSLContext


def secret_of(section: ClusterSettings) -> bytes:
    """Return the secret that all nodes share; empty where certificates alone count.

    Raises:
        ClusterFilesError: the file cannot be read, is open to all users, or too short.
    """
    if section.secret_file is None:
        return b""
    line = _secret_line("cluster.secret_file", section.secret_file)
    if len(line) < SECRET_CHARACTERS_MIN:
        raise ClusterFilesError(
            f"cluster.secret_file: {section.secret_file}: expected {SECRET_CHARACTERS_MIN}"
            f" characters or more in the first line, got {len(line)};"
            " `openssl rand -hex 32` makes a good one"
        )
    return line.encode()


def etcd_address_of(section: EtcdSettings) -> EtcdAddress:
    """Return where etcd is, with its password.

    Raises:
        ClusterFilesError: the file of the password cannot be read, or is open to all users.
    """
    password = ""
    if section.password_file is not None:
        password = _secret_line("cluster.etcd.password_file", section.password_file)
    return EtcdAddress(
        section.endpoints,
        section.user,
        password,
        ca_file=str(section.ca_file or ""),
        certificate_file=str(section.certificate_file or ""),
        key_file=str(section.key_file or ""),
        connect_ms=section.connect_ms,
        answer_ms=section.answer_ms,
    )


def link_contexts_of(section: LinkTlsSettings) -> LinkContexts:
    """Return the contexts of links over TLS; both ask the other side for its certificate.

    Names are no matter of the context: a link compares them with the node that is meant.

    Raises:
        ClusterFilesError: a file cannot be read, or is none of its kind.
    """
    contexts = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    for context in contexts:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        _load_pair(context, "cluster.links.tls", section.certificate_file, section.key_file)
        _load_authority(context, "cluster.links.tls.ca_file", section.ca_file)
    return LinkContexts(*contexts)


def problems_of_cluster(section: ClusterSettings, node: str) -> list[str]:
    """Return a line for each problem, key and file in front; empty if there is none.

    Args:
        section: of the settings; one without endpoints of etcd has no problem.
        node: the name of this node.
    """
    if not section.is_clustered:
        return []
    return [
        *_refused(lambda: secret_of(section)),
        *_refused(lambda: etcd_address_of(section.etcd)),
        *_etcd_problems(section.etcd),
        *_socket_problems(section),
        *(_link_tls_problems(section.links.tls, node) if section.links.tls is not None else ()),
    ]


def _refused(read: Callable[[], object]) -> Iterator[str]:
    try:
        read()
    except ClusterFilesError as error:
        yield str(error)


def _secret_line(key: str, path: Path) -> str:
    """Return the first line of a file that holds a secret."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise ClusterFilesError(f"{key}: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClusterFilesError(f"{key}: {path}: is not UTF-8 text") from error
    if mode & S_IRWXO:
        raise ClusterFilesError(
            f"{key}: {path}: every user of this host can open it; `chmod 600 {path}`"
        )
    line = lines[0].strip() if lines else ""
    if not line:
        raise ClusterFilesError(f"{key}: {path}: its first line is empty")
    return line


def _etcd_problems(section: EtcdSettings) -> Iterator[str]:
    files = {
        "ca_file": section.ca_file,
        "certificate_file": section.certificate_file,
        "key_file": section.key_file,
    }
    unreadable = list(_unreadable("cluster.etcd", files))
    if unreadable:
        yield from unreadable
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if section.ca_file is not None:
        ca_file = section.ca_file
        yield from _refused(lambda: _load_authority(context, "cluster.etcd.ca_file", ca_file))
    certificate, key = section.certificate_file, section.key_file
    if certificate is not None and key is not None:
        yield from _refused(lambda: _load_pair(context, "cluster.etcd", certificate, key))


def _socket_problems(section: ClusterSettings) -> Iterator[str]:
    listen = section.links.listen
    if is_unix(listen):
        folder = Path(listen.removeprefix(UNIX_PREFIX)).parent
        if not folder.is_dir():
            yield f"cluster.links.listen: {listen}: there is no folder {folder}; make it"


def _link_tls_problems(section: LinkTlsSettings, node: str) -> Iterator[str]:
    files = {
        "certificate_file": section.certificate_file,
        "key_file": section.key_file,
        "ca_file": section.ca_file,
    }
    unreadable = list(_unreadable("cluster.links.tls", files))
    if unreadable:
        yield from unreadable
        return
    where = f"cluster.links.tls.certificate_file: {section.certificate_file}"
    try:
        contexts = link_contexts_of(section)
        _, client = shake_hands(contexts.accepting, contexts.dialing)
    except ClusterFilesError as error:
        yield str(error)
        return
    except ssl.SSLCertVerificationError as error:
        yield (
            f"{where}: other nodes would refuse it: {error.verify_message};"
            f" it must be signed by {section.ca_file}, for servers and for clients"
        )
        return
    except ssl.SSLError as error:
        yield f"{where}: other nodes would refuse it: {error}"
        return
    names = names_in(client.getpeercert() or {})
    if section.names_nodes and node not in names:
        yield (
            f"{where}: expected the name {node!r} of this node in it,"
            f" got {sorted(names)}; add it as a DNS name, or set names_nodes: false"
        )


def _unreadable(where: str, files: Mapping[str, Path | None]) -> Iterator[str]:
    for key, path in files.items():
        if path is None:
            continue
        try:
            path.read_bytes()
        except OSError as error:
            yield f"{where}.{key}: {path}: {error.strerror}"


def _load_pair(context: ssl.SSLContext, where: str, certificate: Path, key: Path) -> None:
    def refuse_password() -> NoReturn:
        # OpenSSL would ask for it on the terminal, and wait.
        raise ClusterFilesError(f"{where}.key_file: {key}: the key is encrypted")

    try:
        context.load_cert_chain(certificate, key, refuse_password)
    except (OSError, ValueError) as error:
        told = f"{where}.certificate_file: {certificate} with {key}: "
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            raise ClusterFilesError(f"{told}the key is not the certificate's") from error
        raise ClusterFilesError(
            f"{told}no PEM files of a certificate and its key: {error}"
        ) from error


def _load_authority(context: ssl.SSLContext, key: str, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise ClusterFilesError(f"{key}: {path}: no PEM file of an authority: {error}") from error
    if not context.get_ca_certs():
        raise ClusterFilesError(f"{key}: {path}: holds no certificate of an authority")

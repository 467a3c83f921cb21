"""The files that the cluster's settings name, as a start would read them."""

import datetime as dt
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from amqp_server.cluster_files import (
    ClusterFilesError,
    etcd_address_of,
    link_contexts_of,
    problems_of_cluster,
    secret_of,
)
from amqp_server.net.tls_check import shake_hands
from cluster.settings import ClusterSettings, EtcdSettings, LinksSettings, LinkTlsSettings
from tests.support.certificates import Authority

NODE = "haremq@one"
SECRET = "0123456789abcdef"


def written(path: Path, text: str = SECRET + "\n", mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def section(tmp_path: Path) -> ClusterSettings:
    return ClusterSettings(
        etcd=EtcdSettings(endpoints=("http://127.0.0.1:1",)),
        secret_file=written(tmp_path / "secret"),
        links=LinksSettings(listen=f"unix:{tmp_path}/links"),
    )


def with_tls(section: ClusterSettings, tls: LinkTlsSettings) -> ClusterSettings:
    return replace(section, links=LinksSettings(listen="a:1", tls=tls))


def certified(
    folder: Path, name: str = NODE, authority: Authority | None = None
) -> LinkTlsSettings:
    signer = Authority() if authority is None else authority
    files = signer.issue(folder, alternatives=[x509.DNSName(name)])
    return LinkTlsSettings(
        certificate_file=files.certificate_file,
        key_file=files.key_file,
        ca_file=signer.write(folder / "ca.pem"),
    )


def test_good_files_have_no_problem_and_etcd_is_not_asked(section: ClusterSettings) -> None:
    assert problems_of_cluster(section, NODE) == []
    assert secret_of(section) == SECRET.encode()


def test_a_node_that_is_alone_has_no_problem(tmp_path: Path) -> None:
    assert problems_of_cluster(ClusterSettings(secret_file=tmp_path / "no"), NODE) == []
    assert secret_of(ClusterSettings()) == b""


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("short\n", 0o600, "expected 16 characters or more in the first line, got 5"),
        ("\nsecond line is none\n", 0o600, "its first line is empty"),
        ("", 0o600, "its first line is empty"),
        (SECRET, 0o604, "every user of this host can open it; `chmod 600"),
        (SECRET, 0o602, "every user of this host can open it; `chmod 600"),
    ],
)
def test_a_secret_is_long_and_nobody_elses(
    section: ClusterSettings, tmp_path: Path, text: str, mode: int, told: str
) -> None:
    path = written(tmp_path / "other", text, mode)
    (problem,) = problems_of_cluster(replace(section, secret_file=path), NODE)
    assert problem.startswith(f"cluster.secret_file: {path}: {told}")


def test_a_group_may_read_the_secret(section: ClusterSettings, tmp_path: Path) -> None:
    path = written(tmp_path / "other", mode=0o640)
    assert problems_of_cluster(replace(section, secret_file=path), NODE) == []


def test_what_is_not_there_or_no_text_is_named(section: ClusterSettings, tmp_path: Path) -> None:
    path = tmp_path / "no"
    (problem,) = problems_of_cluster(replace(section, secret_file=path), NODE)
    assert problem == f"cluster.secret_file: {path}: No such file or directory"
    binary = written(tmp_path / "binary")
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ClusterFilesError, match="is not UTF-8 text"):
        secret_of(replace(section, secret_file=binary))


def test_the_folder_of_a_unix_socket_must_be_there(section: ClusterSettings) -> None:
    links = LinksSettings(listen="unix:/nowhere/at/all/links")
    (problem,) = problems_of_cluster(replace(section, links=links), NODE)
    assert problem == (
        "cluster.links.listen: unix:/nowhere/at/all/links: there is no folder /nowhere/at/all;"
        " make it"
    )


def test_etcd_gets_its_password(section: ClusterSettings, tmp_path: Path) -> None:
    etcd = EtcdSettings(
        endpoints=("https://a:1",),
        user="me",
        password_file=written(tmp_path / "password", "hidden\nmore\n"),
        ca_file=tmp_path / "ca.pem",
        connect_ms=500,
    )
    address = etcd_address_of(etcd)
    assert (address.user, address.password, address.connect_ms) == ("me", "hidden", 500)
    assert (address.ca_file, address.certificate_file) == (str(tmp_path / "ca.pem"), "")
    (problem,) = problems_of_cluster(replace(section, etcd=etcd), NODE)
    assert problem == f"cluster.etcd.ca_file: {tmp_path}/ca.pem: No such file or directory"


def test_files_of_etcd_are_of_their_kind(section: ClusterSettings, tmp_path: Path) -> None:
    pair = Authority().issue(tmp_path)
    junk = written(tmp_path / "junk", "no PEM")
    etcd = EtcdSettings(
        endpoints=("https://a:1",),
        ca_file=junk,
        certificate_file=pair.certificate_file,
        key_file=junk,
    )
    authority, key = problems_of_cluster(replace(section, etcd=etcd), NODE)
    assert authority.startswith(f"cluster.etcd.ca_file: {junk}: no PEM file of an authority")
    assert key.startswith(f"cluster.etcd.certificate_file: {pair.certificate_file} with {junk}: ")


def test_links_with_certificates_of_one_authority_shake_hands(
    section: ClusterSettings, tmp_path: Path
) -> None:
    tls = certified(tmp_path)
    assert problems_of_cluster(with_tls(section, tls), NODE) == []
    contexts = link_contexts_of(tls)
    server, client = shake_hands(contexts.accepting, contexts.dialing)
    assert server.getpeercert()
    assert client.version() == "TLSv1.3"


def test_a_link_refuses_who_shows_no_certificate(tmp_path: Path) -> None:
    tls = certified(tmp_path)
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    stranger.check_hostname = False
    stranger.load_verify_locations(tls.ca_file)
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake_hands(link_contexts_of(tls).accepting, stranger)


@pytest.mark.parametrize("names_nodes", [True, False])
def test_a_certificate_names_its_node_where_it_must(
    section: ClusterSettings, tmp_path: Path, names_nodes: bool
) -> None:
    tls = replace(certified(tmp_path, "haremq@two"), names_nodes=names_nodes)
    told = problems_of_cluster(with_tls(section, tls), NODE)
    assert (
        told
        == [
            (
                f"cluster.links.tls.certificate_file: {tls.certificate_file}: expected the name"
                f" '{NODE}' of this node in it, got ['haremq@two']; add it as a DNS name, or set"
                " names_nodes: false"
            )
        ][: 1 if names_nodes else 0]
    )


def test_a_certificate_of_another_authority_is_told(
    section: ClusterSettings, tmp_path: Path
) -> None:
    tls = replace(certified(tmp_path), ca_file=Authority("other").write(tmp_path / "other.pem"))
    (problem,) = problems_of_cluster(with_tls(section, tls), NODE)
    assert "other nodes would refuse it: unable to get local issuer certificate" in problem


def test_a_certificate_that_has_ended_is_told(section: ClusterSettings, tmp_path: Path) -> None:
    authority = Authority()
    tls = certified(tmp_path, authority=authority)
    authority.issue(
        tmp_path,
        alternatives=[x509.DNSName(NODE)],
        not_after=dt.datetime(2025, 6, 1, tzinfo=dt.UTC),
    )
    (problem,) = problems_of_cluster(with_tls(section, tls), NODE)
    assert "certificate has expired" in problem


def test_files_of_links_that_cannot_be_used_are_named(
    section: ClusterSettings, tmp_path: Path
) -> None:
    tls = certified(tmp_path)
    gone = replace(tls, key_file=tmp_path / "no", ca_file=tmp_path / "neither")
    told = problems_of_cluster(with_tls(section, gone), NODE)
    assert [line.split(":")[0] for line in told] == [
        "cluster.links.tls.key_file",
        "cluster.links.tls.ca_file",
    ]
    (problem,) = problems_of_cluster(with_tls(section, replace(tls, ca_file=tls.key_file)), NODE)
    assert problem.startswith("cluster.links.tls.ca_file:")

"""The section of the cluster: what is wrong is told, with what was expected."""

import pytest

from amqp_server.settings.load import SettingsError, parse_settings
from cluster.settings import (
    NAME_BYTES_MAX,
    UNIX_PATH_BYTES_MAX,
    ClusterSettings,
    address_problem,
    host_and_port,
    is_unix,
    name_problem,
)

GOOD = """
broker: {node_name: haremq@one}
cluster:
  name: shop
  etcd: {endpoints: ["http://10.0.0.1:2379", "http://10.0.0.2:2379"]}
  secret_file: secret
  links: {listen: "10.0.0.1:25672"}
"""


def problems(text: str) -> list[str]:
    try:
        parse_settings(text)
    except SettingsError as error:
        return list(error.problems)
    return []


def with_section(section: str) -> list[str]:
    return problems(f"broker: {{node_name: haremq@one}}\ncluster:\n  {section}\n")


def test_a_section_that_says_all_that_is_needed_is_one_of_a_cluster() -> None:
    settings = parse_settings(GOOD).cluster
    assert settings.is_clustered
    assert settings.name == "shop"
    assert settings.lease_ttl_ms == 3_000


def test_without_endpoints_a_node_is_alone() -> None:
    assert not ClusterSettings().is_clustered
    assert not parse_settings("cluster: {zone: a}").cluster.is_clustered
    assert ClusterSettings().inconsistencies() == []


def test_a_cluster_needs_a_place_for_links_and_a_secret() -> None:
    told = with_section("etcd: {endpoints: ['http://a:1']}")
    assert told == [
        "cluster.links.listen: must be given in a cluster: host:port, or unix: and a path",
        "cluster.secret_file: must be given, unless links.tls has certificates that name nodes",
    ]


def test_certificates_that_name_nodes_do_without_a_secret() -> None:
    files = "certificate_file: c, key_file: k, ca_file: a"
    links = f"links: {{listen: 'a:1', tls: {{{files}}}}}"
    assert with_section(f"etcd: {{endpoints: ['https://a:1']}}\n  {links}") == []
    unnamed = links.replace("ca_file: a", "ca_file: a, names_nodes: false")
    (told,) = with_section(f"etcd: {{endpoints: ['https://a:1']}}\n  {unnamed}")
    assert told.startswith("cluster.secret_file: must be given")


def test_each_node_needs_a_name_and_a_folder() -> None:
    told = problems(GOOD.replace("node_name: haremq@one", "data_dir: null"))
    assert told == [
        (
            "broker.node_name: must be given in a cluster, and be another one on each node;"
            " got 'haremq@localhost'"
        ),
        "broker.data_dir: expected a folder, as the node is in a cluster",
    ]
    (told_of_name,) = problems(GOOD.replace("haremq@one", "'a b'"))
    assert told_of_name.startswith("broker.node_name: expected a name without spaces")


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.1:2379",
        "ftp://a",
        "http://",
        "http://a:port",
        "http://a/v3",
        "http://a?x=1",
        "http://[",
    ],
)
def test_an_endpoint_is_a_url(url: str) -> None:
    (told, *_) = with_section(f"etcd: {{endpoints: ['{url}']}}")
    assert told.startswith("cluster.etcd.endpoints[0]: expected a URL")
    assert repr(url) in told


def test_a_password_in_an_endpoint_is_refused_and_not_shown() -> None:
    for url in ("http://me:secret@a:1", "http://me:secret@[:1"):
        (told, *_) = with_section(f"etcd: {{endpoints: ['{url}']}}")
        assert "secret@" not in told


@pytest.mark.parametrize(
    ("etcd", "told"),
    [
        (
            "endpoints: ['http://a:1'], ca_file: x",
            "cluster.etcd.endpoints: expected https:// with TLS files, got http://",
        ),
        (
            "endpoints: ['https://a:1'], certificate_file: x",
            ("cluster.etcd.key_file: must be given: certificate_file and key_file belong together"),
        ),
        ("user: x", "cluster.etcd.password_file: must be given where user is"),
        ("password_file: x", "cluster.etcd.user: must be given where password_file is"),
    ],
)
def test_keys_of_etcd_belong_together(etcd: str, told: str) -> None:
    assert told in with_section(f"etcd: {{{etcd}}}")


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("10.0.0.1:25672", True),
        ("node-1.example:1", True),
        ("[::1]:25672", True),
        ("unix:/run/haremq/links", True),
        ("unix:" + "x" * UNIX_PATH_BYTES_MAX, True),
        ("unix:" + "x" * (UNIX_PATH_BYTES_MAX + 1), False),
        ("unix:", False),
        ("10.0.0.1", False),
        (":25672", False),
        ("a:65536", False),
        ("a:-1", False),
        ("::1:25672", False),
        ("a:1x", False),
        ("", False),
    ],
)
def test_an_address_of_links(address: str, is_good: bool) -> None:
    assert (address_problem(address) == "") is is_good


def test_an_address_has_a_host_and_a_port() -> None:
    assert host_and_port("[::1]:5") == ("::1", 5)
    assert host_and_port("a.b:6") == ("a.b", 6)
    assert is_unix("unix:/x")
    assert not is_unix("a:1")


@pytest.mark.parametrize(
    ("links", "told"),
    [
        (
            "listen: '0.0.0.0:1'",
            "advertise: expected an address that others can connect to, got '0.0.0.0:1' of listen",
        ),
        (
            "listen: '[::]:1', advertise: '[::]:2'",
            "advertise: expected an address that others can connect to, got '[::]:2'",
        ),
        ("listen: 'a:0'", "advertise: expected a port, got 0 of listen"),
        ("listen: x", "listen: expected host:port, or unix: and a path, got 'x'"),
        ("advertise: x", "advertise: expected host:port, or unix: and a path, got 'x'"),
        (
            "listen: 'unix:/x', tls: {certificate_file: c, key_file: k, ca_file: a}",
            "tls: is of links over TCP; a Unix socket needs none",
        ),
    ],
)
def test_others_must_reach_the_links(links: str, told: str) -> None:
    assert with_section(f"links: {{{links}}}") == [f"cluster.links.{told}"]


def test_a_wildcard_is_good_with_an_address_to_advertise() -> None:
    assert with_section("links: {listen: '0.0.0.0:1', advertise: 'a:1'}") == []


def test_names_are_bounded() -> None:
    assert name_problem("haremq@one") == ""
    assert name_problem("é" * (NAME_BYTES_MAX // 2)) == ""
    assert "got 202" in name_problem("é" * (NAME_BYTES_MAX // 2 + 1))
    assert name_problem("")
    assert name_problem("a\n")
    (told,) = problems(GOOD.replace("name: shop", "name: ''"))
    assert told == f"cluster.name: expected a name of 1 to {NAME_BYTES_MAX} octets, got 0"


def test_no_more_replicas_in_sync_are_asked_for_than_there_are() -> None:
    told = with_section("replication: {replicas: 3, min_isr: 4}")
    assert told == [
        ("cluster.replication.min_isr: expected 3 or less, as there are replicas, got 4")
    ]
    assert with_section("replication: {replicas: 3, min_isr: 3}") == []


def test_a_lease_that_etcd_cannot_keep_is_refused() -> None:
    (told,) = with_section("lease_ttl_ms: 1000")
    assert told == "cluster.lease_ttl_ms: expected an integer from 2000 to 60000, got 1000"

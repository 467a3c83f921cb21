"""RabbitMQ's exports are read, whichever version wrote them, and wrong files are not."""

import base64
import json
from pathlib import Path

import pytest

from amqp_server.broker.access.passwords import MD5, SHA256, SHA512, hash_password, verify
from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.document import Document
from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Field, longstr
from queues.kinds import CLASSIC, QUORUM

EXPORT = json.loads((Path(__file__).parent / "rabbitmq_3_10.json").read_text(encoding="utf-8"))


def salt(size_bytes: int) -> bytes:
    return b"salt"[:size_bytes]


def parse(raw: object, vhost: str | None = None) -> Document:
    document = parse_definitions(raw, salt, vhost)
    assert document.left_out == ()
    return document


def left_out(raw: object) -> list[str]:
    return list(parse_definitions(raw, salt).left_out)


# ── a plain password ──


@pytest.mark.parametrize(
    ("known", "is_kept"),
    [
        (User("u", hash_password("secret", b"old!")), True),
        (User("u", hash_password("other", b"old!")), False),
        (User("u", ""), False),
        (User("u", hash_password("secret", b"old!", MD5), MD5), False),
        (None, False),
    ],
    ids=["the same", "another", "none", "hashed another way", "a new user"],
)
def test_who_has_the_password_already_keeps_its_hash(known: User | None, is_kept: bool) -> None:
    raw = {"users": [{"name": "u", "password": "secret", "tags": ["monitoring"]}]}
    asked: list[str] = []

    def known_user(name: str) -> User | None:
        asked.append(name)
        return known

    (user,) = parse_definitions(raw, salt, known_user=known_user).of(User)
    expected = hash_password("secret", b"old!" if is_kept else b"salt")
    assert user == User("u", expected, SHA256, ("monitoring",))
    assert asked == ["u"]


# ── an export of 3.10 ──


def test_accounts_are_read() -> None:
    definitions = parse(EXPORT)
    assert definitions.of(User) == (
        User(
            "u",
            "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
            SHA256,
            (),
            {"max-channels": -7},
        ),
        User("certificate", "", SHA256, ("monitoring", "impersonator"), {}),
    )
    assert verify("test12", definitions.of(User)[0].password_hash, SHA256)
    assert definitions.of(VhostDefinition) == (VhostDefinition("/"), VhostDefinition("v2"))
    assert definitions.of(VhostPermissions) == (VhostPermissions("u", "/", "^mine", ".*", ""),)
    assert definitions.of(TopicPermissions) == (
        TopicPermissions("u", "/", "amq.topic", "", "^r\\."),
    )


def test_parameters_are_sorted_into_what_they_are() -> None:
    definitions = parse(EXPORT)
    assert definitions.of(VhostLimitsDefinition) == (
        VhostLimitsDefinition("/", {"max-queues": 200}),
    )
    assert definitions.of(OperatorPolicyDefinition) == (
        OperatorPolicyDefinition("/", Policy("po", "^a", {"max-length": 5}, 3, "queues")),
    )
    assert definitions.of(PolicyDefinition) == (
        PolicyDefinition("/", Policy("pp", "^a", {"max-length": 5, "ha-mode": "all"}, 3, "queues")),
    )
    assert definitions.of(ParameterDefinition) == (
        ParameterDefinition("/", "federation-upstream", "f", {"uri": "amqp://"}),
    )
    assert definitions.of(GlobalParameterDefinition) == (
        GlobalParameterDefinition("internal_cluster_id", "rabbitmq-cluster-id-0"),
    )


def test_queues_exchanges_and_bindings_get_their_types() -> None:
    definitions = parse(EXPORT)
    classic, quorum = definitions.of(QueueDefinition)
    assert classic.arguments["x-message-ttl"] == Field("l", 5)
    assert classic.arguments["x-dead-letter-exchange"] == longstr("")
    assert (quorum.vhost, quorum.durable) == ("v2", True)
    internal, direct = definitions.of(ExchangeDefinition)
    assert (internal.exchange_type, internal.internal, internal.auto_delete) == (
        "topic",
        True,
        True,
    )
    assert direct.arguments == {"alternate-exchange": longstr("amq.fanout")}
    to_exchange, to_queue = definitions.of(BindingDefinition)
    assert (to_exchange.destination_type, to_queue.destination_type) == ("exchange", "queue")
    assert to_queue.arguments == {"x-match": longstr("any"), "n": Field("l", 1)}


def test_nothing_is_defined_by_nothing() -> None:
    assert parse({}).definitions == ()
    assert parse({"rabbit_version": "4.1.0", "tomorrow": [5], "users": None}).definitions == ()


# ── other versions ──


@pytest.mark.parametrize("algorithm", [MD5, SHA256, SHA512])
def test_an_algorithm_that_old_files_do_not_name_is_known_by_its_size(algorithm: str) -> None:
    stored = hash_password("p", b"salt", algorithm)
    (user,) = parse({"users": [{"name": "u", "password_hash": stored, "tags": "a, b"}]}).of(User)
    assert user.hashing_algorithm == algorithm
    assert user.tags == ("a", "b")
    assert verify("p", user.password_hash, user.hashing_algorithm)


def test_a_plain_password_is_hashed() -> None:
    (user,) = parse({"users": [{"name": "u", "password": "secret"}]}).of(User)
    assert base64.b64decode(user.password_hash)[:4] == b"salt"
    assert verify("secret", user.password_hash, user.hashing_algorithm)


@pytest.mark.parametrize(
    ("raw", "vhost"),
    [
        (
            {"name": "v", "description": "d", "tags": ["t"], "default_queue_type": "quorum"},
            VhostDefinition("v", "d", ("t",), QUORUM),
        ),
        (
            {"name": "v", "metadata": {"description": "d", "tags": ["t"]}, "tracing": True},
            VhostDefinition("v", "d", ("t",), tracing=True),
        ),
        (
            {
                "name": "v",
                "default_queue_type": "undefined",
                "metadata": {"default_queue_type": "classic"},
                "limits": [],
            },
            VhostDefinition("v", default_queue_type=CLASSIC),
        ),
        ({"name": "v", "default_queue_type": None, "metadata": []}, VhostDefinition("v")),
    ],
)
def test_vhosts_say_it_at_the_top_or_as_metadata(raw: object, vhost: VhostDefinition) -> None:
    assert parse({"vhosts": [raw]}).of(VhostDefinition) == (vhost,)


def test_4_x_names_the_queue_type_beside_the_arguments() -> None:
    queues = [
        {"name": "a", "vhost": "/", "type": "quorum", "arguments": {}},
        {"name": "b", "vhost": "/", "type": "classic", "arguments": {"x-max-priority": 3}},
    ]
    quorum, classic = parse({"queues": queues}).of(QueueDefinition)
    assert quorum.arguments == {"x-queue-type": longstr("quorum")}
    assert classic.arguments == {"x-max-priority": Field("l", 3)}


def test_the_export_of_one_vhost_takes_the_vhost_it_is_loaded_into() -> None:
    raw = {
        "queues": [{"name": "q"}],
        "exchanges": [{"name": "x", "type": "fanout"}],
        "policies": [{"name": "p", "pattern": "", "definition": {"max-length": 1}}],
        "bindings": [{"source": "x", "destination": "q", "destination_type": "queue"}],
    }
    definitions = parse(raw, vhost="here")
    assert [queue.vhost for queue in definitions.of(QueueDefinition)] == ["here"]
    assert [exchange.vhost for exchange in definitions.of(ExchangeDefinition)] == ["here"]
    assert [binding.vhost for binding in definitions.of(BindingDefinition)] == ["here"]
    assert definitions.of(PolicyDefinition)[0] == PolicyDefinition(
        "here", Policy("p", "", {"max-length": 1})
    )
    assert left_out(raw) == [
        "definitions.policies[0].vhost: must be given",
        "definitions.exchanges[0].vhost: must be given",
        "definitions.queues[0].vhost: must be given",
        "definitions.bindings[0].vhost: must be given",
    ]


# ── wrong files ──

QUEUE = {"name": "q", "vhost": "/"}
POLICY = {"name": "p", "vhost": "/", "pattern": ".*", "definition": {"max-length": 1}}
BINDING = {"source": "x", "vhost": "/", "destination": "q", "destination_type": "queue"}


MISTAKES: list[tuple[object, str]] = [
    ({"users": 5}, "definitions.users: expected a list, got 5"),
    ({"users": [{}]}, "definitions.users[0].name: must be given"),
    (
        {"users": [{"name": "u", "password_hash": "!"}]},
        "definitions.users[0].password_hash: is not base64",
    ),
    (
        {"users": [{"name": "u", "hashing_algorithm": "rot13"}]},
        (
            "definitions.users[0].hashing_algorithm: expected one of "
            "rabbit_password_hashing_sha256, rabbit_password_hashing_sha512, "
            "rabbit_password_hashing_md5, got 'rot13'"
        ),
    ),
    (
        {"users": [{"name": "u", "limits": {"max-channels": "x"}}]},
        'definitions.users[0]: max-channels should be a number, actually was <<"x">>',
    ),
    (
        {"vhosts": [{"name": "v", "default_queue_type": "delayed"}]},
        "definitions.vhosts[0].default_queue_type: there are no queues of type 'delayed' here",
    ),
    (
        {"queues": [QUEUE, QUEUE, QUEUE, {"name": 5, "vhost": "/"}]},
        "definitions.queues[3].name: expected a string, got 5",
    ),
    (
        {"queues": [{**QUEUE, "arguments": {"x-message-ttl": "a"}}]},
        (
            "definitions.queues[0]: invalid arg 'x-message-ttl' for queue 'q' in vhost '/': "
            '"expected integer, got longstr"'
        ),
    ),
    (
        {"queues": [{**QUEUE, "durable": False, "type": "quorum"}]},
        "definitions.queues[0]: invalid property 'non-durable' for queue 'q' in vhost '/'",
    ),
    (
        {"exchanges": [{"name": "x", "vhost": "/", "type": "x-jms-topic"}]},
        (
            "definitions.exchanges[0].type: expected one of direct, fanout, headers, topic, "
            "x-consistent-hash, x-delayed-message, x-federation-upstream, "
            "x-message-deduplication, x-modulus-hash, x-random, x-recent-history, x-super-stream, "
            "got 'x-jms-topic'"
        ),
    ),
    (
        {
            "exchanges": [
                {
                    "name": "x",
                    "vhost": "/",
                    "type": "topic",
                    "arguments": {"alternate-exchange": 1},
                }
            ]
        },
        (
            "definitions.exchanges[0]: invalid type 'long' for arg 'alternate-exchange' "
            "in exchange 'x' in vhost '/'"
        ),
    ),
    (
        {"bindings": [{**BINDING, "destination_type": "stream"}]},
        "definitions.bindings[0].destination_type: expected queue or exchange, got 'stream'",
    ),
    (
        {"policies": [{**POLICY, "definition": {"message-ttl": -1}}]},
        "definitions.policies[0]: -1 is not a valid message TTL",
    ),
    (
        {"policies": [{**POLICY, "priority": 1.5}]},
        "definitions.policies[0].priority: expected an integer, got 1.5",
    ),
    (
        {
            "parameters": [
                {
                    "vhost": "/",
                    "component": "operator_policy",
                    "name": "o",
                    "value": {"pattern": "", "definition": {"queue-mode": "lazy"}},
                }
            ]
        },
        (
            "definitions.parameters[0].value.definition.queue-mode: "
            "is no policy key here: kept, without effect"
        ),
    ),
    (
        {
            "parameters": [
                {"vhost": "/", "component": "vhost-limits", "name": "l", "value": {"x": 1}}
            ]
        },
        'definitions.parameters[0]: Unrecognised terms [{<<"x">>,1}] in limits',
    ),
    (
        {"permissions": [{"user": "u", "vhost": "/", "configure": "((", "write": "", "read": ""}]},
        (
            "definitions.permissions[0]: '((' is not a regular expression: "
            "missing closing parenthesis at position 2"
        ),
    ),
    (
        {
            "topic_permissions": [
                {"user": "u", "vhost": "/", "exchange": "x", "write": "[", "read": ""}
            ]
        },
        (
            "definitions.topic_permissions[0].write: '[' is not a regular expression: "
            "missing terminating ] for character class at position 1; "
            "nothing is allowed instead"
        ),
    ),
]


@pytest.mark.parametrize(("raw", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_path(raw: object, told: str) -> None:
    assert left_out(raw) == [told]


def test_what_is_no_object_holds_no_definitions() -> None:
    with pytest.raises(DefinitionsError) as caught:
        parse([])
    assert str(caught.value) == "definitions: expected an object, got []"


def test_all_mistakes_are_told_and_all_else_is_taken() -> None:
    raw = {
        "users": 5,
        "vhosts": [{"name": "v"}, 7, {"name": 8}],
        "queues": [QUEUE, {**QUEUE, "type": "delayed"}, {**QUEUE, "name": "r"}],
    }
    document = parse_definitions(raw, salt)
    assert [placed.path for placed in document.placed] == [
        "definitions.vhosts[0]",
        "definitions.queues[0]",
        "definitions.queues[2]",
    ]
    assert [line.partition(": ")[0] for line in document.left_out] == [
        "definitions.users",
        "definitions.vhosts[1]",
        "definitions.vhosts[2].name",
        "definitions.queues[1]",
    ]
    assert document.names_users


def test_text_that_is_none_is_told_wherever_it_stands() -> None:
    (told,) = left_out({"queues": [{"name": "\ud800", "vhost": "/"}]})
    assert "definitions.queues[0].name" in told
    (told,) = left_out({"policies": [{**POLICY, "definition": {"dead-letter-exchange": "\ud800"}}]})
    assert told.startswith("definitions.policies[0]: ")

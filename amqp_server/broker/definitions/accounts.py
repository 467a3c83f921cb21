"""Users and their rights, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from amqp_server.broker.access.passwords import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    MD5,
    SHA512,
    verify,
)
from amqp_server.broker.access.patterns import PatternError, compile_pattern
from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions, new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.definitions.fields import Fields, limits, text, texts
from amqp_server.broker.definitions.item import DefinitionsError, Item, checking, wrong
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.limits import USER_LIMITS, validated
from amqp_server.broker.steps import Steps

NO_KEY: Final = "(?!)"
"""A pattern that is found nowhere."""

_ALGORITHM_OF_SIZE: Final = {20: MD5, 68: SHA512}
"""Octets of a stored hash: files of before 3.6 do not name the algorithm."""


class UserRow:
    """An account. Stored under its name."""

    word: Final = "user"
    value_type: Final = User
    section: Final = "users"
    component: Final = None
    obeys_policies: Final = False

    def names(self, user: User) -> Names:
        """Return the name."""
        return (user.name,)

    def encode(self, user: User) -> Fields:
        """Return hash, tags and limits."""
        return {
            "password_hash": user.password_hash,
            "hashing_algorithm": user.hashing_algorithm,
            "tags": list(user.tags),
            "limits": dict(user.limits),
        }

    def decode(self, names: Names, fields: Fields) -> User:
        """Return the account."""
        (name,) = names
        return User(
            name,
            text(fields["password_hash"]),
            text(fields["hashing_algorithm"]),
            texts(fields["tags"]),
            limits(fields["limits"]),
        )

    def read(self, item: Item, reading: Reading) -> User:
        """Read an account; a password without a hash is hashed.

        A user whose plain password is unchanged keeps the hash, so that loading a file again
        changes nothing.
        """
        name, tags = item.name("name"), item.words("tags")
        with checking(item):
            held = validated(item.mapping("limits"), USER_LIMITS, "user-limits")
        if item.has("password") and not item.has("password_hash"):
            password, known = item.text("password"), reading.known_user(name)
            if known is None or not _has_password(known, password):
                known = new_user(name, password, reading.random_bytes)
            stored, algorithm = known.password_hash, known.hashing_algorithm
        else:
            stored = item.text("password_hash", "")
            algorithm = _algorithm(item, stored)
        return User(name, stored, algorithm, tuple(dict.fromkeys(tags)), held)

    def show(self, user: User) -> dict[str, object]:
        """Return all of it; the password only as its hash."""
        return {"name": user.name, **self.encode(user)}

    def missing(self, place: Place, user: User) -> None:
        """Refer to nothing."""
        place.add_user(user.name)

    def apply(self, broker: BrokerTarget, user: User, _applying: Applying) -> None:
        """Create or replace it; its permissions stay."""
        broker.users.put(user)

    def remove(self, broker: BrokerTarget, user: User, now_ms: int) -> Steps[bool]:
        """Delete it with its permissions, and close its connections."""
        return broker.deleting_user(user.name, now_ms)

    def held(self, broker: BrokerTarget) -> Iterable[User]:
        """Return all accounts."""
        return broker.users.list()


class PermissionsRow:
    """The rights of a user in a vhost. Stored under both names."""

    word: Final = "permissions"
    value_type: Final = VhostPermissions
    section: Final = "permissions"
    component: Final = None
    obeys_policies: Final = False

    def names(self, held: VhostPermissions) -> Names:
        """Return vhost and user."""
        return (held.vhost, held.user)

    def encode(self, held: VhostPermissions) -> Fields:
        """Return the three patterns."""
        return {"configure": held.configure, "write": held.write, "read": held.read}

    def decode(self, names: Names, fields: Fields) -> VhostPermissions:
        """Return the permissions."""
        vhost, user = names
        return VhostPermissions(
            user, vhost, text(fields["configure"]), text(fields["write"]), text(fields["read"])
        )

    def read(self, item: Item, reading: Reading) -> VhostPermissions:
        """Read permissions, whose patterns are regular expressions."""
        held = VhostPermissions(
            item.text("user"),
            reading.vhost_of(item),
            item.text("configure"),
            item.text("write"),
            item.text("read"),
        )
        with checking(item):
            # A book of users to try them on, so that they are checked in one place.
            scratch = Users()
            scratch.put(User(held.user, ""))
            scratch.set_permissions(held.user, held.vhost, held.configure, held.write, held.read)
        return held

    def show(self, held: VhostPermissions) -> dict[str, object]:
        """Return all of it."""
        return {"user": held.user, "vhost": held.vhost, **self.encode(held)}

    def missing(self, place: Place, held: VhostPermissions) -> str | None:
        """Refer to a user and a vhost."""
        return place.missing_user(held.user) or place.missing_vhost(held.vhost)

    def apply(self, broker: BrokerTarget, held: VhostPermissions, _applying: Applying) -> None:
        """Put these in place of those that the user had in the vhost."""
        broker.users.set_permissions(held.user, held.vhost, held.configure, held.write, held.read)

    def remove(self, broker: BrokerTarget, held: VhostPermissions, _now_ms: int) -> Steps[None]:
        """Take all rights in the vhost away."""
        broker.users.clear_permissions(held.user, held.vhost)
        yield

    def held(self, broker: BrokerTarget) -> Iterable[VhostPermissions]:
        """Return everybody's."""
        return broker.users.permissions()


class TopicPermissionsRow:
    """Which routing keys a user may use with an exchange. Stored under the three names."""

    word: Final = "topic permissions"
    value_type: Final = TopicPermissions
    section: Final = "topic_permissions"
    component: Final = None
    obeys_policies: Final = False

    def names(self, held: TopicPermissions) -> Names:
        """Return vhost, user and exchange."""
        return (held.vhost, held.user, held.exchange)

    def encode(self, held: TopicPermissions) -> Fields:
        """Return both patterns."""
        return {"write": held.write, "read": held.read}

    def decode(self, names: Names, fields: Fields) -> TopicPermissions:
        """Return the permissions."""
        vhost, user, exchange = names
        return TopicPermissions(user, vhost, exchange, text(fields["write"]), text(fields["read"]))

    def read(self, item: Item, reading: Reading) -> TopicPermissions:
        """Read topic permissions; a pattern that is none allows nothing.

        To leave it out would lift the restriction.
        """
        patterns = {}
        for word in ("write", "read"):
            patterns[word] = item.text(word)
            try:
                compile_pattern(patterns[word])
            except PatternError as error:
                shown = f"'{patterns[word]}' is not a regular expression: {error}"
                item.leave_out(word, f"{shown}; nothing is allowed instead")
                patterns[word] = NO_KEY
        return TopicPermissions(
            item.text("user"), reading.vhost_of(item), item.name("exchange"), **patterns
        )

    def show(self, held: TopicPermissions) -> dict[str, object]:
        """Return all of it."""
        return {
            "user": held.user,
            "vhost": held.vhost,
            "exchange": held.exchange,
            **self.encode(held),
        }

    def missing(self, place: Place, held: TopicPermissions) -> str | None:
        """Refer to a user and a vhost; the exchange may come later."""
        return place.missing_user(held.user) or place.missing_vhost(held.vhost)

    def apply(self, broker: BrokerTarget, held: TopicPermissions, _applying: Applying) -> None:
        """Put these in place of those that the user had for the exchange."""
        broker.users.set_topic_permissions(
            held.user, held.vhost, held.exchange, held.write, held.read
        )

    def remove(self, broker: BrokerTarget, held: TopicPermissions, _now_ms: int) -> Steps[None]:
        """Lift the restriction for this exchange."""
        broker.users.clear_topic_permissions(held.user, held.vhost, held.exchange)
        yield

    def held(self, broker: BrokerTarget) -> Iterable[TopicPermissions]:
        """Return everybody's."""
        return broker.users.topic_permissions()


def _has_password(user: User, password: str) -> bool:
    """Whether a user has this password, hashed as a new one would be."""
    if user.hashing_algorithm != DEFAULT_ALGORITHM or not (password and user.password_hash):
        return False
    return verify(password, user.password_hash, user.hashing_algorithm)


def _algorithm(item: Item, stored: str) -> str:
    try:
        size_bytes = len(base64.b64decode(stored, validate=True))
    except (binascii.Error, ValueError) as error:
        raise DefinitionsError(f"{item.path}.password_hash: is not base64") from error
    if not item.has("hashing_algorithm"):
        return _ALGORITHM_OF_SIZE.get(size_bytes, DEFAULT_ALGORITHM)
    algorithm = item.text("hashing_algorithm")
    if algorithm not in ALGORITHMS:
        raise wrong(f"{item.path}.hashing_algorithm", f"one of {', '.join(ALGORITHMS)}", algorithm)
    return algorithm

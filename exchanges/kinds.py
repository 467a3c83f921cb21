"""The exchange types there are, as makers of what fits ``exchanges.ports``."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from exchanges.consistent_hash import ConsistentHashExchange
from exchanges.deduplication import DeduplicatingExchange, window_of
from exchanges.delayed_message import DelayedMessageExchange
from exchanges.direct import DirectExchange
from exchanges.errors import UnknownExchangeTypeError
from exchanges.fanout import FanoutExchange
from exchanges.federation_upstream import FederationUpstreamExchange
from exchanges.headers import HeadersExchange
from exchanges.modulus_hash import ModulusHashExchange
from exchanges.ports import ExchangeKind
from exchanges.random_choice import RandomBytes, RandomExchange
from exchanges.recent_history import RecentHistoryExchange
from exchanges.super_stream import SuperStreamExchange
from exchanges.topic import TopicExchange

_KINDS: Final[Mapping[str, Callable[[Mapping[str, object], RandomBytes], ExchangeKind]]] = (
    MappingProxyType(
        {
            "direct": lambda _arguments, _random_bytes: DirectExchange(),
            "fanout": lambda _arguments, _random_bytes: FanoutExchange(),
            "headers": lambda _arguments, _random_bytes: HeadersExchange(),
            "topic": lambda _arguments, _random_bytes: TopicExchange(),
            "x-consistent-hash": lambda arguments, _random_bytes: ConsistentHashExchange(arguments),
            "x-delayed-message": lambda arguments, random_bytes: DelayedMessageExchange(
                arguments, KIND_NAMES, lambda name: make_kind(name, arguments, random_bytes)
            ),
            "x-federation-upstream": lambda arguments, _random_bytes: FederationUpstreamExchange(
                arguments
            ),
            "x-message-deduplication": lambda _arguments, _random_bytes: FanoutExchange(),
            "x-modulus-hash": lambda _arguments, _random_bytes: ModulusHashExchange(),
            "x-random": lambda _arguments, random_bytes: RandomExchange(random_bytes),
            "x-recent-history": lambda arguments, _random_bytes: RecentHistoryExchange(arguments),
            "x-super-stream": lambda _arguments, _random_bytes: SuperStreamExchange(),
        }
    )
)

_NO_ARGUMENTS: Final[Mapping[str, object]] = MappingProxyType({})

KIND_NAMES: Final[tuple[str, ...]] = tuple(_KINDS)
"""The exchange types a client may declare, in alphabetical order."""


def make_kind(
    type_name: str,
    arguments: Mapping[str, object] = _NO_ARGUMENTS,
    random_bytes: RandomBytes = bytes,
) -> ExchangeKind:
    """Return an exchange of this type, without bindings.

    Args:
        type_name: one of ``KIND_NAMES``.
        arguments: of the exchange, plain values; most types look at none.
        random_bytes: the chance of a random exchange; the default is none, so that it always
            chooses the same binding.

    Raises:
        InvalidExchangeError: the type cannot use these arguments; the text is RabbitMQ's.
        UnknownExchangeTypeError: there is no such type; the text is RabbitMQ's.
    """
    kind = _KINDS.get(type_name)
    if kind is None:
        raise UnknownExchangeTypeError(f"unknown exchange type '{type_name}'")
    is_deduplicating = window_of(type_name, arguments) is not None
    made = kind(arguments, random_bytes)
    return DeduplicatingExchange(made) if is_deduplicating else made

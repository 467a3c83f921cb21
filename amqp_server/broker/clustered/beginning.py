"""The mark that a cluster has had its first definitions: they are made once, and may be deleted."""

from typing import Final

from cluster.definitions.changing import Changed, changing
from cluster.definitions.inquiry import Inquiry, looking_up
from cluster.definitions.references import References
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Put

_BEGUN: Final = "begun"


def is_begun(keys: KeySpace) -> Inquiry[bool]:
    """Return whether the cluster has had them."""
    key = keys.key("meta", _BEGUN)
    found = yield from looking_up((key,))
    return found[key] is not None


def noting_begun(keys: KeySpace) -> Inquiry[int]:
    """Note that it has; return the revision since which that stands there."""
    key = keys.key("meta", _BEGUN)
    changed = yield from changing(
        References(keys), key, lambda item: Put(key, b"") if item is None else None
    )
    assert isinstance(changed, Changed), "it needs nothing"
    return changed.revision

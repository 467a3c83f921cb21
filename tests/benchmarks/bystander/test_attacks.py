"""Attacks can be told apart."""

from benchmarks.bystander.attacks import ATTACKS


def test_attacks_have_names_of_their_own() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)

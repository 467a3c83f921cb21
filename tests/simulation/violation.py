"""A promise that was broken, as the simulator's checker found it."""


class ViolationError(Exception):
    """Its text begins with the invariant: I1 to I9, LOST."""

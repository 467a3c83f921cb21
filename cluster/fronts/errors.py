"""What is wrong with what the other half of a queue says: it ends the connection, nothing else."""


class FrontError(Exception):
    """A frame of the other node makes no sense; the text says which, and why."""

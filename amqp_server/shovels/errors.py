"""What goes wrong with the other broker; the texts are for people."""


class RemoteError(Exception):
    """The other broker refused something, broke a rule, or left."""


class ChannelClosedError(RemoteError):
    """The other broker closed a channel.

    Attributes:
        code: the reply code.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code

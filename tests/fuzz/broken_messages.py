"""Messages of streams, broken by chance: AMQP 1.0 from stream clients, property lists from AMQP."""

from random import Random

from tests.support.stream_messages import framed, known_answers, sub_batch

STORED = [bytes.fromhex(answer["message"]) for answer in known_answers("stored")]
PUBLISHED = [bytes.fromhex(answer["properties"]) for answer in known_answers("published")]
TELLING = bytes.fromhex("00 40 41 43 44 45 53 70 73 74 75 77 a0 a1 a3 b1 c1 d0 d1 e0 f0 01 80 ff")
LENGTH_MAX = 12


def broken_messages(chance: Random) -> list[bytes]:
    """Return a property list, and the data section of a chunk whose messages may be broken too."""
    messages = [broken(chance, chance.choice(STORED)) for _ in range(chance.randrange(1, 5))]
    parts = [
        sub_batch(messages, compression=chance.randrange(2), count=chance.randrange(5))
        if not chance.randrange(4)
        else framed(message)
        for message in messages
    ]
    data = b"".join(parts)
    properties = broken(chance, chance.choice(PUBLISHED))
    return [properties, *messages, data if chance.randrange(4) else broken(chance, data)]


def broken(chance: Random, octets: bytes) -> bytes:
    """Return octets with some of them changed, left out, or taken from another message."""
    changed = bytearray(octets)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = bytes((chance.choice(TELLING),))
            case 1:
                changed[at : at + 1] = bytes((chance.randrange(256),))
            case 2:
                del changed[at : at + chance.randrange(1, LENGTH_MAX)]
            case _:
                other = chance.choice(STORED + PUBLISHED)
                start = chance.randrange(len(other) + 1)
                changed[at:at] = other[start : start + chance.randrange(1, 2 * LENGTH_MAX)]
    return bytes(changed)

import { NotDecodable, Reader, countOf } from "./reader";

/**
 * Read one MessagePack value that is all of the octets.
 *
 * @throws NotDecodable They are no MessagePack.
 */
export function readMsgpack(octets: Uint8Array): unknown {
  const reader = new Reader(octets);
  const value = valueOf(reader);
  if (!reader.isAtEnd) throw new NotDecodable("more comes behind the value");
  return value;
}

function valueOf(reader: Reader): unknown {
  const head = reader.octet();
  if (head <= 0x7f) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head <= 0x8f) return reader.inside(() => reader.map(head & 0x0f, () => valueOf(reader)));
  if (head <= 0x9f) return reader.inside(() => reader.list(head & 0x0f, () => valueOf(reader)));
  if (head <= 0xbf) return reader.text(head & 0x1f);
  return sized(reader, head);
}

function sized(reader: Reader, head: number): unknown {
  const count = (size: number): number => countOf(reader.unsigned(size));
  switch (head) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: case 0xc5: case 0xc6: return reader.take(count(1 << (head - 0xc4)));
    case 0xc7: case 0xc8: case 0xc9: return extension(reader, count(1 << (head - 0xc7)));
    case 0xca: return reader.float(4);
    case 0xcb: return reader.float(8);
    case 0xcc: case 0xcd: case 0xce: case 0xcf: return reader.unsigned(1 << (head - 0xcc));
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: return reader.signed(1 << (head - 0xd0));
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return extension(reader, 1 << (head - 0xd4));
    case 0xd9: case 0xda: case 0xdb: return reader.text(count(1 << (head - 0xd9)));
    case 0xdc: case 0xdd: return reader.inside(() => reader.list(count(2 << (head - 0xdc)), () => valueOf(reader)));
    case 0xde: case 0xdf: return reader.inside(() => reader.map(count(2 << (head - 0xde)), () => valueOf(reader)));
    default: throw new NotDecodable("an octet that means nothing");
  }
}

const TIMESTAMP = -1;

/** A value of a type of its own: a time, or octets with the number of the type. */
function extension(reader: Reader, size: number): unknown {
  const type = reader.signed(1);
  if (type === TIMESTAMP && size === 4) return isoOf(countOf(reader.unsigned(4)));
  if (type === TIMESTAMP && size === 8) {
    const both = BigInt(reader.unsigned(8));
    return isoOf(Number(both & 0x3ffffffffn));
  }
  return new Map<string, unknown>([["type", type], ["data", reader.take(size)]]);
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

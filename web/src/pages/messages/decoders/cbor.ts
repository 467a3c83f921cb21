import { countOf, keyText, NotDecodable, Reader } from "./reader";

const BREAK = 0xff;
const ENDLESS = 31;

/**
 * Read one CBOR value that is all of the octets (RFC 8949).
 *
 * @throws NotDecodable They are no CBOR.
 */
export function readCbor(octets: Uint8Array): unknown {
  const reader = new Reader(octets);
  const value = valueOf(reader);
  if (!reader.isAtEnd) throw new NotDecodable("more comes behind the value");
  return value;
}

function valueOf(reader: Reader): unknown {
  const head = reader.octet();
  const major = head >> 5;
  const info = head & 31;
  if (major === 7) return simple(reader, info);
  if (info === ENDLESS) return endless(reader, major);
  const number = argument(reader, info);
  if (major === 0) return number;
  if (major === 1) return typeof number === "bigint" ? -1n - number : -1 - number;
  if (major === 6) return reader.inside(() => tagged(number, valueOf(reader)));
  const count = countOf(number);
  if (major === 2) return reader.take(count);
  if (major === 3) return reader.text(count);
  if (major === 4) return reader.inside(() => reader.list(count, () => valueOf(reader)));
  return reader.inside(() => reader.map(count, () => valueOf(reader)));
}

function argument(reader: Reader, info: number): number | bigint {
  if (info < 24) return info;
  if (info > 27) throw new NotDecodable("a length that means nothing");
  return reader.unsigned(1 << (info - 24));
}

function simple(reader: Reader, info: number): unknown {
  switch (info) {
    case 20: return false;
    case 21: return true;
    case 22: case 23: return null;
    case 25: return half(countOf(reader.unsigned(2)));
    case 26: return reader.float(4);
    case 27: return reader.float(8);
    default: throw new NotDecodable("a simple value that means nothing");
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** What ends with a break, not after a count. */
function endless(reader: Reader, major: number): unknown {
  return reader.inside(() => {
    const values: unknown[] = [];
    while (reader.look() !== BREAK) values.push(reader.inside(() => valueOf(reader)));
    reader.octet();
    if (major === 3 && values.every((piece) => typeof piece === "string")) return values.join("");
    if (major === 4) return values;
    if (major === 5 && values.length % 2 === 0) {
      return new Map(values.flatMap((key, at) => (at % 2 === 0 ? [[keyText(key), values[at + 1]] as const] : [])));
    }
    throw new NotDecodable("pieces that do not fit");
  });
}

/** Times are told as such; of other tags only the value matters here. */
function tagged(tag: number | bigint, value: unknown): unknown {
  if (tag === 1 && typeof value === "number") return new Date(value * 1000).toISOString();
  return value;
}

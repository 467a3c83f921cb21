import type { Comparison, Operand, Path, Segment, Selector, Test } from "./path";

/** What was typed is no JSONPath; the place counts letters from 1. */
export class PathError extends Error {
  constructor(what: string, at: number) {
    super(`${what} at letter ${at + 1} of the JSONPath`);
  }
}

const LETTERS_MAX = 500;
const DEPTH_MAX = 20;
const SPACE = /[ \t\n\r]*/y;
const NAME = /[\p{L}_][\p{L}\p{N}_-]*/uy;
const INTEGER = /-?\d{1,15}/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SIGN = /==|!=|<=|>=|<|>/y;
const WORD = /true|false|null/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y;
const WORDS: Record<string, unknown> = { true: true, false: false, null: null };

/**
 * Read a path, such as `$.items[*].id`.
 *
 * @throws PathError It is none.
 */
export function parsePath(text: string): Path {
  const reader = new Reader(text);
  const path = reader.path();
  reader.end();
  return path;
}

/** Reads RFC 9535 from the left to the right, without its functions. */
class Reader {
  private at = 0;

  constructor(private readonly text: string) {
    if (text.length > LETTERS_MAX) throw new PathError(`More than ${LETTERS_MAX} letters`, LETTERS_MAX);
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail(`Not expected: ${this.text[this.at] ?? ""}`);
  }

  path(): Path {
    this.space();
    const from = this.text[this.at];
    if (from !== "$" && from !== "@") this.fail("Expected $ or @");
    this.at += 1;
    return { from: from as "$" | "@", segments: this.segments() };
  }

  or(depth: number): Test {
    return this.joined("or", "||", () => this.joined("and", "&&", () => this.unary(depth)));
  }

  private joined(kind: "and" | "or", sign: string, part: () => Test): Test {
    const tests = [part()];
    while (this.take(sign)) tests.push(part());
    return tests.length === 1 ? (tests[0] as Test) : { kind, tests };
  }

  private unary(depth: number): Test {
    if (depth > DEPTH_MAX) this.fail("Too many brackets");
    this.space();
    if (this.text[this.at] === "!" && this.text[this.at + 1] !== "=") {
      this.at += 1;
      return { kind: "not", test: this.unary(depth + 1) };
    }
    if (this.take("(")) {
      const test = this.or(depth + 1);
      this.need(")");
      return test;
    }
    return this.comparison();
  }

  private comparison(): Test {
    const left = this.operand();
    this.space();
    const sign = this.match(SIGN);
    if (sign !== undefined) return { kind: "compare", sign: sign as Comparison, left, right: this.operand() };
    if (left.kind !== "path") this.fail("Expected a comparison");
    return { kind: "exists", path: (left as { path: Path }).path };
  }

  private operand(): Operand {
    this.space();
    const first = this.text[this.at];
    if (first === "$" || first === "@") return { kind: "path", path: this.path() };
    const word = this.match(WORD);
    if (word !== undefined) return { kind: "value", value: WORDS[word] };
    if (first === '"' || first === "'") return { kind: "value", value: this.quoted() };
    const number = this.match(NUMBER);
    if (number === undefined) this.fail("Expected a path, a text in quotes, a number, true, false or null");
    return { kind: "value", value: Number(number) };
  }

  private segments(): Segment[] {
    const segments: Segment[] = [];
    for (;;) {
      if (this.text.startsWith("..", this.at)) {
        this.at += 2;
        segments.push({ isDeep: true, selectors: this.text[this.at] === "[" ? this.bracketed() : [this.dotted()] });
      } else if (this.text[this.at] === ".") {
        this.at += 1;
        segments.push({ isDeep: false, selectors: [this.dotted()] });
      } else if (this.text[this.at] === "[") segments.push({ isDeep: false, selectors: this.bracketed() });
      else return segments;
    }
  }

  private dotted(): Selector {
    if (this.text[this.at] === "*") {
      this.at += 1;
      return { kind: "all" };
    }
    const name = this.match(NAME);
    if (name === undefined) this.fail("Expected a name");
    return { kind: "name", name: name as string };
  }

  private bracketed(): Selector[] {
    this.need("[");
    const selectors = [this.selector()];
    while (this.take(",")) selectors.push(this.selector());
    this.need("]");
    return selectors;
  }

  private selector(): Selector {
    this.space();
    const first = this.text[this.at];
    if (first === '"' || first === "'") return { kind: "name", name: this.quoted() };
    if (this.take("*")) return { kind: "all" };
    if (this.take("?")) return { kind: "filter", test: this.or(1) };
    const start = this.integer();
    if (!this.take(":")) {
      if (start === undefined) this.fail("Expected a name in quotes, a number, * or ?");
      return { kind: "index", index: start as number };
    }
    const end = this.integer();
    const step = this.take(":") ? this.integer() : undefined;
    return { kind: "slice", start, end, step: step ?? 1 };
  }

  private integer(): number | undefined {
    this.space();
    const digits = this.match(INTEGER);
    return digits === undefined ? undefined : Number(digits);
  }

  private quoted(): string {
    const at = this.at;
    const whole = this.match(QUOTED);
    if (whole === undefined) this.fail("A text has no end");
    const inside = (whole as string).slice(1, -1);
    const asJson = (whole as string).startsWith("'") ? inside.replace(/\\'/g, "'").replace(/"/g, '\\"') : inside;
    try {
      return JSON.parse(`"${asJson}"`) as string;
    } catch {
      throw new PathError("A text has an escape that JSON does not know", at);
    }
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private space(): void {
    this.match(SPACE);
  }

  private take(sign: string): boolean {
    this.space();
    if (!this.text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    return true;
  }

  private need(sign: string): void {
    if (!this.take(sign)) this.fail(`Expected ${sign}`);
  }

  private fail(what: string): never {
    throw new PathError(what, this.at);
  }
}

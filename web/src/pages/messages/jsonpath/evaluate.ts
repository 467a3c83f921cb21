import type { Comparison, Operand, Path, Segment, Selector, Test } from "./path";

/** The path leads to more values than one body is worth. */
export class TooLong extends Error {}

/** How many values one evaluation looks at: each is a step. */
const STEPS_MAX = 20_000;
/** What is compared as text costs a step for so many letters. */
const LETTERS_A_STEP = 100;

/**
 * The values that a path leads to, in the order of the body.
 *
 * @throws TooLong It took more steps than one body is worth.
 */
export function valuesAt(path: Path, body: unknown): unknown[] {
  return new Evaluation(body).values(path, body);
}

class Evaluation {
  private steps = 0;

  constructor(private readonly root: unknown) {}

  values(path: Path, here: unknown): unknown[] {
    let values: unknown[] = [path.from === "$" ? this.root : here];
    for (const segment of path.segments) values = this.after(segment, values);
    return values;
  }

  private holds(test: Test, here: unknown): boolean {
    this.step();
    switch (test.kind) {
      case "exists":
        return this.values(test.path, here).length > 0;
      case "not":
        return !this.holds(test.test, here);
      case "and":
        return test.tests.every((one) => this.holds(one, here));
      case "or":
        return test.tests.some((one) => this.holds(one, here));
      case "compare":
        return this.compares(test.sign, test.left, test.right, here);
    }
  }

  /** A path with several values holds if any of them does: what one types by hand means that. */
  private compares(sign: Comparison, left: Operand, right: Operand, here: unknown): boolean {
    const lefts = this.operands(left, here);
    const rights = this.operands(right, here);
    return lefts.some((one) => rights.some((other) => {
      this.step();
      return this.isTrue(sign, one, other);
    }));
  }

  private operands(operand: Operand, here: unknown): unknown[] {
    return operand.kind === "value" ? [operand.value] : this.values(operand.path, here);
  }

  private after(segment: Segment, values: readonly unknown[]): unknown[] {
    const found: unknown[] = [];
    const starts = segment.isDeep ? this.withAllInside(values) : values;
    for (const value of starts) for (const selector of segment.selectors) this.select(selector, value, found);
    return found;
  }

  private select(selector: Selector, value: unknown, found: unknown[]): void {
    this.step();
    if (typeof value !== "object" || value === null) return;
    if (selector.kind === "name") {
      if (!Array.isArray(value) && Object.hasOwn(value, selector.name)) found.push((value as Record<string, unknown>)[selector.name]);
    } else if (selector.kind === "all" || selector.kind === "filter") {
      for (const inner of Object.values(value)) {
        this.step();
        if (selector.kind === "all" || this.holds(selector.test, inner)) found.push(inner);
      }
    } else if (Array.isArray(value)) {
      for (const index of selector.kind === "index" ? oneIndex(selector.index, value.length) : indexesOf(selector, value.length)) {
        this.step();
        found.push(value[index]);
      }
    }
  }

  /** The values and all inside of them, without recursion: a body may be as deep as it likes. */
  private withAllInside(values: readonly unknown[]): unknown[] {
    const found: unknown[] = [];
    const waiting = [...values].reverse();
    while (waiting.length > 0) {
      this.step();
      const value = waiting.pop();
      found.push(value);
      if (typeof value !== "object" || value === null) continue;
      const inner: unknown[] = Object.values(value);
      for (let at = inner.length - 1; at >= 0; at -= 1) {
        this.step();
        waiting.push(inner[at]);
      }
    }
    return found;
  }

  private isTrue(sign: Comparison, left: unknown, right: unknown): boolean {
    if (sign === "==") return this.isSame(left, right);
    if (sign === "!=") return !this.isSame(left, right);
    const areNumbers = typeof left === "number" && typeof right === "number";
    const areTexts = typeof left === "string" && typeof right === "string";
    if (!areNumbers && !areTexts) return (sign === "<=" || sign === ">=") && this.isSame(left, right);
    if (sign === "<") return left < right;
    if (sign === "<=") return left <= right;
    return sign === ">" ? left > right : left >= right;
  }

  private isSame(left: unknown, right: unknown): boolean {
    if (left === right) return true;
    if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
    const text = JSON.stringify(left);
    this.step(1 + text.length / LETTERS_A_STEP);
    return text === JSON.stringify(right);
  }

  private step(steps = 1): void {
    this.steps += steps;
    if (this.steps > STEPS_MAX) throw new TooLong("The JSONPath takes too many steps");
  }
}

function oneIndex(index: number, length: number): number[] {
  const at = index < 0 ? index + length : index;
  return at >= 0 && at < length ? [at] : [];
}

function* indexesOf(slice: { start: number | undefined; end: number | undefined; step: number }, length: number): Generator<number> {
  const { step } = slice;
  if (step === 0) return;
  const place = (given: number | undefined, missing: number): number => (given === undefined ? missing : given < 0 ? given + length : given);
  if (step > 0) {
    const end = Math.min(place(slice.end, length), length);
    for (let at = Math.max(place(slice.start, 0), 0); at < end; at += step) yield at;
  } else {
    const end = Math.max(place(slice.end, -1 - length), -1);
    for (let at = Math.min(place(slice.start, length - 1), length - 1); at > end; at += step) yield at;
  }
}

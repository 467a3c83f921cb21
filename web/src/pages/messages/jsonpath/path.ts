/** A step from values to values of them. */
export type Selector =
  | { kind: "name"; name: string }
  | { kind: "index"; index: number }
  | { kind: "all" }
  | { kind: "slice"; start: number | undefined; end: number | undefined; step: number }
  | { kind: "filter"; test: Test };

export interface Segment {
  /** Of all values inside, not only of the next level. */
  isDeep: boolean;
  selectors: readonly Selector[];
}

/** A path: from the whole body (`$`), or from the value that a filter looks at (`@`). */
export interface Path {
  from: "$" | "@";
  segments: readonly Segment[];
}

export type Operand = { kind: "path"; path: Path } | { kind: "value"; value: unknown };
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** What is true or not: a path that leads anywhere, a comparison, or several of them. */
export type Test =
  | { kind: "exists"; path: Path }
  | { kind: "compare"; sign: Comparison; left: Operand; right: Operand }
  | { kind: "not"; test: Test }
  | { kind: "and" | "or"; tests: readonly Test[] };

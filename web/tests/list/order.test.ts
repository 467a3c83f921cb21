import { describe, expect, it } from "vitest";
import type { Column } from "../../src/list/column";
import { asCsv, asJson } from "../../src/list/exporting";
import { merged } from "../../src/list/heldOrder";
import { formatSort, parseSort, pressedSort, sorted } from "../../src/list/order";

interface Row {
  name: string;
  ready?: number;
}

const COLUMNS: Column<Row>[] = [
  { id: "name", title: "Name", label: "Name", value: (row) => row.name, cell: (row) => row.name },
  { id: "ready", title: "Ready", label: "Ready", isNumber: true, value: (row) => row.ready, cell: (row) => row.ready },
];
const ROWS: Row[] = [{ name: "q10", ready: 1 }, { name: "q2", ready: 5 }, { name: "q1" }, { name: "q3", ready: 5 }];
const names = (rows: readonly Row[]): string => rows.map((row) => row.name).join(" ");

describe("an order", () => {
  it("has steps", () => expect(names(sorted(ROWS, parseSort("ready-,name-", []), COLUMNS))).toBe("q3 q2 q10 q1"));
  it("has what is missing last, in both directions", () =>
    expect(names(sorted(ROWS, parseSort("ready", []), COLUMNS))).toBe("q10 q2 q3 q1"));
  it("has numbers in names in their order", () =>
    expect(names(sorted(ROWS, parseSort("name", []), COLUMNS))).toBe("q1 q2 q3 q10"));
  it("ignores a column that is not there", () =>
    expect(names(sorted(ROWS, parseSort("gone-", []), COLUMNS))).toBe(names(ROWS)));
  it("is written as it was read", () => expect(formatSort(parseSort("ready-,name", []))).toBe("ready-,name"));
  it("begins with the greatest number and the first name", () => {
    expect(pressedSort([], COLUMNS[1] as Column<Row>, false)).toEqual([{ id: "ready", isDown: true }]);
    expect(pressedSort([], COLUMNS[0] as Column<Row>, false)).toEqual([{ id: "name", isDown: false }]);
  });
  it("turns at the second press, and grows with Shift", () => {
    const down = [{ id: "ready", isDown: true }];
    expect(pressedSort(down, COLUMNS[1] as Column<Row>, false)).toEqual([{ id: "ready", isDown: false }]);
    expect(pressedSort(down, COLUMNS[0] as Column<Row>, true)).toEqual([...down, { id: "name", isDown: false }]);
  });
  it("rests while it is held", () => expect(merged(["b", "a", "gone"], ["new", "a", "b"])).toEqual(["b", "a", "new"]));
});

describe("an export", () => {
  it("has the columns that are shown", () => expect(asCsv(ROWS.slice(0, 1), COLUMNS)).toBe("Name,Ready\r\nq10,1\r\n"));
  it("has null for what is missing", () =>
    expect(JSON.parse(asJson(ROWS.slice(2, 3), COLUMNS))).toEqual([{ name: "q1", ready: null }]));
});

import { describe, expect, it } from "vitest";
import { columnsIn, nameIn, NAME_MAX, TEXT_MAX, viewsIn, VIEWS_MAX, withView, type SavedView } from "../../src/list/savedViews";

const view = (name: string, part: Partial<SavedView> = {}): SavedView => ({ name, filter: "ready:>0", sort: "ready-", columns: "name,ready", ...part });
const many = (count: number): SavedView[] => Array.from({ length: count }, (_, index) => view(`v${index}`));

describe("views that the browser has kept", () => {
  it("come back", () => expect(viewsIn(JSON.parse(JSON.stringify([view("a"), view("b")])))).toEqual([view("a"), view("b")]));
  it.each([
    null, 7, "x", {}, [null], [7], [[]], [{}], [{ name: "a" }], [view("")], [view(" a")], [view("x".repeat(NAME_MAX + 1))],
    [view("a", { filter: "x".repeat(TEXT_MAX + 1) })], [{ ...view("a"), sort: 7 }], [{ ...view("a"), columns: ["a"] }],
  ])("are none where it is %j", (kept) => expect(viewsIn(kept)).toEqual([]));
  it("are those that can be read, and nothing else of them", () =>
    expect(viewsIn([null, { ...view("a"), more: "x" }, view("a", { sort: "" }), view("b")])).toEqual([view("a"), view("b")]));
  it("are few", () => expect(viewsIn(many(1000))).toHaveLength(VIEWS_MAX));
});

describe("a view that is saved", () => {
  it("is among the others by its name", () => expect(withView([view("a"), view("c")], view("b"))?.map((one) => one.name)).toEqual(["a", "b", "c"]));
  it("takes the place of one of its name", () => expect(withView([view("a")], view("a", { sort: "" }))).toEqual([view("a", { sort: "" })]));
  it("has no room above the bound, and replaces there", () => {
    expect(withView(many(VIEWS_MAX), view("more"))).toBeNull();
    expect(withView(many(VIEWS_MAX), view("v3", { sort: "" }))).toHaveLength(VIEWS_MAX);
    expect(withView([], view("a", { filter: "x".repeat(TEXT_MAX + 1) }))).toBeNull();
  });
  it("has a name without space around it, and not too long", () => {
    expect(nameIn("  a b ")).toBe("a b");
    expect(nameIn(`${"x".repeat(NAME_MAX - 1)} y`)).toBe("x".repeat(NAME_MAX - 1));
    expect(viewsIn(withView([], view(nameIn("😀".repeat(100)))))).toHaveLength(1);
  });
});

describe("the columns of an address", () => {
  const known = ["name", "ready", "state"];
  it("are those that the list has", () => expect([...(columnsIn("state,<img>,name", known) ?? [])]).toEqual(["state", "name"]));
  it.each([undefined, "", ",", "gone", "__proto__", "<img src=x>"])("are the usual ones for %s", (text) => expect(columnsIn(text, known)).toBeNull());
});

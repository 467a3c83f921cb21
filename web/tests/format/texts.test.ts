import { describe, expect, it } from "vitest";
import { csv } from "../../src/format/csv";
import { jsonLines } from "../../src/format/json";
import { counted, many } from "../../src/format/many";
import { exactMoment, moment } from "../../src/format/moment";
import { cutMiddle, initials } from "../../src/format/names";

const NOW = Date.UTC(2026, 10, 29, 14, 32, 8);

describe("a moment", () => {
  it("of today is a time", () => expect(moment(Date.UTC(2026, 10, 29, 14, 5, 14), NOW, "utc")).toBe("14:05:14"));
  it("of another day has its date", () =>
    expect(moment(Date.UTC(2026, 10, 28, 9, 0, 0), NOW, "utc")).toBe("2026-11-28 09:00:00"));
  it("has milliseconds where it is exact", () =>
    expect(exactMoment(Date.UTC(2026, 10, 29, 14, 5, 14, 880), NOW, "utc")).toBe("14:05:14.880"));
});

describe("a name", () => {
  it("that is long is cut in the middle", () => expect(cutMiddle("stock.sync.europe.east", 15)).toBe("stock.s…pe.east"));
  it("that fits stays", () => expect(cutMiddle("orders", 6)).toBe("orders"));
  it("is cut between letters, not inside of one", () => expect(cutMiddle("🐇🐇🐇🐇🐇", 3)).toBe("🐇…🐇"));
  it.each([
    ["mira.koski", "MK"],
    ["guest", "GU"],
    ["", "?"],
  ])("%s has the initials %s", (name, letters) => expect(initials(name)).toBe(letters));
});

describe("CSV", () => {
  it("quotes what needs quotes", () => expect(csv([["a,b", 'say "x"', 1, null]])).toBe('"a,b","say ""x""",1,\r\n'));
  it("is never run as a formula", () => expect(csv([["=1+1", "@a", "-2", -2]])).toBe("'=1+1,'@a,'-2,-2\r\n"));
});

describe("JSON", () => {
  it("has tokens of each kind", () => {
    const [line] = jsonLines('  "total": 12.5, "ok": true, "at": "x"');
    expect(line?.filter((token) => token.kind !== "plain").map((token) => token.kind)).toEqual([
      "key", "number", "key", "literal", "key", "string",
    ]);
  });
  it("loses no letter", () => {
    const text = JSON.stringify({ a: [1, -2.5e10, null, "t\"f\\n"], b: { c: false } }, null, 2);
    expect(jsonLines(text).map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(text);
  });
});

describe("a count with its noun", () => {
  it.each([
    [0, "0 messages"],
    [1, "1 message"],
    [2000, "2,000 messages"],
  ])("%d is %s", (count, text) => expect(many(count, "message")).toBe(text));

  it("tells a list's count by its title", () => {
    expect([0, 1, 2].map((count) => counted(count, "virtual hosts"))).toEqual(["0 virtual hosts", "1 virtual host", "2 virtual hosts"]);
  });
});

import { describe, expect, it } from "vitest";
import { mayDo } from "../../src/pages/users/rightsTest";

const GIVEN = [{ user: "owner", vhost: "shop", configure: "", write: "^mine", read: ".*" }];

describe("the rights of a user", () => {
  it.each([
    ["write", "mine.a", true],
    ["write", "yours", false],
    ["read", "yours", true],
    ["configure", "mine.a", false],
  ] as const)("to %s %s are %s", (act, name, isAllowed) => expect(mayDo(GIVEN, "shop", act, name).isAllowed).toBe(isAllowed));
  it("end where he may not enter", () => expect(mayDo(GIVEN, "/", "read", "x")).toEqual({ isAllowed: false, why: "The user may not enter /." }));
  it("say which pattern decides", () => expect(mayDo(GIVEN, "shop", "write", "x").why).toContain("^mine"));
  it("are left to the broker where the browser cannot read the pattern", () => expect(mayDo([{ ...GIVEN[0]!, read: "(?i)x" }], "shop", "read", "X").isAllowed).toBe(false));
});

import { describe, expect, it } from "vitest";
import { hidingPasswords, withoutPassword, withPasswords } from "../../src/format/uris";

describe("an address", () => {
  it.each([
    ["amqp://user:secret@host/shop", "amqp://user:•••@host/shop"],
    ["amqp://user:p@ss:w@host/shop", "amqp://user:•••@host/shop"],
    ["amqps://user@host", "amqps://user@host"],
    ["amqp://host:5672/a:b@c", "amqp://host:5672/a:b@c"],
    ["amqps://host?keyfile=/k&password=secret&verify=verify_peer", "amqps://host?keyfile=/k&password=•••&verify=verify_peer"],
    ["amqp://", "amqp://"],
    ["", ""],
  ])("%s is shown as %s", (uri, shown) => expect(withoutPassword(uri)).toBe(shown));
});

describe("passwords", () => {
  const saved = ["amqp://a:one@east/shop", "amqp://a:two@east/shop", "amqps://b:three@west?password=four"];
  const shown = saved.map(withoutPassword);
  it("come back to where they were", () => expect(withPasswords(shown.join("\n"), saved)).toEqual({ uris: saved, fault: "" }));
  it("are replaced by those that are typed", () => expect(withPasswords("amqp://a:new@east/shop", saved).uris).toEqual(["amqp://a:new@east/shop"]));
  it("stay where the rest of the address changes", () =>
    expect(withPasswords("amqp://a:•••@east/other?heartbeat=5", saved).uris).toEqual(["amqp://a:one@east/other?heartbeat=5"]));
  it.each(["amqp://a:•••@evil/shop", "amqp://c:•••@east/shop", "amqps://a:•••@east/shop", "amqp://a:•••@east:1/shop", "amqps://b:•••@west?keyfile=/x&password=•••"])(
    "are not told to somebody else: %s",
    (line) => {
      const { uris, fault } = withPasswords(line, saved);
      expect(uris).toEqual([]);
      expect(fault).toContain(`Type the password of ${line}`);
    },
  );
  it("are hidden where the broker repeats them", () =>
    expect(hidingPasswords(`"${saved[0]}" not a valid URI`, saved)).toBe(`"${shown[0]}" not a valid URI`));
});

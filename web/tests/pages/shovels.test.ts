import { describe, expect, it } from "vitest";
import { endText, faultsOf, formOf, hostOf, localUri, valueOf, type ShovelForm } from "../../src/pages/shovels/shovel";

const VALUE = {
  "src-uri": "amqp://a:secret@east", "src-queue": "orders", "dest-uri": ["amqp://", "amqp:///shop"], "dest-exchange": "in",
  "dest-exchange-key": "k", "ack-mode": "on-publish", "src-prefetch-count": 50, "reconnect-delay": 0, "src-delete-after": 7,
};
const form = (part: Partial<ShovelForm> = {}): ShovelForm => ({ ...formOf(null, "s", "/"), ...part });

describe("a shovel in the form", () => {
  it("comes back as it was", () => expect(valueOf(formOf(VALUE, "s", "/"), VALUE)).toEqual({ value: VALUE, faults: {} }));
  it("shows no password", () => expect(JSON.stringify(formOf(VALUE, "s", "/"))).not.toContain("secret"));
  it("keeps what the form does not know", () =>
    expect(valueOf(formOf(VALUE, "s", "/"), { ...VALUE, "dest-add-forward-headers": true }).value).toMatchObject({ "dest-add-forward-headers": true }));
  it("writes the newer of two names", () =>
    expect(valueOf(formOf({ ...VALUE, "prefetch-count": 5, "src-prefetch-count": undefined }, "s", "/"), { "src-uri": VALUE["src-uri"], "prefetch-count": 5 }).value).toMatchObject({ "src-prefetch-count": 5 }));
  it("leaves out what is the default", () =>
    expect(valueOf(form({ src: { uris: "amqp://", kind: "queue", name: "q", key: "lost" }, dest: { uris: "amqp://", kind: "own", name: "lost", key: "" } })).value).toEqual({
      "src-uri": "amqp://", "src-queue": "q", "dest-uri": "amqp://", "ack-mode": "on-confirm",
    }));
  it("with an end that is neither stays so", () => expect(formOf({ "src-uri": "amqp://", "src-queue": "q", "dest-uri": "amqp://" }, "s", "/").dest.kind).toBe("own"));
  it("tells that a password is to be typed again", () => {
    const moved = formOf(VALUE, "s", "/");
    const { faults } = valueOf({ ...moved, src: { ...moved.src, uris: "amqp://a:•••@west" } }, VALUE);
    expect(faults["src-uri"]).toContain("Type the password of amqp://a:•••@west");
  });
  it("begins with this broker", () => {
    expect(formOf(null, "", "a/b").src.uris).toBe("amqp:///a%2Fb");
    expect(localUri("/")).toBe("amqp://");
  });
});

describe("what the broker refuses", () => {
  it.each([
    ["Must specify 'src-exchange' or 'src-queue'", "src-name"],
    ["Cannot specify 'dest-exchange' and 'dest-queue'", "dest-name"],
    ["src-prefetch-count: from 0 to 65535", "prefetch"],
    ["reconnect-delay should be a number, actually was null", "reconnect"],
    ["Cannot specify 'no-ack' and numerical 'delete-after'", "end"],
    ["src-exchange-key: is longer than 255 octets", "src-key"],
    ["dest-uri: names no URI", "dest-uri"],
  ])("stands at its field: %s", (line, field) =>
    expect(faultsOf(`Validation failed\n\n${line}\n`, {})).toEqual({ faults: { [field]: line }, rest: "" }));
  it("stands at the address that it is about, without the password", () => {
    const told = faultsOf('Validation failed\n\n"bogus://a:secret@b" not a valid URI: {x,"bogus://a:secret@b"}\n', { "src-uri": "amqp://", "dest-uri": ["bogus://a:secret@b"] });
    expect(told).toEqual({ faults: { "dest-uri": '"bogus://a:•••@b" not a valid URI: {x,"bogus://a:•••@b"}' }, rest: "" });
  });
  it("is told whole where it is about none", () => expect(faultsOf("Unrecognised terms [x] in s\nand more", {})).toEqual({ faults: {}, rest: "Unrecognised terms [x] in s and more" }));
});

describe("an end in a line", () => {
  it("is what the state tells, or the definition", () => {
    expect(endText({ name: "s", vhost: "/", src_queue: "q", src_uri: "amqp://east" }, "src")).toBe("q at amqp://east");
    expect(endText({ name: "s", vhost: "/", value: VALUE }, "src")).toBe("orders at amqp://a:•••@east");
    expect(endText({ name: "s", vhost: "/", value: { "dest-uri": "amqp://" } }, "dest")).toBe("");
  });
  it.each([
    ["amqp://a:•••@east:5671/shop?x=1", "east:5671"], ["amqp://east", "east"], ["amqp:///shop", "/shop"], ["amqp://[::1]:5672/%2F", "[::1]:5672"],
    ["", ""], ["<img src=x>", "<img src=x>"],
  ])("names the host of %s", (address, host) => expect(hostOf(address)).toBe(host));
});

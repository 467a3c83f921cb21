import { describe, expect, it } from "vitest";
import type { Job } from "../../src/api/jobs";
import type { Queue } from "../../src/api/types";
import { actOf, EMPTY_FORM, wantedMove } from "../../src/pages/jobs/moveForm";
import { endOf } from "../../src/pages/jobs/progress";
import { pausable } from "../../src/pages/queue/pausing";

const queue = (name: string, more: Partial<Queue> = {}): Queue => ({ name, vhost: "/", durable: true, auto_delete: false, exclusive: false, arguments: {}, ...more });
const job = (more: Partial<Job>): Job => ({ id: 1, vhost: "/", source: "a", dest: "b", copy: false, user: "guest", state: "done", total: 10, moved: 5, skipped: 0, started_at: 0, ...more });

describe("a move", () => {
  it("of nothing that is typed is one of all", () => expect(wantedMove(EMPTY_FORM)).toEqual({ filter: undefined, count: undefined, rate: undefined }));
  it("has a filter, a count and a rate", () => expect(wantedMove({ find: "key:a b", count: "20", rate: "0" })).toEqual({ filter: { routing_key: "a", text: "b" }, count: 20, rate: 1 }));
  it("says how many go, where that is known", () => {
    expect(actOf("Move", EMPTY_FORM, 1234)).toBe("Move 1,234");
    expect(actOf("Redrive", { ...EMPTY_FORM, count: "20" }, 5)).toBe("Redrive 5");
    expect(actOf("Redrive", { ...EMPTY_FORM, find: "x" }, 5)).toBe("Redrive what fits of 5");
  });
});

describe("a job that is over", () => {
  it("tells what did not match apart from what had nowhere to go", () => expect(endOf(job({ skipped: 5, unmatched: 4 }))).toBe("4 did not fit the filter, 1 had nowhere to go"));
  it("of which all matched says so by saying nothing", () => expect(endOf(job({ unmatched: 0 }))).toBe(""));
});

describe("queues that can be paused", () => {
  const all = [queue("runs", { state: "running" }), queue("rests", { state: "paused" }), queue("log", { type: "stream", state: "running" })];
  it("are those that run and are no streams", () => expect(pausable(all, true).map((one) => one.name)).toEqual(["runs"]));
  it("are resumed where they are paused", () => expect(pausable(all, false).map((one) => one.name)).toEqual(["rests"]));
});

import { describe, expect, it } from "vitest";
import type { Job } from "../../src/api/jobs";
import { endOf, progressOf, withSample } from "../../src/pages/jobs/progress";

const job = (more: Partial<Job>): Job => ({ id: 1, vhost: "/", source: "dead", dest: "origin", copy: false, user: "guest", state: "running", total: 1000, moved: 0, skipped: 0, started_at: 0, ...more });

describe("the progress of a job", () => {
  it("has no rate before the second look", () => expect(progressOf(job({ moved: 5 }), [{ at: 1000, done: 5 }])).toEqual({ done: 5, perSecond: undefined, leftMs: undefined }));
  it("is a rate and what is left", () => {
    const samples = withSample([{ at: 1000, done: 100 }], { at: 3000, done: 300 });
    expect(progressOf(job({ moved: 290, skipped: 10 }), samples)).toEqual({ done: 300, perSecond: 100, leftMs: 7000 });
  });
  it("has no end while it stands", () => expect(progressOf(job({}), [{ at: 0, done: 5 }, { at: 9, done: 5 }]).leftMs).toBeUndefined());
  it("forgets what is older than ten seconds, and a second sample of one moment", () => {
    expect(withSample([{ at: 0, done: 1 }, { at: 9000, done: 2 }, { at: 11_000, done: 2 }], { at: 11_000, done: 3 })).toEqual([{ at: 9000, done: 2 }, { at: 11_000, done: 3 }]);
  });
});

describe("the end of a job", () => {
  it.each([
    [{ state: "done" }, ""],
    [{ state: "done", skipped: 3 }, "3 had nowhere to go"],
    [{ state: "done", skipped: 3, copy: true }, "3 did not fit"],
    [{ state: "cancelled", skipped: 1 }, "1 had nowhere to go, stopped"],
    [{ state: "failed", error: "queue 'a' is full" }, "failed: queue 'a' is full"],
  ] as const)("of %j is told as '%s'", (more, words) => expect(endOf(job(more))).toBe(words));
});

import { describe, expect, it } from "vitest";
import { isCounter, parseExposition, titleOf, valueOf } from "../../src/pages/metrics/exposition";

const TEXT = `# HELP rabbitmq_queues Queues
# TYPE rabbitmq_queues gauge
rabbitmq_queues 7
# HELP size_bytes Size, with a \\\\ and a\\nline
# TYPE size_bytes histogram
size_bytes_bucket{le="100.0"} 3
size_bytes_bucket{le="+Inf"} 5
size_bytes_count 5
size_bytes_sum 1234
# TYPE in_total counter
in_total{vhost="/",queue="a \\"b\\" {c} \\\\ d"} 2
in_total{vhost="v",queue="e\\nf"} 1.5e3
alone 1
# a remark
half{vhost="/`;

describe("the text format of Prometheus", () => {
  const read = parseExposition(TEXT);
  const named = (name: string) => {
    const found = read.find((metric) => metric.name === name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  it("has a metric for each name, in order", () => expect(read.map((metric) => metric.name)).toEqual(["rabbitmq_queues", "size_bytes", "in_total", "alone"]));
  it("tells type and help", () => expect([named("size_bytes").type, named("size_bytes").help]).toEqual(["histogram", "Size, with a \\ and a\nline"]));
  it("puts buckets, sum and count together", () => expect(named("size_bytes").series.map(titleOf)).toEqual(["bucket le=100.0", "bucket le=+Inf", "count", "sum"]));
  it("reads labels with any text in them", () => expect(named("in_total").series.map((series) => series.labels[1]?.[1])).toEqual(['a "b" {c} \\ d', "e\nf"]));
  it("stands for a metric with its sum, and a histogram with its count", () => expect(read.map(valueOf)).toEqual([7, 5, 1502, 1]));
  it("knows what only grows", () => expect(read.map(isCounter)).toEqual([false, true, true, false]));
  it("reads what ends a line elsewhere", () => expect(parseExposition('a{b="x\u2028y\rz"} 1\n')[0]?.series[0]?.labels).toEqual([["b", "x\u2028y\rz"]]));
  it("passes over what is cut or none of it", () => expect(parseExposition("half{a=\"\n\nx y z\n# TYPE\n")).toEqual([]));
  it("has no sum of what is infinite", () => expect(valueOf(parseExposition("a +Inf\n")[0] ?? named("alone"))).toBeUndefined());
  it("does not run for long on a hostile line", () => expect(parseExposition(`a{${'x="\\'.repeat(20_000)} 1\n`)).toHaveLength(0));
});

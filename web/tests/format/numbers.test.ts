import { describe, expect, it } from "vitest";
import { age, roughAge } from "../../src/format/age";
import { bytes, bytesRate } from "../../src/format/bytes";
import { axisCount, count } from "../../src/format/count";
import { textOf } from "../../src/format/parts";
import { bareRate, rate } from "../../src/format/rate";
import { share } from "../../src/format/share";

describe("a count", () => {
  it.each([
    [0, "0"],
    [344288, "344,288"],
    [9_999_999, "9,999,999"],
    [10_000_000, "10.0 M"],
    [412_912_345, "412.9 M"],
    [5_100_000_000, "5.1 G"],
  ])("%d is %s", (value, text) => expect(textOf(count(value))).toBe(text));

  it.each([null, undefined, Number.NaN, Number.POSITIVE_INFINITY])("%s is missing", (value) =>
    expect(textOf(count(value))).toBe("–"),
  );

  it.each([
    [0, "0"],
    [800, "800"],
    [60_000, "60 k"],
    [1_500_000, "1.5 M"],
    [0.25, "0.25"],
  ])("%d is %s on an axis", (value, text) => expect(axisCount(value)).toBe(text));
});

describe("a rate", () => {
  it.each([
    [0, "0/s"],
    [0.01, "< 0.1/s"],
    [4.2, "4.2/s"],
    [9.94, "9.9/s"],
    [9.96, "10/s"],
    [18203.6, "18,204/s"],
  ])("%d is %s", (value, text) => expect(textOf(rate(value))).toBe(text));

  it("has no unit where the head has it", () => expect(textOf(bareRate(612))).toBe("612"));
});

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [136, "136 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [8602, "8.4 KiB"],
    [812_032, "793 KiB"],
    [1_048_500, "1.0 MiB"],
    [88_154_048_922, "82.1 GiB"],
  ])("%d is %s", (value, text) => expect(textOf(bytes(value))).toBe(text));

  it("have a rate", () => expect(textOf(bytesRate(3_460_300))).toBe("3.3 MiB/s"));
});

describe("an age", () => {
  it.each([
    [60, "60 ms"],
    [41_900, "41 s"],
    [27 * 60_000 + 4_000, "27 m 04 s"],
    [2 * 3_600_000 + 9 * 60_000, "2 h 09 m"],
    [6 * 86_400_000 + 4 * 3_600_000, "6 d 04 h"],
    [-5, "0 ms"],
  ])("%d ms is %s", (value, text) => expect(textOf(age(value))).toBe(text));

  it("is its first unit alone in a narrow column", () => expect(textOf(roughAge(27 * 60_000 + 4_000))).toBe("27 m"));
});

describe("a share", () => {
  it("is a whole percentage", () => expect(share(9.8, 24)).toBe("41 %"));
  it("of nothing is 0", () => expect(share(0, 0)).toBe("0 %"));
});

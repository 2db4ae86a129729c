import { expect, test } from "vitest";
import { BARS, Bars } from "../src/bars.ts";

function drawn(path: string): number {
  return path.split("M").length - 1;
}

function of(gaps: readonly number[]): Bars {
  const bars = new Bars();
  for (const gap of gaps) bars.add(gap);
  return bars;
}

test("a few gaps are no picture yet", () => {
  expect(of([10, 20]).paths()).toEqual({ usual: "", stalls: "" });
});

test("any number of gaps fits, and no stall is lost in it", () => {
  for (const count of [31, 32, 33, 1000, 50_000]) {
    const gaps = Array.from({ length: count }, () => 40);
    gaps[Math.floor(count / 3)] = 900;
    const { usual, stalls } = of(gaps).paths();
    expect(drawn(usual) + drawn(stalls)).toBeLessThanOrEqual(BARS);
    expect(drawn(stalls)).toBe(1);
  }
});

test("a gap is a stall from 250 ms on, and only among shorter ones", () => {
  const steady = Array.from({ length: 20 }, () => 20);
  expect(drawn(of([...steady, 240]).paths().stalls)).toBe(0);
  expect(drawn(of([...steady, 260]).paths().stalls)).toBe(1);
  expect(of(Array.from({ length: 20 }, () => 400)).paths().stalls).toBe("");
});

test("no bar is higher than the line", () => {
  const { usual, stalls } = of([...Array.from({ length: 20 }, () => 1), 10_000]).paths();
  const heights = [...`${usual}${stalls}`.matchAll(/v-([\d.]+)/g)].map(([, height]) =>
    Number(height),
  );
  expect(Math.max(...heights)).toBeLessThanOrEqual(16);
});

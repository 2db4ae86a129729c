import { beforeEach, expect, test, vi } from "vitest";
import { follow } from "../src/follow.ts";

/** A window of 100 px on `node`, whose end is at `end` px below the window's top. */
function page(end: number) {
  const scroller = document.createElement("div");
  scroller.style.overflowY = "auto";
  Object.defineProperties(scroller, { scrollHeight: { value: 500 }, clientHeight: { value: 100 } });
  scroller.getBoundingClientRect = () => ({ top: 0, bottom: 100 }) as DOMRect;
  const node = document.createElement("div");
  const move = (to: number) => {
    node.getBoundingClientRect = () => ({ top: 0, bottom: to }) as DOMRect;
  };
  move(end);
  scroller.append(node);
  document.body.append(scroller);
  return { scroller, node, move };
}

beforeEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

test.each([
  ["at the bottom, follows", 100, 140, 40],
  ["a hair below, follows", 106, 140, 40],
  ["in the middle, waits until the bottom is reached", 50, 90, 0],
  ["scrolled up by a line, is left alone", 120, 160, 0],
  ["scrolled past it, is left alone", -10, 20, 0],
])("a reader %s", (_, before, after, scrolled) => {
  const { scroller, node, move } = page(before);
  const keep = follow(node);
  move(after);
  keep();
  expect(scroller.scrollTop).toBe(scrolled);
});

test("a page that does not scroll is left alone", () => {
  const node = document.createElement("div");
  document.body.append(node);
  expect(() => follow(node)()).not.toThrow();
});

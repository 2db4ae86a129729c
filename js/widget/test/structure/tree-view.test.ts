import fc from "fast-check";
import { expect, test } from "vitest";
import { TreeView } from "../../src/structure/tree-view.ts";
import { cut } from "./read.ts";

function shown(pieces: readonly string[], flowing = false): TreeView {
  const view = new TreeView();
  for (const piece of pieces) view.append(piece, 420);
  view.paint(flowing);
  return view;
}

/** The value a tree shows, from its rows alone. */
function readBack(tree: HTMLElement): unknown {
  const [root] = tree.children;
  return root instanceof HTMLElement ? rowValue(root) : undefined;
}

function rowValue(node: HTMLElement): unknown {
  const body = node.matches(".ipyllm-members") ? node : node.querySelector(".ipyllm-members");
  if (!(body instanceof HTMLElement)) return leafOf(node.querySelector(".ipyllm-value"));
  const rows = [...body.children].flatMap((child) =>
    child.matches(".ipyllm-rows") ? [...child.children] : [child],
  );
  const members = rows
    .filter((row) => row instanceof HTMLElement)
    .map((row) => [row.querySelector(".ipyllm-key")?.textContent ?? "", rowValue(row)] as const);
  if (body.dataset.kind === "array") return members.map(([, value]) => value);
  return Object.fromEntries(members);
}

function leafOf(node: Element | null): unknown {
  const text = node?.textContent ?? "";
  const isString = node instanceof HTMLElement && node.dataset.kind === "string";
  return isString ? text : JSON.parse(text);
}

// Roots that are no object or list have no rows.
const root = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));

test("law: the tree of valid JSON, read back, is what JSON.parse gives, however it was cut", () => {
  fc.assert(
    fc.property(root, fc.array(fc.nat()), (value, places) => {
      const text = JSON.stringify(value);
      const { node } = shown(cut(text, places));
      expect(node.outerHTML).toBe(shown([text]).node.outerHTML);
      expect(readBack(node)).toEqual(JSON.parse(text));
    }),
    { numRuns: 50 },
  );
});

const TEXT = '{"name": "Ada", "langs": ["a", "b"], "born": {"year": 1815}, "none": [], "bio": "She';

test("a row that is there is never made again", () => {
  const view = new TreeView();
  const rows: Element[] = [];
  for (const char of `${TEXT} wrote."}`) {
    view.append(char);
    view.paint(true);
    const now = [...view.node.querySelectorAll(".ipyllm-row")];
    expect(now.slice(0, rows.length).every((row, at) => row === rows[at])).toBe(true);
    rows.splice(0, rows.length, ...now);
  }
  expect(rows).toHaveLength(8);
});

test("the caret is where the newest character is, and nowhere once it is over", () => {
  const view = shown([TEXT], true);
  expect([...view.node.querySelectorAll(".ipyllm-here")].map((at) => at.textContent)).toEqual([
    "She",
  ]);
  view.paint(false);
  expect(view.node.querySelector(".ipyllm-here")).toBeNull();
});

test("what is whole has its time of arrival", () => {
  const { node } = shown([TEXT]);
  const times = [...node.querySelectorAll<HTMLElement>(".ipyllm-row")].map(
    (row) => row.dataset.when,
  );
  expect(times).toEqual([...Array(7).fill("0.42 s"), undefined]);
});

test("folded lists and objects say how much is in them", () => {
  const counts = [...shown([TEXT]).node.querySelectorAll(".ipyllm-count")];
  expect(counts.map((count) => count.textContent)).toEqual(["2 items", "1 field", "[]"]);
});

test("the keyboard folds, and JupyterLab leaves it the keys", () => {
  const summaries = [...shown([TEXT]).node.querySelectorAll("summary")];
  expect(summaries.map((summary) => summary.parentElement?.tagName)).toEqual(
    Array(3).fill("DETAILS"),
  );
  expect(summaries.every((summary) => summary.dataset.lmSuppressShortcuts === "true")).toBe(true);
  // There is nothing in an empty one to unfold.
  expect(summaries.map((summary) => summary.getAttribute("tabindex"))).toEqual([null, null, "-1"]);
});

test("names and values of a model are text", () => {
  const evil = '<img src=x onerror="alert(1)"><script>alert(1)</script>';
  const { node } = shown([JSON.stringify({ [evil]: evil, list: [evil, { [evil]: null }] })]);
  expect(node.querySelector("img, script")).toBeNull();
  expect(readBack(node)).toEqual({ [evil]: evil, list: [evil, { [evil]: null }] });
});

test("half a surrogate pair at the end of a piece is joined with the other half", () => {
  const { node } = shown(['["\ud83d', '\ude00", "\\ud83d', '\\ude00"]']);
  expect(readBack(node)).toEqual(["\u{1f600}", "\u{1f600}"]);
});

test("a long string is cut at newlines into blocks, and stays as it is", () => {
  const text = "a line of words\n".repeat(1000);
  const { node } = shown(cut(JSON.stringify({ text }), [100, 5000, 9000]));
  expect(readBack(node)).toEqual({ text });
  expect(node.querySelectorAll(".ipyllm-segment").length).toBeGreaterThan(10);
});

test("a long line is cut at spaces, wherever it was cut before", () => {
  const text = JSON.stringify({ text: "words without an end ".repeat(1000) });
  const { node } = shown([text]);
  expect(readBack(node)).toEqual(JSON.parse(text));
  expect(node.querySelectorAll(".ipyllm-long-text")).toHaveLength(6);
  expect(shown(cut(text, [3000, 4100, 4101, 9000])).node.outerHTML).toBe(node.outerHTML);
  expect(shown(text.split("")).node.outerHTML).toBe(node.outerHTML);
});

test("5,000 members are in sections of 100", () => {
  const { node } = shown([JSON.stringify(Array.from({ length: 5000 }, (_, n) => n))]);
  expect(node.querySelectorAll(".ipyllm-row")).toHaveLength(5000);
  expect(node.querySelectorAll(".ipyllm-rows")).toHaveLength(49);
  expect(node.querySelector(".ipyllm-rows")?.childElementCount).toBe(100);
}, 30_000);

test("the place that went wrong is marked, with why", () => {
  const view = shown([TEXT], true);
  expect(view.fail(["born", "year"], "expected a string")).toBe(true);
  const failed = view.node.querySelector(".ipyllm-failed");
  expect(failed?.textContent).toBe("year1815");
  expect(failed?.nextElementSibling?.textContent).toBe("expected a string");
});

test("a place that is not there yet is marked at what is around it", () => {
  const view = shown([TEXT], true);
  expect(view.fail(["born", "month"], "missing")).toBe(false);
  expect(view.node.querySelector(".ipyllm-failed")?.tagName).toBe("DETAILS");
  expect(view.fail(["died"], "missing")).toBe(false);
  expect(view.node.querySelectorAll(".ipyllm-failure")).toHaveLength(1);
  expect(view.node.lastElementChild?.textContent).toBe("missing");
});

test("what cannot be read is shown as it is", () => {
  const { node } = shown(['{"a": 1, "b": tr', "y again <b>"]);
  expect(node.querySelector(".ipyllm-unread")?.textContent).toBe("try again <b>");
});

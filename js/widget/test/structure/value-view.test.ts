import { expect, test, vi } from "vitest";
import structure from "../../src/structure/structure.ts";

type View = ReturnType<typeof structure.value>;

function shown(pieces: readonly string[], flowing = false): View {
  const view = structure.value();
  for (const piece of pieces) view.append(piece, 420);
  view.paint(flowing);
  return view;
}

function table(view: View): string[][] {
  return [...view.node.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent ?? ""),
  );
}

function press(view: View, label: string): void {
  const buttons = [...view.node.querySelectorAll("button")];
  const found = buttons.find((button) => !button.hidden && button.textContent === label);
  if (!found) throw new Error(`no button ${label}`);
  found.click();
}

const ROWS = [
  { city: "Tokyo", people: 37, big: true },
  { city: "Delhi", people: null, river: "Yamuna" },
];
const EXPECTED = [
  ["city", "people", "big", "river"],
  ["Tokyo", "37", "true"],
  ["Delhi", "null", "", "Yamuna"],
];

test.each([
  ["a list", ROWS],
  ["an object's only member", { value: ROWS }],
])("flat objects in %s are a table, whole and by character", (_, value) => {
  const text = JSON.stringify(value);
  for (const pieces of [[text], text.split("")]) expect(table(shown(pieces))).toEqual(EXPECTED);
});

test("cells fill as they come, and are never made again", () => {
  const view = structure.value();
  const cells: Element[] = [];
  for (const char of JSON.stringify(ROWS)) {
    view.append(char);
    view.paint(true);
    const now = [...view.node.querySelectorAll("td")];
    expect(now.slice(0, cells.length).every((cell, at) => cell === cells[at])).toBe(true);
    cells.splice(0, cells.length, ...now);
  }
  expect(cells).toHaveLength(7);
});

test("a cell that grows has the caret", () => {
  const view = shown(['[{"city": "Tok'], true);
  expect(view.node.querySelector("td.ipyllm-here")?.textContent).toBe("Tok");
});

test("numbers stand at the right, and what stands in their place", () => {
  const right = shown([JSON.stringify(ROWS)]).node.querySelectorAll(".ipyllm-right");
  expect([...right].map((cell) => cell.textContent)).toEqual(["people", "37", "null"]);
});

test("a later row that is not flat has its JSON in the cell", () => {
  const view = shown(['[{"a": 1}, {"a": {"b": [1, "x\\n"]}, "c": 2}, [3, {}], "s"]']);
  expect(table(view).slice(1)).toEqual([["1"], ['{"b": [1, "x\\n"]}', "2"], ["[3, {}]"], ['"s"']]);
});

test.each([
  ["an object", '{"a": 1}'],
  ["a list of others", '{"value": [1, 2]}'],
  ["a list of what is not flat", '[{"a": {"b": 1}}]'],
  ["a list beside other members", '{"rows": [{"a": 1}], "note": "x"}'],
  ["an empty list", '{"value": []}'],
  ["no JSON", "no"],
])("%s is a tree", (_, text) => {
  for (const pieces of [[text], text.split("")]) {
    const view = shown(pieces);
    expect(view.node.querySelector("table")).toBeNull();
    expect(view.node.querySelector(".ipyllm-tree")?.childElementCount).toBe(1);
  }
});

test("one can have either, and both go on growing", () => {
  const text = JSON.stringify(ROWS);
  const view = shown([text.slice(0, 30)], true);
  press(view, "Tree");
  expect(view.node.querySelector("table")).toBeNull();
  view.append(text.slice(30));
  expect(view.node.querySelectorAll(".ipyllm-value")).toHaveLength(6);
  press(view, "Table");
  expect(table(view)).toEqual(EXPECTED);
});

test("a table of what is not flat can be asked for", () => {
  const view = shown(['{"rows": [{"a": {"b": 1}}, {"a": 2}], "more": [{"a": 3}]}']);
  press(view, "Table");
  expect(table(view)).toEqual([["a"], ['{"b": 1}'], ["2"]]);
});

test("where no table can be, none is offered", () => {
  const view = shown(['{"a": 1}']);
  const seen = [...view.node.querySelectorAll("button")].filter((button) => !button.hidden);
  expect(seen.map((button) => button.textContent)).toEqual(["Copy JSON"]);
});

test("Copy gives the JSON as it came", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  press(shown(['{"a": ', "1.50}"]), "Copy JSON");
  await Promise.resolve();
  vi.unstubAllGlobals();
  expect(writeText).toHaveBeenCalledWith('{"a": 1.50}');
});

test("the cell that went wrong is marked, in the tree as in the table", () => {
  const view = shown([JSON.stringify({ value: ROWS })]);
  view.fail(["value", 1, "people"], "expected a number");
  expect(view.node.querySelector("td.ipyllm-failed")?.textContent).toBe("null");
  expect(view.node.lastElementChild?.textContent).toBe("value[1].people: expected a number");
  press(view, "Tree");
  expect(view.node.querySelector(".ipyllm-row.ipyllm-failed")?.textContent).toBe("peoplenull");
});

test("a place that fails before it is there is marked when it is", () => {
  const view = shown(['[{"a": 1}, '], true);
  view.fail([1, "a"], "no");
  expect(view.node.querySelector(".ipyllm-failed")).toBeNull();
  view.append('{"a": 2');
  view.paint(true);
  expect(view.node.querySelector(".ipyllm-failed")?.textContent).toBe("2");
});

test("names and cells of a model are text", () => {
  const evil = "<img src=x onerror=alert(1)>";
  const view = shown([JSON.stringify([{ [evil]: evil }])]);
  expect(view.node.querySelector("img")).toBeNull();
  expect(table(view)).toEqual([[evil], [evil]]);
});

test("5,000 rows are laid out 64 at a time", () => {
  const rows = Array.from({ length: 5000 }, (_, n) => ({ n, square: n * n }));
  const view = shown([JSON.stringify(rows)]);
  expect(view.node.querySelectorAll("tbody")).toHaveLength(79);
  expect(view.node.querySelectorAll("tbody tr")).toHaveLength(5000);
  expect(view.node.querySelector(".ipyllm-size")?.textContent).toBe("5,000 rows");
}, 30_000);

test("a column that comes late has its place in all rows", () => {
  const rows = Array.from({ length: 200 }, (_, n) => (n < 150 ? { n } : { n, late: n }));
  const view = shown([JSON.stringify(rows)]);
  const grid = view.node.querySelector("table");
  expect(grid?.style.getPropertyValue("--ipyllm-columns").match(/minmax/g)).toHaveLength(2);
});

test("the style sheet is in the document once", () => {
  structure.value();
  structure.calls({ approve() {}, markdown: (source) => document.createTextNode(source) });
  expect(document.querySelectorAll("style[data-ipyllm-structure]")).toHaveLength(1);
});

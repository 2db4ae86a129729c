import { markdownLanguage } from "@codemirror/lang-markdown";
import { ensureSyntaxTree, language, StreamLanguage } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { highlightTree, tagHighlighter, tags } from "@lezer/highlight";
import { afterEach, expect, test, vi } from "vitest";
import { PromptCells } from "../src/cells/prompt-cells.ts";

const python = StreamLanguage.define({
  name: "python",
  token: (stream) => {
    if (stream.match(/\w+/)) return "keyword";
    stream.next();
    return null;
  },
});
const names = tagHighlighter([
  { tag: tags.meta, class: "command" },
  { tag: tags.attributeName, class: "flag" },
  { tag: tags.special(tags.string), class: "value" },
  { tag: tags.heading1, class: "heading" },
  { tag: tags.emphasis, class: "emphasis" },
  { tag: tags.keyword, class: "keyword" },
]);

const views: EditorView[] = [];
afterEach(() => {
  for (const view of views.splice(0)) view.destroy();
});

function editor(doc: string, load = async () => markdownLanguage) {
  const prompts = new PromptCells(load);
  const state = EditorState.create({ doc, extensions: [python, prompts.extension] });
  const view = new EditorView({ state, parent: document.body });
  views.push(view);
  return { view, prompts };
}

function coloured(view: EditorView): string[] {
  const tree = ensureSyntaxTree(view.state, view.state.doc.length, 1000);
  const found: string[] = [];
  if (tree) {
    highlightTree(tree, names, (from, to, name) =>
      found.push(`${name} ${view.state.sliceDoc(from, to)}`),
    );
  }
  return found;
}

function languageOf(view: EditorView): string | undefined {
  return view.state.facet(language)?.name;
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("a prompt is a command line and Markdown", async () => {
  const { view } = editor("%%llm -m a/b\n# Title\n\nfor *x* in y: pass\n");
  await settled();
  const found = coloured(view);
  expect(found).toEqual(
    expect.arrayContaining(["command %%llm", "flag -m", "value a/b", "emphasis x"]),
  );
  expect(found.filter((each) => each.startsWith("heading")).join()).toContain("Title");
  expect(found.filter((each) => each.startsWith("keyword"))).toEqual([]);
});

test("Markdown never sees the command line", async () => {
  const { view } = editor("%%llm -s *a\nb* c");
  await settled();
  expect(coloured(view)).toEqual(["command %%llm", "flag -s", "value *a"]);
});

test("another cell keeps its language, and Markdown is not loaded for it", async () => {
  const load = vi.fn(async () => markdownLanguage);
  const { view, prompts } = editor("for x in y", load);
  await settled();
  expect(languageOf(view)).toBe("python");
  expect(prompts.has(view.state)).toBe(false);
  expect(load).not.toHaveBeenCalled();
});

test("it turns with the very change of the first line, and back", async () => {
  const { view } = editor("%%ll");
  await settled();
  view.dispatch({ changes: { from: 4, insert: "m" } });
  expect(languageOf(view)).toBe("ipyllm-prompt");
  view.dispatch({ changes: { from: 5, insert: "\nfor x" } });
  await settled();
  expect(coloured(view)).toEqual(["command %%llm"]);
  view.dispatch({ changes: { from: 0, to: 1 } });
  expect(languageOf(view)).toBe("python");
  expect(coloured(view)).toContain("keyword for");
});

test("character by character it ends as if it had been there from the start", async () => {
  const source = "%%llm -m a\n\n# Title\n- *one*\n\n```\ncode\n```\n";
  const { view } = editor("");
  for (const letter of source) {
    view.dispatch({ changes: { from: view.state.doc.length, insert: letter } });
  }
  const whole = editor(source);
  await settled();
  expect(coloured(view)).toEqual(coloured(whole.view));
});

test("without Markdown there is still a command line", async () => {
  const { view } = editor("%%llm -m a\n# T", () => Promise.reject(new Error("none")));
  await settled();
  expect(coloured(view)).toEqual(["command %%llm", "flag -m", "value a"]);
});

/** Four ways to show growing Markdown, each `(node) => {append, paint, finish}`. */
import MarkdownIt from "markdown-it";
import { marked } from "marked";
import morphdom from "morphdom";
import * as smd from "streaming-markdown";

const md = new MarkdownIt("commonmark", { html: false }).enable(["table", "strikethrough"]);

function whole(show) {
  return (node) => {
    let text = "";
    return { append: (more) => { text += more; }, paint: () => show(node, text), finish() {} };
  };
}

export const naive = whole((node, text) => { node.innerHTML = md.render(text); });

export const morph = whole((node, text) => {
  const next = node.cloneNode(false);
  next.innerHTML = md.render(text);
  morphdom(node, next, { childrenOnly: true });
});

export const memo = (node) => {
  let text = "";
  let shown = [];
  return {
    append: (more) => { text += more; },
    paint() {
      const raws = marked.lexer(text).map(({ raw }) => raw);
      raws.forEach((raw, at) => {
        if (shown[at] === raw) return;
        const block = node.children[at] ?? node.appendChild(document.createElement("div"));
        block.innerHTML = marked.parse(raw);
      });
      while (node.children.length > raws.length) node.lastChild.remove();
      shown = raws;
    },
    finish() {},
  };
};

export const streaming = (node) => {
  const parser = smd.parser(smd.default_renderer(node));
  let pending = "";
  return {
    append: (more) => { pending += more; },
    paint() { smd.parser_write(parser, pending); pending = ""; },
    finish: () => smd.parser_end(parser),
  };
};

import MarkdownIt from "markdown-it";
import { isSafe } from "../../src/markdown/links.ts";
import { MarkdownView } from "../../src/markdown/markdown-view.ts";
import { math } from "../../src/markdown/math.ts";

const BLOCKS = /^(?:address|blockquote|h[1-6]|hr|li|ol|p|pre|table|tbody|td|th|thead|tr|ul)$/;
const VOID = new Set(["BR", "HR", "IMG"]);

const full = new MarkdownIt("commonmark", { html: false })
  .enable(["table", "strikethrough"])
  .use(math);
full.validateLink = isSafe;

/** What markdown-it itself, whole and unslimmed, makes of the whole source at once. */
export function oneShot(source: string): string {
  return canonical(full.render(source));
}

/** Streams `source` in pieces of `size`, painting after each. */
export function streamed(source: string, size: number): string {
  const view = new MarkdownView("", {}, () => 0);
  for (let at = 0; at < source.length; at += size) {
    view.append(source.slice(at, at + size));
    view.paint();
  }
  view.finish();
  return html(view.node);
}

export function html(node: Element): string {
  return canonical([...node.childNodes].map(serialized).join(""));
}

/** Our DOM as markdown-it would have written it: no wrappers, no chrome, images as images. */
function serialized(node: Node): string {
  if (node.nodeName === "#text") return escaped(node.textContent ?? "");
  if (!(node instanceof HTMLElement)) throw new Error(`what is ${node.nodeName}?`);
  const inner = () => [...node.childNodes].map(serialized).join("");
  if (node.matches(".ipyllm-section, .ipyllm-segment")) return inner();
  if (node.matches(".ipyllm-code")) return serialized(node.querySelector("pre") ?? node);
  const image = node.firstElementChild;
  if (image instanceof HTMLElement && image.matches(".ipyllm-image")) {
    const alt = (image.textContent ?? "").slice(3);
    const title = image.title === "Load this picture" ? "" : image.title;
    const named = title ? ` title="${escaped(title)}"` : "";
    return `<img src="${escaped(image.dataset.src ?? "")}" alt="${escaped(alt === "image" ? "" : alt)}"${named}>`;
  }
  const tag = node.nodeName.toLowerCase();
  const attributes = (tag === "a" ? ["href", "title"] : ["class", "start", "style"])
    .filter((name) => node.hasAttribute(name) && tag !== "table")
    .map((name) => ` ${name}="${escaped(node.getAttribute(name) ?? "")}"`);
  const open = `<${tag}${attributes.join("")}>`;
  return VOID.has(node.nodeName) ? open : `${open}${inner()}</${tag}>`;
}

/** White space between blocks says nothing, and several bodies of a table are one. */
function canonical(source: string): string {
  const out = source
    .split(/(<[^>]*>)/)
    .map((piece) =>
      piece.startsWith("<")
        ? piece.replace(" />", ">").replace(/style="text-align: ?(\w+);?"/, 'style="text-align:$1"')
        : piece,
    );
  let text = "";
  let pre = false;
  for (const [at, piece] of out.entries()) {
    const isTag = piece.startsWith("<");
    if (isTag) {
      if (/^<\/?pre/.test(piece)) pre = piece[1] !== "/";
      text += piece;
      continue;
    }
    let said = piece;
    if (!pre) {
      if (isBlock(out[at - 1])) said = said.replace(/^\s+/, "");
      if (isBlock(out[at + 1])) said = said.replace(/\s+$/, "");
      if (/^<br/.test(out[at - 1] ?? "")) said = said.replace(/^\n/, "");
    }
    text += said;
  }
  return text.replaceAll("</tbody><tbody>", "").replaceAll("<tbody></tbody>", "");
}

function isBlock(tag: string | undefined): boolean {
  return tag === undefined || tag === "" || BLOCKS.test(/^<\/?(\w+)/.exec(tag)?.[1] ?? "");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

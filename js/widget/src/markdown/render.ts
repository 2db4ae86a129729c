import { CodeBlock } from "./code-block.ts";
import { element } from "./dom.ts";
import { info, inline, type References, type Token } from "./grammar.ts";
import { placeholder } from "./image.ts";

/** One run of text and the nodes it became: what a definition that comes later changes. */
export type Leaf = {
  readonly source: string;
  readonly nodes: Node[];
  /** Labels looked up, and not final when they were. */
  readonly labels: ReadonlySet<string>;
};

/**
 * Tokens to nodes. No HTML is ever parsed: a tag or an attribute that is not written here cannot come out.
 *
 * With `isFinal`, leaves that hang on a definition still to come are gathered.
 */
export class Renderer {
  readonly leaves: Leaf[] = [];
  readonly #references: References;
  readonly #isFinal: ((label: string) => boolean) | null;

  constructor(references: References, isFinal: ((label: string) => boolean) | null = null) {
    this.#references = references;
    this.#isFinal = isFinal;
  }

  blocks(tokens: readonly Token[]): HTMLElement[] {
    const root = element("div");
    const open: HTMLElement[] = [root];
    for (const token of tokens) {
      const parent = open.at(-1) ?? root;
      if (token.type === "inline") parent.append(...this.text(token.content));
      else if (token.hidden) continue;
      else if (token.nesting < 0) open.pop();
      else {
        const node = block(token);
        parent.append(node);
        if (token.nesting > 0) open.push(node);
      }
    }
    return [...root.children].filter((child) => child instanceof HTMLElement);
  }

  text(source: string): Node[] {
    if (this.#isFinal === null || !source.includes("[")) {
      return nodes(inline(source, this.#references));
    }
    const isFinal = this.#isFinal;
    const labels = new Set<string>();
    const watched = new Proxy(this.#references, {
      get(target, label) {
        if (typeof label === "symbol") return undefined;
        if (!isFinal(label)) labels.add(label);
        return target[label];
      },
    });
    const made = nodes(inline(source, watched));
    if (labels.size) this.leaves.push({ source, nodes: made, labels });
    return made;
  }
}

function block(token: Token): HTMLElement {
  switch (token.type) {
    case "fence":
      return new CodeBlock(info(token), token.content).node;
    case "code_block":
      return new CodeBlock("", token.content).node;
    default: {
      const node = document.createElement(token.tag);
      for (const [name, value] of token.attrs ?? []) {
        // A style attribute by its text is what some pages' content security policy refuses.
        if (name === "style") node.style.textAlign = `${value}`.slice("text-align:".length);
        else if (name === "start") node.setAttribute(name, `${value}`);
      }
      return node;
    }
  }
}

export function nodes(tokens: readonly Token[]): Node[] {
  const root = document.createDocumentFragment();
  const open: (Element | DocumentFragment)[] = [root];
  for (const token of tokens) {
    const parent = open.at(-1) ?? root;
    if (token.nesting < 0) open.pop();
    else {
      const node = leaf(token);
      parent.append(node);
      if (token.nesting > 0 && node instanceof Element) open.push(node);
    }
  }
  return [...root.childNodes];
}

function leaf(token: Token): Node | string {
  switch (token.type) {
    case "text":
      return token.content;
    case "softbreak":
      return "\n";
    case "hardbreak":
      return element("br");
    case "code_inline":
      return element("code", "", token.content);
    case "link_open":
      return link(token);
    case "image":
      return placeholder(
        attribute(token, "src"),
        plain(token.children ?? []),
        attribute(token, "title"),
      );
    default:
      return document.createElement(token.tag);
  }
}

function link(token: Token): HTMLElement {
  const node = element("a");
  node.setAttribute("href", attribute(token, "href"));
  if (attribute(token, "title")) node.title = attribute(token, "title");
  node.rel = "noopener noreferrer";
  node.target = "_blank";
  return node;
}

function attribute(token: Token, name: string): string {
  return `${token.attrGet(name) ?? ""}`;
}

function plain(tokens: readonly Token[]): string {
  return tokens
    .map(({ type, content, children }) => {
      if (type === "softbreak" || type === "hardbreak") return "\n";
      return type === "image" ? plain(children ?? []) : content;
    })
    .join("");
}

/**
 * Makes `parent`'s children from `first` on (null: none) equal to `wanted`, touching what differs and nothing else:
 * a selection or a scroll position in what stays is kept. Gives the nodes now there, and in `kept` which of them
 * stands for which wanted one.
 */
export function patch(
  parent: Node,
  first: Node | null,
  wanted: readonly Node[],
  kept?: Map<Node, Node>,
  end: Node | null = null,
): Node[] {
  let old = first;
  const out: Node[] = [];
  for (const node of wanted) {
    if (old === node) {
      out.push(node);
      old = node.nextSibling;
    } else if (old !== null && old !== end && isAlike(old, node)) {
      const next = old.nextSibling;
      update(old, node, kept);
      kept?.set(node, old);
      out.push(old);
      old = next;
    } else {
      parent.insertBefore(node, old ?? end);
      out.push(node);
      if (old !== null && old !== end) {
        const next = old.nextSibling;
        parent.removeChild(old);
        old = next;
      }
    }
  }
  while (old !== null && old !== end) {
    const next = old.nextSibling;
    parent.removeChild(old);
    old = next;
  }
  return out;
}

function isAlike(old: Node, wanted: Node): boolean {
  return old.nodeName === wanted.nodeName;
}

function update(old: Node, wanted: Node, kept?: Map<Node, Node>): void {
  if (old instanceof Text && wanted instanceof Text) setText(old, wanted.data);
  else if (old instanceof Element && wanted instanceof Element) {
    attributes(old, wanted);
    patch(old, old.firstChild, [...wanted.childNodes], kept);
  }
}

/** Appending moves no end of a selection. */
function setText(node: Text, text: string): void {
  if (node.data === text) return;
  if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}

function attributes(old: Element, wanted: Element): void {
  for (const name of old.getAttributeNames()) {
    if (!wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const name of wanted.getAttributeNames()) {
    const value = wanted.getAttribute(name) ?? "";
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/**
 * Puts a sheet of ours into the tree `node` is shown in, once: the document, or the shadow root some front ends wrap
 * outputs in. A sheet of another version (after an upgrade, without a reload) is replaced.
 */
export function ensureStyle(node: Node, name: string, css: string): void {
  const root = node.getRootNode();
  const home = root instanceof ShadowRoot ? root : document.head;
  let style = home.querySelector(`style[${name}]`);
  if (style === null) {
    style = document.createElement("style");
    style.setAttribute(name, "");
    home.append(style);
  }
  if (style.textContent !== css) style.textContent = css;
}

/**
 * The Timing panel of a saved answer, out of its HTML (src/ipyllm/widget/timing.py), by an allowlist: a notebook may
 * come from anybody, and what a page made of it must do no harm, trusted or not.
 */

const NONE = "<div>No times were saved with this answer.</div>";

const TAGS = new Set("div span table tbody tr td details summary svg rect b code".split(" "));
const ATTRIBUTES = new Set(
  "title width height x y rx opacity fill open name aria-hidden".split(" "),
);
/** Words, numbers, lengths, colours and lists of them; of functions those that name a colour or a variable. */
const VALUE = /^(?:[\w\s.,%#-]|\b(?:var|rgba?)\(|\))*$/;
const PROPERTY =
  /^(?:align-items|background-color|border(?:-[a-z]+)*|color|display|fill|flex(?:-wrap)?|font-[a-z]+|gap|line-height|margin(?:-[a-z]+)?|max-height|min-width|opacity|overflow(?:-wrap)?|padding(?:-[a-z]+)?|table-layout|text-align|white-space|width|cursor)$/;
const FAMILY = /^[\w\s.,()'"-]*$/;

/** HTML that is safe in any page. */
export function timingPanel(html: string): string {
  // Inert: nothing in it is run or loaded.
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const strip = body.querySelector(":scope > div > details:last-child");
  const made = document.createElement("div");
  for (const node of strip?.querySelectorAll(":scope > :not(summary)") ?? []) {
    made.append(...copied(node));
  }
  return made.childElementCount ? made.innerHTML : NONE;
}

function copied(node: Node): (Node | string)[] {
  if (node.nodeType === Node.TEXT_NODE) return [node.textContent ?? ""];
  if (!(node instanceof Element)) return [];
  const name = node.localName;
  if (!TAGS.has(name)) return [];
  const isShape = name === "svg" || name === "rect";
  const made = isShape
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const { name, value } of node.attributes) {
    if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
    else if (name === "style") made.setAttribute(name, styles(value));
  }
  // A shape holds shapes only: text in it could mean something else when it is read again.
  const children = [...node.childNodes].filter((child) => !isShape || child instanceof Element);
  made.append(...children.flatMap(copied));
  return [made];
}

function styles(text: string): string {
  return text
    .split(";")
    .filter((declaration) => {
      const [property = "", value = ""] = declaration.split(/:(.*)/s);
      const allowed = property === "font-family" ? FAMILY : VALUE;
      return PROPERTY.test(property.trim()) && allowed.test(value);
    })
    .join(";");
}

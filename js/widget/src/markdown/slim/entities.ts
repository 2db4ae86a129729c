/**
 * Entities by the browser instead of a table of 20 KB. A template is inert: nothing in it is loaded or run, and
 * only `&name;` ever comes here.
 */
const known = new Map<string, string>();

export function decodeHTMLStrict(entity: string): string {
  let decoded = known.get(entity);
  if (decoded === undefined) {
    decoded = decode(entity);
    known.set(entity, decoded);
  }
  return decoded;
}

function decode(entity: string): string {
  if (!/^&[a-z][a-z0-9]{1,31};$/i.test(entity)) return entity;
  const template = document.createElement("template");
  template.innerHTML = entity;
  const text = template.content.textContent ?? "";
  // `&copyx;` is `©x;` to a browser, for old pages' sake, and no entity to CommonMark.
  return text.endsWith(";") && entity !== "&semi;" ? entity : text;
}

import { element } from "./dom.ts";

/**
 * Stands where a picture would be. Its address was written by a model, and loading it is a way to send data
 * out, so it is loaded when the reader asks for it and not before.
 */
export function placeholder(address: string, alt: string, title: string): HTMLElement {
  const button = element("button", "ipyllm-image", `\u{1F5BC} ${alt || "image"}`);
  button.type = "button";
  button.dataset.src = address;
  button.title = title || "Load this picture";
  return element("span", "", button, ` (${address})`);
}

export function loadImage(button: HTMLElement): void {
  const { src } = button.dataset;
  if (!src || !/^(?:https?:)?\/\/|^[^:]*$/i.test(src)) return;
  const image = element("img");
  image.alt = (button.textContent ?? "").replace(/^\S+ /, "");
  image.referrerPolicy = "no-referrer";
  image.src = src;
  button.parentElement?.replaceChildren(image);
}

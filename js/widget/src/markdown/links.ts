import { decode, encode } from "mdurl";

/** http, https, mailto; without a scheme it stays on the page's own site. */
const SAFE = /^(?:https?:|mailto:|[^:/?#]*(?:[/?#]|$))/i;
const HOST = /^((?:https?:|mailto:)?\/\/(?:[^/?#]*@)?)([^/?#:@[]*)/i;

export function isSafe(address: string): boolean {
  return SAFE.test(address.trim());
}

/** As markdown-it does, with the browser's own names for hosts outside ASCII: 6 KB less. */
export function normalize(address: string): string {
  return encode(
    address.trim().replace(HOST, (_, before: string, host: string) => before + ascii(host)),
  );
}

/** An address as an autolink shows it. */
export function readable(address: string): string {
  return decode(address, `${decode.defaultChars}%`);
}

function ascii(host: string): string {
  if (![...host].some((letter) => letter > "\x7f")) return host;
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}

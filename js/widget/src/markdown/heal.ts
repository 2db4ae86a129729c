/** Nothing but marks: what they are shows once text follows. */
const BARE =
  /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)]|#{1,6})[ \t]+)*(?:[-+*>=_~`#|: \t]+|\d{1,9}[.)]?|\[[ xX]?\]?[ \t]*)?$/;
const HEADER = /^[ \t]*\|.*$/;
const DELIMITERS = /^[ \t]*\|?[|:\- \t]*$/;
const MARKS = /^(?:[ \t>]*(?:[-+*]|\d{1,9}[.)]|#{1,6})[ \t]+)*/;
const STARTS = /^[ \t]*(?:[-+*>][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|\|)/;
const FENCE = /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/;

/** The end of a source that grows, as one would write it if it ended here. For the eye only: never kept. */
export function heal(source: string): string {
  const cut = source.lastIndexOf("\n") + 1;
  const lines = source.split("\n");
  const fence = openFence(lines);
  if (fence) {
    return /^[ \t>]*[`~]*[ \t]*$/.test(source.slice(cut)) && cut ? source.slice(0, cut) : source;
  }
  return healText(withoutHead(withoutBareLine(source, cut)));
}

function openFence(lines: readonly string[]): boolean {
  let open = "";
  for (const [at, line] of lines.entries()) {
    const [, marks = "", info = ""] = FENCE.exec(line) ?? [];
    if (!open) {
      const isFence = marks && !(marks[0] === "`" && info.includes("`"));
      if (isFence && (info || at < lines.length - 1)) open = marks;
    } else if (marks.startsWith(open) && !info.trim()) open = "";
  }
  return open !== "";
}

function withoutBareLine(source: string, cut: number): string {
  return BARE.test(source.slice(cut)) ? source.slice(0, cut) : source;
}

/** A table's head is a line of text until its delimiters are complete; it would jump. */
function withoutHead(source: string): string {
  const start = source.lastIndexOf("\n\n") + 1 || 0;
  const lines = source.slice(start).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const [head = "", delimiters = ""] =
    lines.at(-1)?.match(DELIMITERS) && lines.length > 1 ? lines.slice(-2) : [lines.at(-1)];
  if (!HEADER.test(head)) return source;
  const isRow = lines.some(
    (line, at) =>
      at > 0 && DELIMITERS.test(line) && /-/.test(line) && at < lines.length - (delimiters ? 1 : 0),
  );
  if (isRow || (delimiters && source.endsWith("\n"))) return source;
  if (!delimiters && lines.length > 1 && HEADER.test(lines.at(-2) ?? "")) return source;
  return source.slice(0, source.lastIndexOf(head));
}

/** Closes what is open in the last run of text. */
function healText(source: string): string {
  const start = lastText(source);
  const text = source.slice(start);
  return source.slice(0, start) + closed(text);
}

function lastText(source: string): number {
  let at = source.lastIndexOf("\n\n") + 1;
  for (let line = at; line >= 0 && line < source.length; ) {
    const end = source.indexOf("\n", line);
    const whole = source.slice(line, end < 0 ? source.length : end);
    if (STARTS.test(whole)) at = line;
    if (end < 0) break;
    line = end + 1;
  }
  const marks = MARKS.exec(source.slice(at))?.[0].length ?? 0;
  if (source[at + marks] === "|") return Math.max(at, source.lastIndexOf("|") + 1);
  return at + marks;
}

/** What is shown of a mark and up to where; `ends`: nothing comes after it. `text`: goes on in this instead. */
type Step = {
  readonly out: string;
  readonly to: number;
  readonly ends?: boolean;
  readonly text?: string;
};
type Mark = (text: string, at: number, open: string[]) => Step;

const STEPS: Record<string, Mark> = {
  "\\": escaped,
  "`": code,
  $: formula,
  "*": emphasis,
  _: emphasis,
  "~": emphasis,
  "[": link,
  "<": autolink,
};

function closed(source: string): string {
  const open: string[] = [];
  let text = source;
  let out = "";
  let at = 0;
  while (at < text.length) {
    const unit = text[at] ?? "";
    const step: Step = STEPS[unit]?.(text, at, open) ?? { out: unit, to: at + 1 };
    // Of a picture that is not whole yet only the words are shown.
    if (unit === "[" && (step.ends || step.text)) out = out.replace(/!$/, "");
    out += step.out;
    if (step.ends) return (unit === "`" ? out.replace(/[*_~]+$/, "") : out) + closing(open);
    text = step.text ?? text;
    at = step.to;
  }
  const shown = out.replace(/&[#\w]*$/, "");
  return (open.length ? shown.replace(/[ \t]+$/, "") : shown) + closing(open);
}

function escaped(text: string, at: number): Step {
  const next = text[at + 1];
  if (next === undefined) return { out: "", to: text.length };
  const close = next === "(" ? "\\)" : "\\]";
  if ((next === "(" || next === "[") && !text.includes(close, at)) return rest(text, at);
  return { out: text.slice(at, at + 2), to: at + 2 };
}

function code(text: string, at: number): Step {
  const run = runAt(text, at);
  const end = closingRun(text, at + run.length, run.length);
  if (end >= 0) return { out: text.slice(at, end), to: end };
  const inner = text.slice(at + run.length).replace(/`+$/, "");
  const out = inner.trim() ? `${run}${inner}${run}` : "";
  return { out, to: text.length, ends: true };
}

function formula(text: string, at: number): Step {
  const run = text.startsWith("$$", at) ? "$$" : "$";
  const end = text.indexOf(run, at + run.length);
  const isMoney = run === "$" && /[\s\d]/.test(text[at + 1] ?? " ");
  if (end < 0 && !isMoney) return rest(text, at);
  const to = end < 0 || isMoney ? at + 1 : end + run.length;
  return { out: text.slice(at, to), to };
}

function emphasis(text: string, at: number, open: string[]): Step {
  const run = runAt(text, at);
  const unit = run[0] ?? "";
  const to = at + run.length;
  const [before = " ", after] = [text[at - 1], text[to]];
  if (after === undefined) return { out: "", to };
  const isWord = unit === "_" && /[\p{L}\p{N}]/u.test(before);
  const opens = !/\s/.test(after) && !isWord && run !== "~";
  let left = run.length;
  while (!/\s/.test(before) && left && open.at(-1)?.[0] === unit) {
    const last = open.pop() ?? "";
    const taken = Math.min(left, last.length);
    if (taken < last.length) open.push(last.slice(taken));
    left -= taken;
  }
  if (left && opens) open.push(unit.repeat(left));
  return { out: run, to };
}

/** Of an unfinished link its text is shown, which may have marks of its own. */
function link(text: string, at: number): Step {
  const end = text.indexOf("]", at);
  const next = text[end + 1];
  const isWhole =
    end >= 0 &&
    next !== undefined &&
    !(next === "(" && !text.includes(")", end)) &&
    !(next === "[" && !text.includes("]", end + 1));
  if (isWhole) return { out: "[", to: at + 1 };
  const shown = text.slice(at + 1, end < 0 ? text.length : end);
  return { out: "", to: at, text: text.slice(0, at) + shown };
}

function autolink(text: string, at: number): Step {
  const after = text.slice(at + 1);
  const isOpen = after === "" || /^(?:https?|mailto|[a-z]{1,6}$)[^\s]*$/i.test(after);
  if (isOpen && !text.includes(">", at)) return { out: after, to: text.length, ends: true };
  return { out: "<", to: at + 1 };
}

function rest(text: string, at: number): Step {
  return { out: text.slice(at), to: text.length, ends: true };
}

function closing(open: readonly string[]): string {
  return [...open].reverse().join("");
}

function runAt(text: string, at: number): string {
  let end = at;
  while (text[end] === text[at]) end++;
  return text.slice(at, end);
}

function closingRun(text: string, from: number, length: number): number {
  for (let at = text.indexOf("`", from); at >= 0; ) {
    const run = runAt(text, at);
    if (run.length === length) return at + length;
    at = text.indexOf("`", at + run.length);
  }
  return -1;
}

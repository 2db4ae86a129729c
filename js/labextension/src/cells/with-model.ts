import { magicLine } from "./magic-line.ts";

/** The prompt with `-m model` in its first line, in place of the one it names. */
export function withModel(source: string, model: string): string {
  const line = magicLine(source);
  if (!line) return source;
  const { words } = line;
  const at = words.findIndex(({ from, to }) => /^(?:-m|--model)$/.test(source.slice(from, to)));
  const [flag, value] = [words[at], words[at + 1]];
  const quoted = /^[\w@%+=:,./-]+$/.test(model) ? model : `'${model.replaceAll("'", "")}'`;
  const end = (flag && value?.kind === "value" ? value.to : flag?.to) ?? words[0]?.to ?? 0;
  const from = flag?.from ?? end;
  const put = flag ? `-m ${quoted}` : ` -m ${quoted}`;
  return source.slice(0, from) + put + source.slice(end);
}

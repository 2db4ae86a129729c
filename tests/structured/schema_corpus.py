"""
JSON texts, each with the place where it became impossible, and texts that are valid.

A line of INVALID is `beginning«what came»what could have come`: with `«` before the first
character after which no text is valid any more. The marks were set by hand; that none is too
early is proven by the third part, with which the beginning is valid (`jsonschema` says so).
"""

# ruff: noqa: E501 - a case is a line
from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


def record(
    properties: dict[str, Any], required: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    needed = list(properties) if required is None else required
    closed = {"type": "object", "properties": properties, "required": needed}
    return {**closed, "additionalProperties": False, **more}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
LINE = record(
    {
        "sku": STRING,
        "qty": {"type": "integer", "minimum": 1},
        "price": {"type": "number", "minimum": 0},
    }
)
TREE = record({"value": INTEGER, "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}})
LINKED = record({"item": STRING, "next": {"anyOf": [{"$ref": "#/$defs/Linked"}, {"type": "null"}]}})
CIRCLE = record({"kind": {"const": "circle"}, "radius": NUMBER})
SQUARE = record({"kind": {"const": "square"}, "side": NUMBER})
CALLS = {
    "get_weather": record({"city": STRING, "unit": {"enum": ["celsius", "fahrenheit"]}}, ["city"]),
    "get_time": record({"zone": STRING}),
    "roll_dice": record({"sides": {"type": "integer", "minimum": 2, "maximum": 100}}),
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "person": record(
        {
            "name": {"type": "string", "minLength": 1, "maxLength": 12},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "email": {"type": ["string", "null"]},
            "tags": {"type": "array", "items": STRING, "uniqueItems": True},
        },
        ["name", "age"],
    ),
    "invoice": record(
        {
            "number": {"type": "string", "pattern": "^INV-[0-9]{4}$"},
            "day": {"type": "string", "format": "date"},
            "currency": {"enum": ["EUR", "USD", "GBP"]},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "minItems": 1},
            "paid": {"type": "boolean"},
        },
        **{"$defs": {"Line": LINE}},
    ),
    "call": {
        "oneOf": [
            record({"name": {"const": name}, "arguments": arguments})
            for name, arguments in CALLS.items()
        ]
    },
    "tree": {"$ref": "#/$defs/Tree", "$defs": {"Tree": TREE}},
    "linked": {**LINKED, "$defs": {"Linked": LINKED}},
    "figure": record({"value": {"anyOf": [CIRCLE, SQUARE, {"type": "null"}]}}),
    "levels": record(
        {
            "level": {"enum": [1, 2, 30]},
            "code": {"const": 200},
            "ok": {"const": True},
            "note": {"enum": ["low", "lower", "high", None]},
            "ratio": {"enum": [0.5, -2.5, 0]},
        },
        ["level"],
    ),
    "counts": {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0},
        "propertyNames": {"pattern": "^[a-z]+$"},
        "minProperties": 1,
        "maxProperties": 3,
    },
    "headers": {
        "type": "object",
        "properties": {"host": STRING},
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": False,
    },
    "place": record(
        {
            "at": {
                "type": "array",
                "prefixItems": [NUMBER, NUMBER, {"enum": ["north", "south"]}],
                "items": False,
                "minItems": 3,
            }
        }
    ),
    "matrix": record(
        {
            "rows": {
                "type": "array",
                "items": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
                "maxItems": 3,
            }
        }
    ),
    "payment": {
        "type": "object",
        "properties": {"card": STRING, "cvv": STRING, "cash": {"type": "boolean"}},
        "dependentRequired": {"card": ["cvv"]},
        "anyOf": [{"required": ["card"]}, {"required": ["cash"]}],
    },
    "address": {
        "type": "object",
        "properties": {"country": {"enum": ["US", "DE"]}, "zip": STRING},
        "required": ["country", "zip"],
        "if": {"properties": {"country": {"const": "US"}}},
        "then": {"properties": {"zip": {"maxLength": 5}}},
        "else": {"properties": {"zip": {"pattern": "^D-"}}},
    },
    "numbers": record(
        {
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "debt": {"type": "number", "exclusiveMaximum": 0},
            "gain": {"type": "number", "exclusiveMinimum": 0},
            "fives": {"type": "integer", "multipleOf": 5},
            "cents": {"type": "number", "multipleOf": 0.25},
            "whole": {"type": "integer"},
            "cold": {"type": "integer", "maximum": -10},
        },
        [],
    ),
    "times": record(
        {
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"},
            "id": {"type": "string", "format": "uuid"},
        },
        [],
    ),
    "user": {
        "allOf": [
            {"type": "object", "properties": {"name": STRING}, "required": ["name"]},
            {
                "properties": {
                    "name": {"not": {"enum": ["root", "admin"]}},
                    "id": {"$ref": "#/$defs/Id"},
                }
            },
        ],
        "required": ["id"],
        "$defs": {"Id": {"type": ["integer", "string"], "minimum": 1, "minLength": 2}},
    },
    "mixed": record(
        {
            "list": {"type": "array", "items": {"type": ["integer", "string", "null"]}},
            "one": {
                "oneOf": [
                    {"type": "integer", "multipleOf": 3},
                    {"type": "integer", "multipleOf": 5},
                ]
            },
            "pair": {"enum": [[1, 2], {"a": "b"}, "none"]},
            "has": {"type": "array", "contains": {"const": "x"}, "maxContains": 2},
            "any": True,
        },
        [],
    ),
    "survey": record(
        {
            "title": STRING,
            "questions": {
                "type": "array",
                "items": record(
                    {
                        "text": STRING,
                        "answers": {"type": "array", "items": STRING, "minItems": 2},
                        "kind": {"enum": ["single", "multiple", "free"]},
                    },
                    ["text", "kind"],
                ),
            },
        }
    ),
}

INVALID = {
    "person": r"""
«[]»{"name": "Ann", "age": 3}
«"Ann"»{"name": "Ann", "age": 3}
«null»{"name": "Ann", "age": 3}
{"name": «7, "age": 3}»"Ann", "age": 3}
{"name": «null, "age": 3}»"Ann", "age": 3}
{"name": "«", "age": 3}»A", "age": 3}
{"name": "Ann", "age": «"three"}»3}
{"name": "Ann", "age": «true}»3}
{"name": "Ann", "age": «{}}»3}
{"name": "Ann", "age": 3.5«}»e1}
{"name": "Ann", "age": -«3}»0}
{"name": "Ann", "age": 15«1}»0}
{"name": "Ann", "age": 99«9}»}
{"name": "Ann", "age": 200«}»e-1}
{"name": "Ann", "age": 2e+«9}»1}
{"name": "Ann", "age": 30e-«2}»1}
{"name": "Ann"«}», "age": 3}
{"age": 3«}», "name": "Ann"}
{«}»"name": "Ann", "age": 3}
{"na«ne": "Ann", "age": 3}»me": "Ann", "age": 3}
{"name«s": "Ann", "age": 3}»": "Ann", "age": 3}
{"nam«": "Ann", "age": 3}»e": "Ann", "age": 3}
{"name": "Ann", "age": 3, "«phone": 5}»tags": []}
{"name": "Ann Nonymous«y", "age": 3}»", "age": 3}
{"name": "Ann Nonymous«\u0079", "age": 3}»", "age": 3}
{"name": "Ann", "age": 3, "email": «5}»"a@b.c"}
{"name": "Ann", "age": 3, "email": «false}»null}
{"name": "Ann", "age": 3, "tags": «"new"}»["new"]}
{"name": "Ann", "age": 3, "tags": ["new", «3]}»"3"]}
{"name": "Ann", "age": 3, "tags": ["new", "new«"]}»er"]}
{"name": "Ann", "age": 3, "tags": ["a", "b", "\u0061«"]}»."]}
""",
    "invoice": r"""
{"number": "I«V-1234"}»NV-1234", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"number": "INV-12«x4"}»34", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"number": "INV-1234«5"}»", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"number": "INV-123«"}»4", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"currency": "E«SP"}»UR", "number": "INV-1234", "day": "2024-01-31", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"currency": "«eur"}»EUR", "number": "INV-1234", "day": "2024-01-31", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"currency": "EUR«O"}»", "number": "INV-1234", "day": "2024-01-31", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"currency": "EU«"}»R", "number": "INV-1234", "day": "2024-01-31", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"currency": «["EUR"]}»"EUR", "number": "INV-1234", "day": "2024-01-31", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
{"paid": «"yes"}»true, "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}]}
{"paid": «0}»false, "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}]}
{"lines": [«]}»{"sku": "a", "qty": 1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [«"a"]}»{"sku": "a", "qty": 1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": «{"sku": "a"}}»[{"sku": "a", "qty": 1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": «5}]}»"a", "qty": 1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": "a", "qty": 0«}]}».1e1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": "a", "qty": «-1}]}»1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": "a", "qty": 1, "price": -0.0«1}]}»0}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": "a", "qty": 1«}]}», "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"lines": [{"sku": "a", "«amount": 1}]}»qty": 1, "price": 2}], "number": "INV-1234", "day": "2024-01-31", "currency": "EUR", "paid": true}
{"day": "2024-«Jan"}»01-31", "number": "INV-1234", "currency": "EUR", "lines": [{"sku": "a", "qty": 1, "price": 2}], "paid": true}
""",
    "call": r"""
{"name": "get_«place", "arguments": {}}»time", "arguments": {"zone": "UTC"}}
{"name": "get_time«s", "arguments": {}}»", "arguments": {"zone": "UTC"}}
{"name": "«weather", "arguments": {}}»get_time", "arguments": {"zone": "UTC"}}
{"name": «{"get_time": {}}}»"get_time", "arguments": {"zone": "UTC"}}
{"name": "get_time", "arguments": «"UTC"}»{"zone": "UTC"}}
{"name": "get_time", "arguments": {«}}»"zone": "UTC"}}
{"name": "get_time", "arguments": {"«city": "Rome"}}»zone": "UTC"}}
{"name": "get_weather", "arguments": {"city": «1}}»"Rome"}}
{"name": "get_weather", "arguments": {"«zone": "UTC"}}»city": "Rome"}}
{"name": "get_weather", "arguments": {"city": "Rome", "unit": "c«old"}}»elsius"}}
{"name": "get_weather", "arguments": {"unit": "celsius"«}}», "city": "Rome"}}
{"name": "roll_dice", "arguments": {"sides": «"six"}}»6}}
{"name": "roll_dice", "arguments": {"sides": «-6}}»6}}
{"name": "roll_dice", "arguments": {"sides": 1«}}»2}}
{"name": "roll_dice", "arguments": {"sides": 10«1}}»0}}
{"name": "roll_dice"«}», "arguments": {"sides": 6}}
{"arguments": {"«location": "Rome"}, "name": "get_weather"}»city": "Rome"}, "name": "get_weather"}
{"arguments": {"city": "Rome"}, "name": "get_«time"}»weather"}
{"arguments": {"zone": "UTC"}, "name": "«roll_dice"}»get_time"}
{"«tool": "get_time"}»name": "get_time", "arguments": {"zone": "UTC"}}
«[{"name": "get_time"}]»{"name": "get_time", "arguments": {"zone": "UTC"}}
""",
    "tree": r"""
«3»{"value": 3, "children": []}
{"value": «"3", "children": []}»3, "children": []}
{"value": 3, "children": «null}»[]}
{"value": 3, "children": [«4]}»{"value": 4, "children": []}]}
{"value": 3, "children": [{"value": 4«}]}», "children": []}]}
{"value": 3, "children": [{"value": 4, "children": [{"value": «[]}]}]}»5, "children": []}]}]}
{"value": 3, "children": [{"value": 4, "children": [], "«size": 1}]}»value": 1}]}
{"value": 3, "children": [{"value": 4, "children": []}, {«}]}»"value": 5, "children": []}]}
{"value": 3, "children": [{"value": 4, "children": []}, «[]]}»{"value": 5, "children": []}]}
{"value": 3, "children": [{"value": 4, "children": [{"value": 5, "children": [«true]}]}]}»]}]}]}
""",
    "linked": r"""
{"item": "a", "next": «"b"}»null}
{"item": "a", "next": «5}»null}
{"item": "a"«}», "next": null}
{"item": "a", "next": {"item": "b"«}}», "next": null}}
{"item": "a", "next": {"item": "b", "next": «[]}}»null}}
{"item": "a", "next": {"item": "b", "next": {"item": «null, "next": null}}}»"c", "next": null}}}
{"item": "a", "next": {"item": "b", "next": {"it«m": "c", "next": null}}}»em": "c", "next": null}}}
{"item": "a", "next": {"item": "b", "next": null, "«prev": "a"}}»item": "b"}}
""",
    "figure": r"""
{"value": «1}»null}
{"value": «[]}»null}
{"value": {"kind": "«triangle", "side": 1}}»square", "side": 1}}
{"value": {"kind": "circle«s", "radius": 1}}»", "radius": 1}}
{"value": {"kind": "circle", "«side": 1}}»radius": 1}}
{"value": {"kind": "square", "side": «"1"}}»1}}
{"value": {"kind": "square"«}}», "side": 1}}
{"value": {"side": 1, "kind": "«circle"}}»square"}}
{"value": {"side": 1, "«radius": 2}}»kind": "square"}}
{"value": {"radius": 1«}}», "kind": "circle"}}
{"value": {"«color": "red"}}»kind": "square", "side": 1}}
{«}»"value": null}
{"value": {"kind": "circle", "radius": «{"cm": 1}}}»1}}
""",
    "levels": r"""
{"level": «4}»3e1}
{"level": «"1"}»1}
{"level": 1«2}»}
{"level": 3«}»0}
{"level": 300«}»e-1}
{"level": 20«}»e-1}
{"level": 1.0«5}»0}
{"level": «-1}»1}
{"level": 1, "code": 2«1}»00}
{"level": 1, "code": 20«}»0}
{"level": 1, "code": 200«1}»}
{"level": 1, "code": 2e«-2}»2}
{"level": 1, "code": «"200"}»200}
{"level": 1, "ok": «false}»true}
{"level": 1, "ok": «1}»true}
{"level": 1, "note": "l«ight"}»ow"}
{"level": 1, "note": "lowe«"}»r"}
{"level": 1, "note": "lower«e"}»"}
{"level": 1, "note": «true}»null}
{"level": 1, "ratio": 0.«4}»5}
{"level": 1, "ratio": -2.«4}»5}
{"level": 1, "ratio": «1}»0}
{"level": 1, "ratio": -«5}»2.5}
{"level": 1, "ratio": 0.5«2}»}
""",
    "counts": r"""
{«}»"a": 1}
{"«A": 1}»a": 1}
{"a«1": 1}»": 1}
{"«": 1}»a": 1}
{"a": «"1"}»1}
{"a": -«1}»0}
{"a": 1.5«}»e1}
{"a": 1, "b": 2, "c": 3, "«d": 4}»c": 4}
{"ab": 1, "b": 2, "c": 3, "a«c": 4}»b": 4}
{"a": 1, "b": «null}»2}
""",
    "headers": r"""
{"host": «1}»"h"}
{"x-a": «1}»"b"}
{"x-a": "b", "x-b": «["c"]}»"c"}
{"host": "h", "host«s": "i"}»": "i"}
{"«y-a": "b"}»x-a": "b"}
{"x«y": "b"}»-y": "b"}
""",
    "place": r"""
{"at": [«"1", 2, "north"]}»1, 2, "north"]}
{"at": [1, «"2", "north"]}»2, "north"]}
{"at": [1, 2, «3]}»"north"]}
{"at": [1, 2, "n«w"]}»orth"]}
{"at": [1, 2«]}», "north"]}
{"at": [«]}»1, 2, "north"]}
{"at": [1, 2, "north"«, 4]}»]}
{"at": «{"x": 1}}»[1, 2, "north"]}
""",
    "matrix": r"""
{"rows": «1}»[]}
{"rows": [«1, 2]}»[1, 2]]}
{"rows": [[1«]]}», 2]]}
{"rows": [[1, 2«, 3]]}»]]}
{"rows": [[1, 2], [3, «"4"]]}»4]]}
{"rows": [[1, 2], [3, 4], [5, 6]«, [7, 8]]}»]}
{"rows": [[1, 2], [«]]}»3, 4]]}
{"rows": [[1, 2], «null]}»[3, 4]]}
""",
    "payment": r"""
{«}»"cash": true}
{"card": "1234"«}», "cvv": "1"}
{"card": «1234, "cvv": "1"}»"1234", "cvv": "1"}
{"cvv": "1"«}», "card": "1234"}
{"cash": true, "card": "1"«}», "cvv": "2"}
{"cash": «"yes"}»true}
{"note": "x"«}», "cash": false}
""",
    "address": r"""
{"country": "US"«}», "zip": "12345"}
{"country": "«FR", "zip": "1"}»US", "zip": "1"}
{"country": "US", "zip": "12345«6"}»"}
{"country": "DE", "zip": "«12345"}»D-12345"}
{"country": "DE", "zip": "D«12345"}»-12345"}
{"zip": "12345", "country": "«DE"}»US"}
{"zip": "D-12345", "country": "«US"}»DE"}
{"zip": «12345, "country": "US"}»"12345", "country": "US"}
""",
    "numbers": r"""
{"share": -0.«5}»0}
{"share": -0.0«1}»0}
{"share": 2«}»e-1}
{"share": 1.01«}»e-1}
{"share": 15e«+1}»-2}
{"debt": «5}»-5}
{"debt": «0}»-1}
{"debt": -0«}».1}
{"debt": -0«e3}».1}
{"gain": «-1}»1}
{"gain": 0«}».1}
{"gain": 0.00«}»1}
{"fives": 7«}»0}
{"fives": 12«}»5}
{"fives": -3«}»0}
{"cents": 0.30«}»e1}
{"cents": 1.1«}»e1}
{"whole": 1.5«}»e1}
{"whole": 1e-«1}»0}
{"whole": 1.25e«-1}»2}
{"whole": «"1"}»1}
{"cold": «5}»-50}
{"cold": -9«}»9}
{"cold": -1«}»0}
""",
    "times": r"""
{"day": "2024-02-30«"}»
{"day": "«today"}»2024-02-28"}
{"day": "2024-1«-1"}»2-01"}
{"day": "2024«/01/02"}»-01-02"}
{"day": "2024-01-02«T00:00"}»"}
{"at": "2024-01-02«"}»T10:00:00Z"}
{"at": "«noon"}»2024-01-02T10:00:00Z"}
{"at": "2024-01-02T10:«AM"}»00:00Z"}
{"id": "«g2345678"}»12345678-1234-1234-1234-123456789abc"}
{"id": "12345678«1234"}»-1234-1234-1234-123456789abc"}
{"id": "12345678-1234-1234-1234-123456789ab«"}»c"}
""",
    "user": r"""
{"name": «1, "id": 1}»"a", "id": 1}
{"name": "root«", "id": 1}»y", "id": 1}
{"name": "admin«", "id": 1}»s", "id": 1}
{"name": "a"«}», "id": 1}
{"id": 1«}», "name": "a"}
{"id": «null, "name": "a"}»1, "name": "a"}
{"id": 0«, "name": "a"}».1e1, "name": "a"}
{"id": «-4, "name": "a"}»4, "name": "a"}
{"id": "a«", "name": "a"}»b", "name": "a"}
{"id": "«", "name": "a"}»ab", "name": "a"}
""",
    "mixed": r"""
{"list": [1, "a", null, «true]}»2]}
{"list": [1, «[2]]}»2]}
{"list": [1, 2.5«]}»e1]}
{"one": 15«}»3}
{"one": 7«}»2}
{"one": «"3"}»3}
{"pair": [1, «3]}»2]}
{"pair": [«2, 1]}»1, 2]}
{"pair": {"a": "«c"}}»b"}}
{"pair": {"«b": "a"}}»a": "b"}}
{"pair": "«some"}»none"}
{"pair": [1«]}», 2]}
{"has": [«]}»"x"]}
{"has": ["y"«]}», "x"]}
{"has": ["x", "x", "x«"]}»y"]}
{"o«ther": 1}»ne": 3}
""",
    "survey": r"""
{"title": "t", "questions": «{}}»[]}
{"title": "t", "questions": [{"text": "q", "answers": «"yes", "kind": "single"}]}»["yes", "no"], "kind": "single"}]}
{"title": "t", "questions": [{"text": "q", "answers": ["yes"«], "kind": "single"}]}», "no"], "kind": "single"}]}
{"title": "t", "questions": [{"text": "q", "answers": ["yes", «0], "kind": "single"}]}»"no"], "kind": "single"}]}
{"title": "t", "questions": [{"text": "q", "kind": "s«ome"}]}»ingle"}]}
{"title": "t", "questions": [{"text": "q", "kind": "free"}, {"kind": "free"«}]}», "text": "q"}]}
{"title": "t", "questions": [{"text": "q", "kind": "free", "«points": 3}]}»answers": ["a", "b"]}]}
{"questions": []«}», "title": "t"}
{"title": "\u00e9\n", "questions": [{"text": "\"q\"", "kind": "\u0066re\u006«f"}]}»5"}]}
{"title": "t", "questions": [ { "text" : "q" , "kind" : "mult«y" } ] }»iple"}]}
{"titl\u0065«s": "t", "questions": []}»": "t", "questions": []}
""",
}

VALID = {
    "person": r"""
{"name": "Ann", "age": 3}
{"age": 150, "name": "\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00"}
{"name": "A", "age": -0, "email": null, "tags": []}
{"name": "A", "age": 15e1, "name": "B"}
{"name": "A", "age": 1500e-1, "tags": ["a", "A", "\u0062"]}
{"n\u0061me": "A", "age": 0.0}
""",
    "call": r"""
{"arguments": {"sides": 100}, "name": "roll_dice"}
{"name": "get_weather", "arguments": {"city": ""}}
""",
    "levels": r"""
{"level": 0.2e1, "code": 2e2, "ratio": -0}
{"level": 3e+1, "ratio": -25e-1, "note": null}
{"level": 0.00001e5, "code": 20000E-2, "ratio": 0.0e9}
""",
    "numbers": r"""
{"share": -0, "debt": -0.1, "gain": 1e-300, "fives": -5e0, "cents": 0.75, "whole": 10e-1, "cold": -10}
{"share": 1.0, "cents": 19.75, "whole": -1.50e1, "cold": -1e1, "fives": 0}
""",
    "mixed": r"""
{"pair": {"a": "b"}, "has": ["x", "y", "x"], "any": [{"a": [null]}], "one": 9}
{"pair": "none", "list": [], "one": 5}
""",
}


FORMATS = FormatChecker(formats=("date", "uuid"))


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(text: object) -> bool:
    if isinstance(text, str):
        datetime.strptime(text.upper().replace("T", " ")[:16], "%Y-%m-%d %H:%M")  # noqa: DTZ007
    return True


def oracle(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FORMATS)


@dataclass(frozen=True)
class Case:
    """A text, and the offset of its first impossible character. `valid` shares all before it."""

    name: str
    schema: dict[str, Any]
    text: str
    at: int
    valid: str | None


def invalid() -> Iterator[Case]:
    for name, lines in INVALID.items():
        for number, line in enumerate(lines.strip().splitlines(), 1):
            before, _, rest = line.partition("«")
            came, _, could = rest.partition("»")
            yield Case(
                f"{name}-{number}",
                SCHEMAS[name],
                before + came,
                len(before),
                before + could if could else None,
            )


def handwritten() -> Iterator[tuple[dict[str, Any], str]]:
    for name, lines in VALID.items():
        for line in lines.strip().splitlines():
            yield SCHEMAS[name], line
    for case in invalid():
        if case.valid is not None:
            yield case.schema, case.valid


def generated(count: int, seed: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Valid texts, spelled in all the ways JSON allows; `jsonschema` has the last word."""
    dice = random.Random(seed)
    oracles = [(schema, oracle(schema)) for schema in SCHEMAS.values()]
    while count:
        schema, judge = dice.choice(oracles)
        text = spell(make(schema, schema, dice, 0), dice)
        if judge.is_valid(json.loads(text)):
            count -= 1
            yield schema, text


def make(node: Any, root: dict[str, Any], dice: random.Random, depth: int) -> Any:
    """A value that will often fit."""
    if not isinstance(node, dict) or not node:
        return dice.choice([None, 1, "any", [2], {"a": True}])
    for step in str(node.get("$ref", ""))[2:].split("/") if "$ref" in node else ():
        node = (root if step == "$defs" else node)[step]
    if "const" in node or "enum" in node:
        return dice.choice(node["enum"] if "enum" in node else [node["const"]])
    for key in ("anyOf", "oneOf"):
        if key in node and "type" not in node:
            options = node[key][-1:] if depth > 5 else node[key]
            return make(dice.choice(options), root, dice, depth)
    if "allOf" in node:
        return {"name": _text(dice), "id": dice.choice([dice.randrange(1, 99), _text(dice) + "xy"])}
    kind = node.get("type", "object")
    match dice.choice(kind) if isinstance(kind, list) else kind:
        case "object":
            return _object(node, root, dice, depth)
        case "array":
            return _array(node, root, dice, depth)
        case "string":
            return _string(node, dice)
        case "integer" | "number" as name:
            return _number(node, dice, name)
        case "boolean":
            return dice.random() < 0.5
        case _:
            return None


def _object(node: dict[str, Any], root: dict[str, Any], dice: random.Random, depth: int) -> Any:
    needed = node.get("required", [])
    properties = node.get("properties", {})
    out = {
        name: make(each, root, dice, depth + 1)
        for name, each in properties.items()
        if name in needed or dice.random() < 0.6
    }
    if isinstance(more := node.get("additionalProperties"), dict):
        out |= {
            dice.choice("abcdef"): make(more, root, dice, depth + 1)
            for _ in range(dice.randrange(1, 5))
        }
    for _ in range(dice.randrange(3) if "patternProperties" in node else 0):
        out["x-" + _text(dice)] = _text(dice)
    items = list(out.items())
    dice.shuffle(items)
    return dict(items)


def _array(node: dict[str, Any], root: dict[str, Any], dice: random.Random, depth: int) -> Any:
    prefix = [make(each, root, dice, depth + 1) for each in node.get("prefixItems", [])]
    if node.get("items") is False:
        return prefix
    most = 0 if depth > 5 else dice.randrange(node.get("minItems", 0), node.get("maxItems", 4) + 1)
    item = node.get("items", {"enum": ["x", "y", 3]})
    return [make(item, root, dice, depth + 1) for _ in range(max(most, node.get("minItems", 0)))]


def _string(node: dict[str, Any], dice: random.Random) -> str:
    match node.get("format") or node.get("pattern"):
        case "date":
            return (
                f"20{dice.randrange(10, 99)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
            )
        case "date-time":
            zone = dice.choice(["Z", "+02:00", "", "-11:30", "z"])
            return f"2024-02-29{dice.choice('Tt ')}2{dice.randrange(4)}:59:00{dice.choice(['', '.5'])}{zone}"
        case "uuid":
            text = f"{dice.getrandbits(128):032x}"
            return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        case str(pattern) if "INV" in pattern:
            return f"INV-{dice.randrange(10000):04}"
        case _:
            return dice.choice(["", "D-"]) + _text(dice)


def _number(node: dict[str, Any], dice: random.Random, kind: str) -> float:
    if "multipleOf" in node:
        return dice.randrange(-99, 99) * node["multipleOf"]
    low = node.get("minimum", node.get("exclusiveMinimum", -1000))
    high = node.get("maximum", node.get("exclusiveMaximum", 1000))
    low = min(low, high - 90)
    if dice.random() < 0.2:
        return dice.choice([node.get("minimum", 0), node.get("maximum", 0)])
    return (
        dice.randint(low, high)
        if kind == "integer"
        else round(dice.uniform(low, high), dice.randrange(5))
    )


def _text(dice: random.Random) -> str:
    return "".join(dice.choice('abz Z09-_.é\n"\\/\t😀ß中') for _ in range(dice.randrange(9)))


def spell(value: Any, dice: random.Random) -> str:
    """The value as JSON, with blanks, escapes, and numbers in forms a model hardly writes."""
    blank = dice.choice(["", "", " ", "\n  "])
    match value:
        case dict():
            members = [
                f"{spell(name, dice)}{blank}:{blank}{spell(each, dice)}"
                for name, each in value.items()
            ]
            return f"{{{blank}{f'{blank},{blank}'.join(members)}{blank}}}"
        case list():
            items = [spell(each, dice) for each in value]
            return f"[{blank}{f'{blank},{blank}'.join(items)}{blank}]"
        case bool() | None:
            return json.dumps(value)
        case int():
            zeros = str(value) + "0" * (1 if value else 0)
            forms = [str(value)] * 4 + [
                f"{value}.0",
                f"{value}e0",
                f"{value}.00E+0",
                f"{zeros}e-{len(zeros) - len(str(value))}",
            ]
            return dice.choice(forms)
        case float():
            return repr(value)
        case _:
            plain = json.dumps(value, ensure_ascii=dice.random() < 0.3)
            return "".join(_escaped(char, dice) for char in plain) if "\\" not in plain else plain


def _escaped(char: str, dice: random.Random) -> str:
    return (
        f"\\u{ord(char):04x}"
        if char.isalnum() and ord(char) < 0x10000 and dice.random() < 0.05
        else char
    )

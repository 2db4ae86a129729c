"""
Gemini's `streamGenerateContent`, of Google AI and of Vertex.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from mimetypes import guess_type
from typing import Any, cast
from urllib.parse import quote

import msgspec

from ipyllm.dialects import Dialect
from ipyllm.errors import UsageError
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.request import Request
from ipyllm.structured.instruction import instruction
from ipyllm.wire import chat_shape
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.logprobs import token_logprobs
from ipyllm.wire.surrogates import SurrogateJoiner

__all__ = ("GENERATE_CONTENT",)

_API = "Gemini's API"

# Words not listed (OTHER, MALFORMED_FUNCTION_CALL, ...) are all of answers that failed.
_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}

# --- what is asked -------------------------------------------------------------------------------

# What is beside `generationConfig` in a request; every other parameter goes into it.
_TOP = {
    "cachedContent",
    "contents",
    "generationConfig",
    "labels",
    "model",
    "safetySettings",
    "serviceTier",
    "store",
    "systemInstruction",
    "toolConfig",
    "tools",
}

_OWN = {
    "codeExecutionResult",
    "executableCode",
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "text",
    "toolCall",
    "toolResponse",
}

_FORMS = {"responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema"}

# Gemini 3 refuses calls of its own without the signature it sent with them. Calls of another model
# have none; this is the documented word for them: https://ai.google.dev/gemini-api/docs/thought-signatures
_UNSIGNED = "skip_thought_signature_validator"


def _path(request: Request) -> str:
    name = request.model if "/" in request.model else f"models/{request.model}"
    return f"/{quote(name)}:streamGenerateContent?alt=sse"


def _body(request: Request) -> dict[str, Any]:
    system: list[dict[str, Any]] = [{"text": request.system}] if request.system else []
    called = chat_shape.names(request.messages)
    turns: list[tuple[str, dict[str, Any]]] = []
    for message in request.messages:
        match message["role"]:
            case _ if "parts" in message:
                turns.append(("", dict(message)))
            case "system" | "developer":
                system += _parts(message)
            case "user":
                turns.append(("", {"role": "user", "parts": _parts(message) or [{"text": ""}]}))
            case "assistant" | "model":
                turns.append(("", {"role": "model", "parts": _said(message, request.model)}))
            case "tool":
                answers = _response(message, called, request.model)
                turns.append(("tool", {"role": "user", "parts": answers}))
            case _:
                raise chat_shape.strange(message, _API)
    top = {key: value for key, value in request.params.items() if key in _TOP}
    config = {key: value for key, value in request.params.items() if key not in _TOP}
    config = cast("dict[str, Any]", top.get("generationConfig") or {}) | config
    if request.schema is not None and not config.keys() & _FORMS:
        config = _form(request, request.schema, system) | config
    out: dict[str, Any] = {"contents": _merged(turns)}
    if system:
        out["systemInstruction"] = {"parts": system}
    if request.tools:
        out["tools"] = _tools(request.tools)
    if config:
        top["generationConfig"] = config
    return out | top


def _form(
    request: Request, schema: Mapping[str, Any], system: list[dict[str, Any]]
) -> dict[str, Any]:
    # "Function calling with a response mime type: 'application/json' is unsupported", before 3.
    if request.tools and not _is_signing(request.model):
        system.append({"text": instruction(schema)})
        return {}
    # `responseSchema` takes a dialect of OpenAPI; this takes any JSON Schema.
    return {"responseMimeType": "application/json", "responseJsonSchema": dict(schema)}


def _is_signing(model: str) -> bool:
    """Gemini 3 and later, as their names say."""
    found = re.search(r"gemini-(\d+)", model)
    return bool(found) and int(found[1]) >= 3


def _merged(turns: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Results of calls made together are one turn: the API counts them."""
    out: list[dict[str, Any]] = []
    for kind, group in groupby(turns, key=lambda turn: turn[0]):
        contents = [content for _, content in group]
        if kind == "tool":
            parts = [part for content in contents for part in content["parts"]]
            contents = [{"role": "user", "parts": parts}]
        out += contents
    return out


def _said(message: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
    parts = _parts(message)
    for place, call in enumerate(chat_shape.calls(message)):
        function: dict[str, Any] = {"name": call.name, "args": call.arguments}
        part: dict[str, Any] = {"functionCall": ({"id": call.id} if call.id else {}) | function}
        signature = text(dig(call.raw, "extra_content", "google", "thought_signature"))
        if signature or (place == 0 and _is_signing(model)):
            part["thoughtSignature"] = signature or _UNSIGNED
        parts.append(part)
    return parts or [{"text": ""}]


def _response(
    message: Mapping[str, Any], called: Mapping[str, str], model: str
) -> list[dict[str, Any]]:
    """A result; what it has beside text is in it since Gemini 3, and follows it before."""
    ident = text(message.get("tool_call_id"))
    name = text(message.get("name")) or called.get(ident)
    if not name:
        raise UsageError(f"A tool message answers the call {ident!r}, which no message made.")
    found = chat_shape.parts(message.get("content"))
    seen = [_part(part) for part in found if part.get("type") != "text"]
    said = "\n".join(text(part.get("text")) for part in found if part.get("type") == "text")
    response: dict[str, Any] = {"id": ident} if ident else {}
    response |= {"name": name, "response": _result(said, failed=bool(message.get("is_error")))}
    if seen and _is_signing(model):
        return [{"functionResponse": response | {"parts": seen}}]
    return [{"functionResponse": response}, *seen]


def _result(said: str, *, failed: bool) -> dict[str, Any]:
    # "Use `output` key to specify function output and `error` key to specify error details."
    if failed:
        return {"error": said}
    result = chat_shape.object_of(said) if said.strip() else None
    return {"output": said} if result is None else result


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_part(part) for part in chat_shape.parts(message.get("content"))]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "text":
        return {"text": text(part.get("text"))}
    if "type" not in part and part.keys() & _OWN:
        return part
    media = chat_shape.media(part)
    if media is None:
        raise chat_shape.strange(part, _API)
    if media.base64:
        return {"inlineData": {"mimeType": media.mime, "data": media.base64}}
    mime, _ = guess_type(media.url.partition("?")[0])
    return {"fileData": ({"mimeType": mime} if mime else {}) | {"fileUri": media.url}}


def _tools(tools: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    declarations: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    for tool in tools:
        function = chat_shape.function(tool)
        if function is None:
            own.append(dict(tool))
            continue
        known = {key: function[key] for key in ("name", "description") if function.get(key)}
        if function.get("parameters"):
            # `parameters` takes a dialect of OpenAPI; this takes any JSON Schema.
            known["parametersJsonSchema"] = function["parameters"]
        declarations.append(known)
    return [*own, *([{"functionDeclarations": declarations}] if declarations else [])]


# --- what comes back -----------------------------------------------------------------------------


class _PlainPart(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    thought: bool = False


class _PlainContent(msgspec.Struct):
    parts: tuple[_PlainPart]


class _PlainCandidate(msgspec.Struct):
    content: _PlainContent
    index: int = 0
    finishReason: None = None  # noqa: N815  # the API's name
    logprobsResult: None = None  # noqa: N815  # the API's name


class _PlainChunk(msgspec.Struct):
    candidates: tuple[_PlainCandidate]
    usageMetadata: dict[str, Any] | None = None  # noqa: N815  # the API's name
    promptFeedback: None = None  # noqa: N815  # the API's name
    error: None = None


# One call in C for what most chunks are; whatever does not fit it takes the long way.
_PLAIN = msgspec.json.Decoder(_PlainChunk)

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\[(?:'([^']*)'|"([^"]*)")\]""")
_DEEPEST = 64  # steps of a path into arguments: deeper would be too deep to write as JSON


@dataclass(slots=True)
class _Slot:
    """A call whose arguments arrive piece by piece (Vertex)."""

    index: int
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    leaves: dict[str, Any] = field(default_factory=dict[str, Any])  # path -> value; pieces of text

    def arguments(self) -> str:
        """What has arrived, as JSON. Only once."""
        for path, leaf in self.leaves.items():
            steps = _steps(path)
            if 0 < len(steps) <= _DEEPEST:
                value = "".join(cast("list[str]", leaf)) if isinstance(leaf, list) else leaf
                _plant(self.given, steps, value)
        return chat_shape.arguments(self.given)


class _Grammar:
    """Chunks of `GenerateContentResponse`."""

    __slots__ = (
        "_blocked",
        "_calls",
        "_joiner",
        "_open",
        "_others",
        "_reasons",
        "_usage",
        "finished",
        "seen",
    )

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._others: dict[int, SurrogateJoiner] = {}  # of the candidates beside the answer
        self._calls = 0
        self._open: _Slot | None = None
        self._reasons: dict[int, str] = {}  # finishReason of each candidate
        self._blocked = ""  # why the prompt got no answer
        self._usage: dict[str, Any] | None = None  # the last: it is repeated on every chunk
        self.seen = False
        self.finished = False  # the API has no word for the end: finishReason, and then no more

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            chunk = _PLAIN.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        (candidate,) = chunk.candidates
        if candidate.index:
            return False
        (part,) = candidate.content.parts
        self._text(0, part.text, part.thought, out)
        self._count(chunk.usageMetadata, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        if not payload.keys() & {"candidates", "promptFeedback", "usageMetadata", "responseId"}:
            return False
        for candidate in dicts(payload.get("candidates")):
            self._candidate(candidate, out)
        self._count(payload.get("usageMetadata"), out)
        if blocked := text(dig(payload, "promptFeedback", "blockReason")):
            self._blocked = blocked
            if words := text(dig(payload, "promptFeedback", "blockReasonMessage")):
                out.append(RefusalDelta(words))
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`: not of this API, but proxies that also speak OpenAI's send it."""
        del out
        self.finished = bool(self._reasons or self._blocked)

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        raw = self._reasons.get(0, "")
        self._end(out, whole=bool(raw))
        if not raw:
            return Finish("content_filter" if self._blocked else "truncated", self._blocked)
        reason = _REASONS.get(raw, "error")
        return Finish("tool_calls" if reason == "stop" and self._calls else reason, raw)

    def _candidate(self, candidate: dict[str, Any], out: list[Event]) -> None:
        index = count(candidate.get("index")) or 0
        for part in dicts(dig(candidate, "content", "parts")):
            if isinstance(call := part.get("functionCall"), dict):
                if index == 0:
                    signature = text(part.get("thoughtSignature"))
                    self._call(cast("dict[str, Any]", call), signature, out)
            else:
                # Beside text there are code the service ran, its results, and pictures.
                self._text(index, part.get("text"), part.get("thought"), out)
        if index == 0 and (tokens := _logprobs(candidate)):
            out.append(Logprobs(tokens))
        raw = text(candidate.get("finishReason"))
        if not raw or raw == "FINISH_REASON_UNSPECIFIED":
            return
        self._reasons[index] = raw
        words = text(candidate.get("finishMessage"))
        if words and index == 0 and raw not in _REASONS:
            out.append(Notice("finish", words))

    def _text(self, index: int, words: Any, thought: Any, out: list[Event]) -> None:
        if not isinstance(words, str) or not words:
            return
        if index:
            joiner = self._others.setdefault(index, SurrogateJoiner())
            if not thought and (piece := joiner.feed(words)):
                out.append(ChoiceDelta(index, piece))
            return
        self.seen = True
        if thought:
            out.append(ReasoningDelta(text(words)))
        elif piece := self._joiner.feed(words):
            out.append(TextDelta(piece))

    def _call(self, call: dict[str, Any], signature: str, out: list[Event]) -> None:
        """
        A whole call, or a piece of one.

        Vertex can stream them: `{name, willContinue: true}` begins one, `{partialArgs, willContinue:
        true}` goes on, and whatever does not say `willContinue` is its last piece: often just `{}`.
        """
        name, given = text(call.get("name")), call.get("args")
        partial = dicts(call.get("partialArgs"))
        if name or (self._open is None and (given or partial)):
            self._end(out, whole=True)
            self.seen = True
            self._open = _Slot(self._calls)
            out.append(ToolCallStart(self._calls, text(call.get("id")), name))
            self._calls += 1
        if self._open is None:
            return
        if signature:
            out.append(Notice("signature", signature))
        if isinstance(given, dict):
            self._open.given |= cast("dict[str, Any]", given)
        for piece in partial:
            _gather(self._open.leaves, piece)
        if call.get("willContinue") is not True:
            self._end(out, whole=True)

    def _end(self, out: list[Event], *, whole: bool) -> None:
        slot, self._open = self._open, None
        if slot is None:
            return
        # Their pieces are no pieces of JSON text, so all are given at once. Of a call that was cut,
        # the last brace is kept back: nobody shall take it for a whole one.
        arguments = slot.arguments()
        if piece := arguments if whole else arguments[:-1]:
            out.append(ToolCallDelta(slot.index, piece))
        out.append(ToolCallEnd(slot.index))

    def _count(self, usage: Any, out: list[Event]) -> None:
        if not isinstance(usage, dict) or usage == self._usage:
            return
        self._usage = said = cast("dict[str, Any]", usage)
        out.append(
            Usage(
                input_tokens=count(said.get("promptTokenCount")),
                output_tokens=count(said.get("candidatesTokenCount")),
                reasoning_tokens=count(said.get("thoughtsTokenCount")),
                cached_tokens=count(said.get("cachedContentTokenCount")),
                raw=said,
            )
        )


def _gather(leaves: dict[str, Any], piece: dict[str, Any]) -> None:
    path = text(piece.get("jsonPath"))
    if isinstance(words := piece.get("stringValue"), str):
        held = leaves.get(path)
        if isinstance(held, list):
            cast("list[str]", held).append(words)
        else:
            leaves[path] = [words]
        return
    for kind in ("numberValue", "boolValue", "nullValue"):
        if kind in piece:
            value = piece[kind]
            plain = kind != "nullValue" and isinstance(value, (int, float, str))
            leaves[path] = value if plain else None


def _steps(path: str) -> list[str | int]:
    r"""`$.a[0]['b']` -> `["a", 0, "b"]`."""
    found = (match.groups() for match in _STEP.finditer(path))
    return [int(at) if at else name or quoted or double or "" for name, at, quoted, double in found]


def _plant(tree: dict[str, Any], steps: list[str | int], value: Any) -> None:
    """Put a value where the path says, and make what is missing on the way."""
    here: Any = tree
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(here, list):
            row = cast("list[Any]", here)
            at = min(step, len(row)) if isinstance(step, int) else len(row)
            if at == len(row):
                row.append(fresh)
            elif following is None or not isinstance(row[at], type(fresh)):
                row[at] = fresh
            here = row[at]
        else:
            node, key = cast("dict[str, Any]", here), str(step)
            if following is None or not isinstance(node.get(key), type(fresh)):
                node[key] = fresh
            here = node[key]


def _logprobs(candidate: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    chosen = dicts(dig(candidate, "logprobsResult", "chosenCandidates"))
    return token_logprobs([one | {"logprob": one.get("logProbability")} for one in chosen])


GENERATE_CONTENT = Dialect(
    path=_path,
    body=_body,
    decoder=lambda: JsonStream(_Grammar()),
    auth="x-goog-api-key",
)

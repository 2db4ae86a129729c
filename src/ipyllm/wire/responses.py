"""
The grammar of OpenAI Responses, over SSE or a WebSocket, and the text of Realtime sessions.

https://platform.openai.com/docs/api-reference/responses-streaming

A text is sent up to five times: in deltas, and again whole in `output_text.done`,
`content_part.done`, `output_item.done` and the last event. What came in deltas counts; a server
that sends none is taken at the first of the others.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from ipyllm.events import (
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.wire.chat_shape import arguments
from ipyllm.wire.complaint import Complaint
from ipyllm.wire.fields import count, dicts, dig, text
from ipyllm.wire.logprobs import token_logprobs
from ipyllm.wire.surrogates import SurrogateJoiner

__all__ = ("ResponsesGrammar",)

_Kind = Literal["text", "reasoning", "refusal"]

# Events that carry a piece of text; those of Realtime sessions last.
_DELTAS: dict[str, _Kind] = {
    "response.output_text.delta": "text",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_summary.delta": "reasoning",
    "response.refusal.delta": "refusal",
    "response.text.delta": "text",
    "response.output_audio_transcript.delta": "text",
    "response.audio_transcript.delta": "text",
    "session.output_transcript.delta": "text",
}
_DONES: dict[str, _Kind] = {
    name.removesuffix("delta") + "done": kind for name, kind in _DELTAS.items()
}
# Types of the parts of an item, and where their words are.
_PARTS: dict[str, tuple[_Kind, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "output_audio": ("text", "transcript"),
    "audio": ("text", "transcript"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("reasoning", "text"),
    "refusal": ("refusal", "refusal"),
}
# Items that are calls, and where their arguments are. The service runs `mcp_call` itself.
_CALLS = {"function_call": "arguments", "custom_tool_call": "input", "mcp_call": "arguments"}
_ARGUMENTS = {
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.mcp_call_arguments": "arguments",
}
_ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "response.done": "completed",  # Realtime: the status says which
}
_REASONS: dict[str, FinishReason] = {
    "completed": "stop",
    "incomplete": "length",
    "failed": "error",
    "cancelled": "interrupted",
}


class _Text(msgspec.Struct, tag_field="type", tag="response.output_text.delta"):
    delta: str
    output_index: int | None = None
    item_id: str | None = None
    content_index: int | None = None
    logprobs: tuple[()] | None = None
    error: None = None


class _Thought(msgspec.Struct, tag_field="type", tag="response.reasoning_text.delta"):
    delta: str
    output_index: int | None = None
    item_id: str | None = None
    content_index: int | None = None
    error: None = None


class _Summary(msgspec.Struct, tag_field="type", tag="response.reasoning_summary_text.delta"):
    delta: str
    output_index: int | None = None
    item_id: str | None = None
    summary_index: int | None = None
    error: None = None


# As in `openai_chat`: what 99 % of a stream is, decoded in one call.
_PLAIN: msgspec.json.Decoder[_Text | _Thought | _Summary] = msgspec.json.Decoder(
    _Text | _Thought | _Summary
)


class _Shown:
    """
    Which parts of which items have been given, so that none is given twice.

    Items are known by `output_index` and by id: llama.cpp sends no index, and Copilot's ids change
    from event to event.
    """

    __slots__ = ("_last", "_parts", "kinds")

    def __init__(self) -> None:
        self._parts: set[tuple[Any, ...]] = set()
        self._last: tuple[Any, ...] = ()
        self.kinds: set[_Kind] = set()

    def add(self, kind: _Kind, index: Any, ident: Any, part: Any) -> None:
        key = (kind, index, ident, part)
        if key == self._last:
            return
        self._last = key
        self.kinds.add(kind)
        for item in _names(index, ident):
            self._parts.update(((kind, item), (kind, item, part)))

    def has(self, kind: _Kind, index: Any, ident: Any, part: Any) -> bool:
        """If the part was given; a part without number is any part of its item."""
        for item in _names(index, ident):
            if part is None and (kind, item) in self._parts:
                return True
            if (kind, item, part) in self._parts or (kind, item, None) in self._parts:
                return True
        return False


def _names(index: Any, ident: Any) -> list[int | str]:
    """What an item goes by; "" where a service names it in no way."""
    names: list[int | str] = []
    if (number := count(index)) is not None:
        names.append(number)
    if isinstance(ident, str) and ident:
        names.append(ident)
    return names or [""]


class _Call:
    """One call on its way."""

    __slots__ = ("ended", "held", "ident", "index", "ours", "started", "whole")

    def __init__(self, index: int) -> None:
        self.index = index
        self.ident = ""
        self.started = False
        self.ended = False
        self.ours = True  # False: the service runs it itself
        self.held: list[str] = []  # arguments, until the name is known; then only if there are any
        self.whole = ""  # arguments as the item had them from the start


class _Calls:
    """The calls of one answer, each known by `output_index`, item id and call id."""

    __slots__ = ("_calls", "_names")

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._names: dict[int | str, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def wait(self) -> bool:
        """If there is a call for us to run."""
        return any(call.ours for call in self._calls)

    def item(self, item: dict[str, Any], index: Any, out: list[Event], *, done: bool) -> None:
        """An item began or is done."""
        call = self._find(index, item.get("id"), item.get("call_id"))
        call.ident = call.ident or text(item.get("call_id")) or text(item.get("id"))
        call.ours = item.get("type") != "mcp_call"
        arguments = _arguments(item.get(_CALLS[item["type"]]))
        call.whole = call.whole or arguments
        self._start(call, text(item.get("name")), out)
        if done:
            self._whole(call, arguments, out)
            self._end(call, out)

    def delta(self, payload: dict[str, Any], out: list[Event]) -> None:
        """A piece of arguments."""
        call = self._find(payload.get("output_index"), payload.get("item_id"), None)
        if (piece := text(payload.get("delta"))) and not call.ended:
            self._add(call, piece, out)

    def done(self, payload: dict[str, Any], arguments: Any, out: list[Event]) -> None:
        """All arguments of one call at once, after their deltas or in place of them."""
        call = self._find(payload.get("output_index"), payload.get("item_id"), None)
        call.ident = call.ident or text(payload.get("call_id"))
        self._start(call, text(payload.get("name")), out)
        self._whole(call, _arguments(arguments), out)

    def end(self, out: list[Event], *, proven: bool) -> None:
        """The answer is over: so are its calls."""
        for call in self._calls:
            if proven:
                self._whole(call, call.whole, out)
            self._start(call, "", out, nameless=True)
            self._end(call, out)

    def _find(self, index: Any, ident: Any, call_id: Any) -> _Call:
        names = _names(index, ident)
        if isinstance(call_id, str) and call_id:
            names = [name for name in names if name != ""] + [call_id]
        known = next((self._names[name] for name in names if name in self._names), None)
        if known is None and names == [""] and self._calls:
            known = self._calls[-1]  # nothing says which: the last
        if known is None:
            known = _Call(len(self._calls))
            self._calls.append(known)
        for name in names:
            self._names.setdefault(name, known)
        return known

    def _start(self, call: _Call, name: str, out: list[Event], *, nameless: bool = False) -> None:
        if call.started or not (name or nameless):
            return
        call.started = True
        out.append(ToolCallStart(call.index, call.ident, name))
        if held := "".join(call.held):
            out.append(ToolCallDelta(call.index, held))

    def _add(self, call: _Call, piece: str, out: list[Event]) -> None:
        if call.started:
            out.append(ToolCallDelta(call.index, piece))
            piece = piece if not call.held else ""
        if piece:
            call.held.append(piece)

    def _whole(self, call: _Call, arguments: str, out: list[Event]) -> None:
        if arguments and not (call.held or call.ended):
            self._add(call, arguments, out)

    def _end(self, call: _Call, out: list[Event]) -> None:
        if call.started and not call.ended:
            call.ended = True
            out.append(ToolCallEnd(call.index))


class ResponsesGrammar:
    """Events of a response, or one whole response."""

    __slots__ = (
        "_calls",
        "_error",
        "_finish",
        "_joiner",
        "_sealed",
        "_shown",
        "_under_way",
        "finished",
        "seen",
    )

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()
        self._shown = _Shown()
        self._sealed: set[str] = set()
        self._calls = _Calls()
        self._finish: Finish | None = None
        self._error: StreamError | None = None  # that did not end the session
        self._under_way = False
        self.seen = False
        self.finished = False

    def plain(self, data: bytes, out: list[Event]) -> bool:
        """As `Grammar.plain`."""
        try:
            delta = _PLAIN.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        self._under_way = True
        if not delta.delta:
            return True
        part = delta.summary_index if isinstance(delta, _Summary) else delta.content_index
        place = (delta.output_index, delta.item_id, part)
        self._piece("text" if isinstance(delta, _Text) else "reasoning", delta.delta, place, out)
        return True

    def payload(self, payload: dict[str, Any], out: list[Event]) -> bool:
        """As `Grammar.payload`."""
        kind = payload.get("type")
        if payload.get("object") in ("response", "realtime.response") or (
            kind is None and isinstance(payload.get("output"), list)
        ):
            self._whole(payload, out)
            return True
        if not isinstance(kind, str):
            return False
        if kind == "error" and payload.get("error"):
            return self._aside(payload, out)
        if "." not in kind:
            return False
        self._event(kind, payload, out)
        return True

    def done(self, out: list[Event]) -> None:
        """As `Grammar.done`: from other vendors, after the end; it proves nothing by itself."""
        del out
        self.finished = True

    def close(self, out: list[Event]) -> Finish:
        """As `Grammar.close`."""
        if rest := self._joiner.close():
            out.append(TextDelta(rest))
        self._calls.end(out, proven=self._finish is not None)
        if self._error and not self._finish:
            out.append(self._error)
            return Finish("error")
        return self._finish or Finish("truncated")

    def _event(self, kind: str, payload: dict[str, Any], out: list[Event]) -> None:
        self._under_way = self._under_way or kind.startswith("response.")
        name, _, step = kind.rpartition(".")
        if kind in _DELTAS:
            self._delta(_DELTAS[kind], payload, out)
        elif kind in _DONES:
            words = payload.get("text") or payload.get("transcript") or payload.get("refusal")
            self._once(_DONES[kind], words, _place(payload), out)
        elif name in _ARGUMENTS:
            self.seen = True
            if step == "delta":
                self._calls.delta(payload, out)
            elif step == "done":
                self._calls.done(payload, payload.get(_ARGUMENTS[name]), out)
        elif name == "response.content_part" and step == "done":
            self._part(dig(payload, "part"), _place(payload), out)
        elif name == "response.output_item":
            self._item(dig(payload, "item"), payload.get("output_index"), out, done=step == "done")
        elif kind in _ENDS:
            self._end(kind, payload, out)
        elif kind == "session.closed":  # of a translation, which has no response
            self._finish, self.finished = Finish("stop"), True

    def _delta(self, kind: _Kind, payload: dict[str, Any], out: list[Event]) -> None:
        piece = payload.get("delta")
        if isinstance(piece, str) and piece:
            self._piece(kind, piece, _place(payload), out)
        if tokens := token_logprobs(payload.get("logprobs")):
            out.append(Logprobs(tokens))

    def _piece(self, kind: _Kind, piece: str, place: tuple[Any, ...], out: list[Event]) -> None:
        self.seen = True
        self._shown.add(kind, *place)
        match kind:
            case "text":
                if piece := self._joiner.feed(piece):
                    out.append(TextDelta(piece))
            case "refusal":
                out.append(RefusalDelta(text(piece)))
            case "reasoning":
                out.append(ReasoningDelta(text(piece)))

    def _once(self, kind: _Kind, words: Any, place: tuple[Any, ...], out: list[Event]) -> bool:
        """Give a whole text, unless it came in pieces."""
        if not (isinstance(words, str) and words) or self._shown.has(kind, *place):
            return False
        self._piece(kind, words, place, out)
        return True

    def _part(self, part: Any, place: tuple[Any, ...], out: list[Event]) -> None:
        kind, field = _PARTS.get(text(dig(part, "type")), (None, ""))
        if kind is None or not self._once(kind, dig(part, field), place, out):
            return
        if tokens := token_logprobs(dig(part, "logprobs")):
            out.append(Logprobs(tokens))

    def _item(self, item: Any, index: Any, out: list[Event], *, done: bool) -> None:
        if not isinstance(item, dict):
            return
        item = cast("dict[str, Any]", item)
        kind, ident = text(item.get("type")), item.get("id")
        if done and kind == "reasoning":
            self._seal(item, out)
        if kind in _CALLS:
            self.seen = True
            self._calls.item(item, index, out, done=done)
        elif done and kind == "message":
            for number, part in enumerate(dicts(item.get("content"))):
                self._part(part, (index, ident, number), out)
        elif done and kind == "reasoning" and not self._shown.has("reasoning", index, ident, None):
            for number, part in enumerate(_thoughts(item)):
                self._part(part, (index, ident, number), out)

    def _seal(self, item: dict[str, Any], out: list[Event]) -> None:
        """Encrypted reasoning, to be sent again. Once: the last event repeats it."""
        sealed = text(item.get("encrypted_content"))
        if sealed and sealed not in self._sealed:
            self._sealed.add(sealed)
            kept = ("type", "id", "summary", "encrypted_content")
            parts = {key: item[key] for key in kept if key in item}
            out.append(Notice("reasoning_item", arguments(parts)))

    def _end(self, kind: str, payload: dict[str, Any], out: list[Event]) -> None:
        response = payload.get("response")
        response = cast("dict[str, Any]", response) if isinstance(response, dict) else {}
        self._response(response, out, _ENDS[kind])
        timings = payload.get("timings") or response.get("timings")
        if timings:
            out.append(Notice("timings", arguments(timings)))

    def _whole(self, response: dict[str, Any], out: list[Event]) -> None:
        status = response.get("status")
        self._response(response, out, "completed" if status is None else text(status))
        if response.get("timings"):
            out.append(Notice("timings", arguments(response["timings"])))

    def _response(self, response: dict[str, Any], out: list[Event], end: str) -> None:
        """A response as the last event has it: what of it was never sent before, and its end."""
        # Of a kind that streamed all came: ids and numbers need not agree here.
        came = {
            "message": bool(self._shown.kinds & {"text", "refusal"}),
            "reasoning": "reasoning" in self._shown.kinds,
            **dict.fromkeys(_CALLS, bool(self._calls)),
        }
        for index, item in enumerate(dicts(response.get("output"))):
            if not came.get(text(item.get("type")), True):
                self._item(item, index, out, done=True)
        if isinstance(usage := response.get("usage"), dict):
            out.append(_usage(cast("dict[str, Any]", usage)))
        status = text(response.get("status"))
        status = status if status in _REASONS else end
        if status not in _REASONS:
            return  # queued or in progress: an answer that goes on in the background
        self.finished = True
        self._finish = Finish(self._reason(status, response), status)
        if status == "failed":
            error = response.get("error") or dig(response, "status_details", "error")
            complaint = Complaint.of({"error": error or "The response failed."})
            if complaint:
                out.append(complaint.event(response))

    def _reason(self, status: str, response: dict[str, Any]) -> FinishReason:
        why = dig(response, "incomplete_details", "reason") or dig(
            response, "status_details", "reason"
        )
        if status == "incomplete" and why == "content_filter":
            return "content_filter"
        if status == "completed" and self._calls.wait:
            return "tool_calls"
        return _REASONS[status]

    def _aside(self, payload: dict[str, Any], out: list[Event]) -> bool:
        # "Most errors are recoverable and your session will stay open", Realtime's docs say.
        if not self._under_way:
            return False  # no answer will come of it
        if complaint := Complaint.of(payload):
            self._error = complaint.event(payload)
            out.append(Notice("error", complaint.message))
        return True


def _place(payload: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Item and part of an event: (output_index, item_id, content_index or summary_index)."""
    part = payload.get("content_index")
    part = payload.get("summary_index") if part is None else part
    return payload.get("output_index"), payload.get("item_id"), count(part)


def _thoughts(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of reasoning: the summary says again what the content says."""
    return dicts(item.get("content")) or dicts(item.get("summary"))


def _arguments(value: Any) -> str:
    return arguments(value) if isinstance(value, (dict, list)) else text(value)


def _usage(usage: dict[str, Any]) -> Usage:
    # Realtime has `input_token_details` for `input_tokens_details`.
    cached = dig(usage, "input_tokens_details") or dig(usage, "input_token_details")
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(dig(usage, "output_tokens_details", "reasoning_tokens")),
        cached_tokens=count(dig(cached, "cached_tokens")),
        raw=usage,
    )

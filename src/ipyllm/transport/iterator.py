"""
Objects of a notebook that give an answer piece by piece, whatever library they come from.

How one is found by its name, called, and read; and what its items say: strings, events, chunks
as OpenAI's API has them (llama-cpp-python, openai, litellm), messages as LangChain has them.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from ipyllm.dialects import dialect
from ipyllm.errors import UsageError
from ipyllm.events import Event, Finish, ReasoningDelta, TextDelta, Usage

if TYPE_CHECKING:
    from ipyllm.dialects import Decoder
    from ipyllm.request import Request

__all__ = (
    "Items",
    "Kind",
    "called",
    "is_iterator",
    "kind_of",
    "named",
    "refuse_used",
    "used_up",
)

Kind = Literal["item", "iterable", "async", "awaitable"]

_GIVES = "It should be an iterator, an async iterator, or a function that gives one or a str."
_REASONS = {"length": "length", "max_tokens": "length", "content_filter": "content_filter"}


def named(path: str, names: Mapping[str, Any] | None) -> Any:
    """
    The object `path`, which may have dots, among the notebook's names.

    Raises:
        UsageError: there is none.
    """
    if not path:
        raise UsageError("No name after python/.", hint="Write -m python/NAME.")
    if names is None:
        raise UsageError(f"There is no notebook to find {path} in.", hint=f"Give model={path}.")
    first, *steps = path.split(".")
    if first not in names:
        near = difflib.get_close_matches(first, [*names], n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]}?" if near else "Run the cell that makes it."
        raise UsageError(f"There is no {first} in this notebook.", hint=hint)
    found, so_far = names[first], first
    for step in steps:
        try:
            found = getattr(found, step)
        except AttributeError:
            raise UsageError(f"{so_far} has no {step}.") from None
        so_far += f".{step}"
    return found


def called(found: Any, request: Request, name: str) -> Any:
    """
    What is to be read: the object itself, or what it gives when it is called.

    A callable gets what it has parameters for: `messages`, `prompt`, `system`, `params`; one that
    names neither of the first two gets the messages as its first argument, if it needs one; one
    that takes a prompt gets messages only if it needs them.

    Raises:
        UsageError: it needs more than that.
    """
    if not callable(found) or is_iterator(found):
        return found
    arguments, keywords = _arguments(found, request, name)
    return found(*arguments, **keywords)


def _arguments(found: Any, request: Request, name: str) -> tuple[list[Any], dict[str, Any]]:
    messages = [dict(message) for message in request.messages]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    offered = {"messages": messages, "prompt": request.prompt, "params": dict(request.params)}
    offered |= {"system": request.system} if request.system else {}
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # a function in C may say nothing of itself
        return [messages], {}
    takes = signature.parameters.values()
    keywords = {
        one.name: offered[one.name]
        for one in takes
        if one.name in offered and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    optional = [one.name for one in takes if one.default is not one.empty]
    if "prompt" in keywords and "messages" in optional:
        keywords.pop("messages", None)  # simonw's llm takes them, too, but of its own kind
    arguments = [] if {"messages", "prompt"} & keywords.keys() else [messages]
    if not any(_is_needed(one) for one in takes):
        arguments = []
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as exc:
        hint = "Of arguments there are messages, prompt, system and params."
        raise UsageError(f"{name} cannot be called: {exc}.", hint=hint) from None
    return arguments, keywords


def _is_needed(one: inspect.Parameter) -> bool:
    if one.kind is one.VAR_POSITIONAL:
        return True
    return one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)


def kind_of(result: Any, name: str) -> Kind:
    """
    How it is read.

    Raises:
        UsageError: it cannot be.
    """
    if isinstance(result, (str, bytes, Mapping, Event)):
        return "item"
    if _has(result, "__anext__"):
        return "async"
    if _has(result, "__next__"):
        return "iterable"
    # Before `__iter__`: pydantic's models iterate over their fields.
    if hasattr(result, "content") or hasattr(result, "choices"):
        return "item"
    if _has(result, "__aiter__"):
        return "async"
    if _has(result, "__iter__"):
        return "iterable"
    if inspect.isawaitable(result):
        return "awaitable"
    raise UsageError(f"{name} is or gives {_what(result)}.", hint=_GIVES)


def refuse_used(result: Any, name: str) -> None:
    """
    An iterator can be read once, and by one.

    Raises:
        UsageError: a generator that is over, or that runs.
    """
    if not inspect.isgenerator(result):
        return
    if result.gi_running:
        raise UsageError(f"{name} is being read already.", hint="Wait for that answer, or stop it.")
    if result.gi_frame is None:
        raise used_up(name)


def used_up(name: str) -> UsageError:
    """The error for an iterator that has nothing more to give."""
    return UsageError(f"{name} is used up.", hint="Make it anew, or name a function that does.")


class Items:
    """What the items of one reading say. `events(item)` for each, `end()` after the last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder: Decoder | None = None  # of chunks as OpenAI's API has them
        self._counts: dict[str, int] = {}
        self._reason = ""

    def events(self, item: Any) -> list[Event]:
        """
        The events in one item.

        Raises:
            UsageError: it is nothing that has text.
        """
        if isinstance(item, str):
            return [TextDelta(item)] if item else []
        if isinstance(item, Event):
            return [item]
        chunk = _as_dict(item)
        if chunk is not None and isinstance(chunk.get("choices"), (list, tuple)):
            return self._chunk(chunk)
        content = getattr(item, "content", None)
        if isinstance(content, (str, list)):
            return self._message(item, cast("str | list[Any]", content))
        said = getattr(item, "text", 0)
        if isinstance(said, str) or said is None:
            return [TextDelta(said)] if said else []
        hint = "Yield strings, or ipyllm events."
        raise UsageError(f"{self._name} gives {_what(item)} where text should be.", hint=hint)

    def end(self) -> list[Event]:
        """What is held until nothing more comes; a `Finish` if the items had one."""
        if self._decoder is None:
            reason = _REASONS.get(self._reason)
            return [Finish(cast("Any", reason), self._reason)] if reason else []
        events = [*self._decoder.feed(b"data: [DONE]\n\n"), *self._decoder.close()]
        return [event for event in events if event != Finish("truncated")]

    def _chunk(self, chunk: Mapping[str, Any]) -> list[Event]:
        if self._decoder is None:
            plain = any("text" in choice for choice in chunk["choices"])
            self._decoder = dialect("openai_completions" if plain else "openai_chat").decoder()
        raw = json.dumps(chunk, default=str).encode()
        return self._decoder.feed(b"data: " + raw + b"\n\n")

    def _message(self, item: Any, content: str | list[Any]) -> list[Event]:
        # https://reference.langchain.com/python/langchain-core/messages/ai/AIMessageChunk
        thought = _get(getattr(item, "additional_kwargs", None), "reasoning_content")
        events: list[Event] = [ReasoningDelta(thought)] if _is_text(thought) else []
        for block in [content] if isinstance(content, str) else content:
            events += _block(block)
        usage = getattr(item, "usage_metadata", None)
        if isinstance(usage, Mapping):
            events.append(self._usage(cast("Mapping[str, Any]", usage)))
        said = getattr(item, "response_metadata", None)
        for key in ("finish_reason", "stop_reason", "done_reason"):
            self._reason = _get(said, key) or self._reason
        return events

    def _usage(self, usage: Mapping[str, Any]) -> Usage:
        # LangChain's counts of the chunks of one answer are to be added up.
        for key in ("input_tokens", "output_tokens"):
            self._counts[key] = self._counts.get(key, 0) + int(usage.get(key) or 0)
        return Usage(self._counts["input_tokens"], self._counts["output_tokens"], raw=dict(usage))


def _block(block: Any) -> list[Event]:
    """One block of a LangChain message: text, or what the model thought."""
    said = block if isinstance(block, str) else _get(block, "text")
    thought = _get(block, "thinking") or _get(block, "reasoning")
    if _is_text(thought):
        return [ReasoningDelta(thought)]
    return [TextDelta(said)] if _is_text(said) else []


def _as_dict(item: Any) -> Mapping[str, Any] | None:
    if isinstance(item, Mapping):
        return cast("Mapping[str, Any]", item)
    if hasattr(item, "choices") and callable(getattr(item, "model_dump", None)):
        return item.model_dump(exclude_none=True)  # pydantic: openai, litellm
    return None


def _get(found: Any, key: str) -> Any:
    return cast("Mapping[str, Any]", found).get(key) if isinstance(found, Mapping) else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def is_iterator(found: Any) -> bool:
    """Whether it gives its items itself, once."""
    return _has(found, "__next__") or _has(found, "__anext__")


def _has(found: Any, method: str) -> bool:
    kind = cast("type[Any]", type(found))
    return hasattr(kind, method)


def _what(found: Any) -> str:
    if found is None:
        return "None"
    kind = cast("type[Any]", type(found))
    where = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    shown = repr(found) if isinstance(found, (bool, int, float, complex)) else ""
    return f"{shown} ({where}{kind.__qualname__})" if shown else f"a {where}{kind.__qualname__}"

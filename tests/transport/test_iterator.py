"""The notebook's own objects: how they are called and read, and what the libraries' items say."""

from __future__ import annotations

import asyncio
import queue
import re
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ipyllm
from ipyllm import errors
from ipyllm.events import Event, Finish, ReasoningDelta, TextDelta, Usage
from ipyllm.request import Request
from ipyllm.transport.iterator import Items, called, kind_of, named, refuse_used

MESSAGES = [{"role": "system", "content": "Brief."}, {"role": "user", "content": "Hi"}]
REQUEST = Request("", MESSAGES[1:], "Brief.", {"n": 1})
BARE = Request("", MESSAGES[1:])
DOC = Path(__file__).parents[2] / "docs" / "python-sources.md"


def events_of(*items: object) -> list[Event]:
    reading = Items("python/it")
    return [event for item in items for event in reading.events(item)] + reading.end()


# calling --------------------------------------------------------------------------


def positional_only(first: object, /) -> object:
    return first


@pytest.mark.parametrize(
    "found, gets",
    [
        (lambda: "nothing", "nothing"),
        (lambda messages: messages, MESSAGES),
        (lambda x: x, MESSAGES),
        (lambda *x: x, (MESSAGES,)),
        (lambda n=5: n, 5),
        (lambda messages=None: messages, MESSAGES),
        (lambda *, messages: messages, MESSAGES),
        (lambda x, params: (x, params), (MESSAGES, {"n": 1})),
        (lambda x, **others: (x, others), (MESSAGES, {})),
        (lambda prompt=None, *, system=None, **o: (prompt, system, o), ("Hi", "Brief.", {})),
        (partial(lambda messages, stream: (messages, stream), stream=True), (MESSAGES, True)),
        (positional_only, MESSAGES),
        (lambda prompt, messages=None: (prompt, messages), ("Hi", None)),
        (lambda prompt, messages: (prompt, messages), ("Hi", MESSAGES)),
    ],
)
def test_a_callable_gets_what_it_has_parameters_for(found, gets):
    """By name; else its first needed argument is the messages."""
    assert called(found, REQUEST, "python/it") == gets


def test_without_a_system_prompt_there_is_none():
    """Its own default counts."""
    assert called(lambda prompt, system="mine": system, BARE, "python/it") == "mine"
    assert called(lambda messages: messages, BARE, "python/it") == MESSAGES[1:]


def test_what_it_needs_besides_is_named():
    """One line."""
    with pytest.raises(errors.UsageError, match="missing a required argument: 'b'"):
        called(lambda a, b: a, REQUEST, "python/it")


def test_what_a_callable_gets_is_its_own():
    """It may change the messages."""
    called(lambda messages: messages[0].clear(), REQUEST, "python/it")
    assert MESSAGES[1] == {"role": "user", "content": "Hi"}


def test_an_iterator_is_not_called():
    """Even if it could be."""

    class Odd:
        def __call__(self) -> None:
            raise AssertionError

        def __next__(self) -> str:
            return "a"

    odd = Odd()
    assert called(odd, REQUEST, "python/it") is odd


async def agenerator() -> AsyncIterator[str]:
    yield "a"


async def coroutine() -> str:
    return "a"


@pytest.mark.parametrize(
    "result, kind",
    [
        ("a", "item"),
        (TextDelta("a"), "item"),
        ({"choices": []}, "item"),
        (types.SimpleNamespace(content="a"), "item"),
        (["a"], "iterable"),
        (iter(["a"]), "iterable"),
        ((x for x in "a"), "iterable"),
        (agenerator(), "async"),
    ],
)
def test_how_a_result_is_read(result, kind):
    """Whole, piece by piece, or on the loop."""
    assert kind_of(result, "python/it") == kind


def test_an_awaitable_is_awaited():
    """Unless it can be iterated, as simonw's AsyncResponse."""
    waiting = coroutine()
    assert kind_of(waiting, "python/it") == "awaitable"
    waiting.close()

    class Both:
        def __await__(self) -> Iterator[None]:
            yield None

        def __aiter__(self) -> AsyncIterator[str]:
            return agenerator()

    assert kind_of(Both(), "python/it") == "async"


@pytest.mark.parametrize("result, what", [(None, "None"), (3, "3 (int)"), (object(), "a object")])
def test_what_cannot_be_read_is_named(result, what):
    """And what would do."""
    with pytest.raises(errors.UsageError) as caught:
        kind_of(result, "python/it")
    assert f"python/it is or gives {what}." in str(caught.value)


def test_a_generator_that_is_over_or_runs_is_refused():
    """Reading it would give nothing, or Python's own words."""
    over = (x for x in "a")
    assert list(over) == ["a"]
    with pytest.raises(errors.UsageError, match="used up"):
        refuse_used(over, "python/it")

    def itself() -> Iterator[None]:
        with pytest.raises(errors.UsageError, match="being read already"):
            refuse_used(running, "python/it")
        yield None

    running = itself()
    assert list(running) == [None]


# names ----------------------------------------------------------------------------


def test_names_may_have_dots():
    """Attributes of what the notebook has."""
    assert named("a.b", {"a": types.SimpleNamespace(b=3)}) == 3


@pytest.mark.parametrize(
    "path, said",
    [
        ("modle", "There is no modle in this notebook. Did you mean model?"),
        ("x", "There is no x in this notebook. Run the cell that makes it."),
        ("model.strem.x", "model has no strem."),
        ("", "No name after python/."),
    ],
)
def test_a_name_that_is_not_there(path, said):
    """One line that says which."""
    with pytest.raises(errors.UsageError) as caught:
        named(path, {"model": object()})
    assert said in str(caught.value)


# items ----------------------------------------------------------------------------


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}


LLAMA = [
    chunk({"role": "assistant"}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo"}),
    chunk({}, finish_reason="length"),
]


@dataclass
class Model:
    """A pydantic model, as far as it matters."""

    choices: list[dict[str, Any]]

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        assert exclude_none
        return {"choices": self.choices}


@dataclass
class Message:
    """LangChain's AIMessageChunk, as far as it matters."""

    content: Any
    usage_metadata: dict[str, int] | None = None
    response_metadata: dict[str, Any] = field(default_factory=dict)
    additional_kwargs: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, object]]:  # over the fields, as pydantic does
        yield from vars(self).items()


HELLO: list[Event] = [TextDelta("Hel"), TextDelta("lo")]


@pytest.mark.parametrize(
    "items, events",
    [
        (["Hel", "", "lo"], HELLO),
        ([TextDelta("Hel"), "lo", Finish("stop")], [*HELLO, Finish("stop")]),
        (LLAMA, [*HELLO, Finish("length", "length")]),
        ([Model(one["choices"]) for one in LLAMA], [*HELLO, Finish("length", "length")]),
        ([{"choices": [{"text": t, "finish_reason": None}]} for t in ("Hel", "lo")], HELLO),
        ([{"choices": [{"message": {"content": "Hello"}}]}], [TextDelta("Hello"), Finish("stop")]),
        ([Message("Hel"), Message(""), Message("lo")], HELLO),
        ([Message(["Hel", {"type": "text", "text": "lo"}])], HELLO),
        (
            [Message([{"type": "thinking", "thinking": "hm"}]), Message("a")],
            [ReasoningDelta("hm"), TextDelta("a")],
        ),
        (
            [Message("", additional_kwargs={"reasoning_content": "hm"})],
            [ReasoningDelta("hm")],
        ),
        (
            [Message("a"), Message("", response_metadata={"finish_reason": "length"})],
            [TextDelta("a"), Finish("length", "length")],
        ),
        (
            [Message("a"), Message("", response_metadata={"stop_reason": "end_turn"})],
            [TextDelta("a")],
        ),
        ([types.SimpleNamespace(text=t) for t in ("Hel", None, "lo")], HELLO),
    ],
    ids=lambda value: None,
)
def test_what_items_say(items, events):
    """Strings, events, and the chunks of the libraries."""
    said = events_of(*items)
    if said and said[-1] == Finish("stop") and Finish("stop") not in events:
        said.pop()  # the chunks' decoder may say so itself
    assert said == events


def test_langchains_counts_are_added_up():
    """Its chunks have parts of the usage."""
    one = Message("a", {"input_tokens": 12, "output_tokens": 0})
    two = Message("", {"input_tokens": 0, "output_tokens": 7})
    *_, last = events_of(one, two)
    assert isinstance(last, Usage)
    assert (last.input_tokens, last.output_tokens) == (12, 7)


@pytest.mark.parametrize(
    "item, what", [(b"a", "a bytes"), (3, "3 (int)"), (None, "None"), ({"a": 1}, "a dict")]
)
def test_what_has_no_text_is_named(item, what):
    """And what to do."""
    with pytest.raises(errors.UsageError) as caught:
        events_of(item)
    said = str(caught.value)
    assert f"python/it gives {what} where text should be. Yield strings" in said


# the libraries of docs/python-sources.md ---------------------------------------------


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)


def block(word: str) -> dict[str, Any]:
    """Run the document's block that has this word, among the fakes it needs."""
    (code,) = [code for code in blocks() if word in code]
    names: dict[str, Any] = dict(FAKES)
    exec(code, names)
    return names


class Streamer:
    """transformers' TextIteratorStreamer: a queue that is iterated."""

    def __init__(self, tokenizer: object, skip_prompt: bool = False, **decode: object) -> None:
        self.text_queue: queue.Queue[str | None] = queue.Queue()

    def __iter__(self) -> Streamer:
        return self

    def __next__(self) -> str:
        value = self.text_queue.get()
        if value is None:
            raise StopIteration
        return value


class Tokenizer:
    def apply_chat_template(self, messages: list[Any], **options: object) -> dict[str, object]:
        return {"input_ids": messages}


class Transformer:
    def generate(
        self,
        input_ids: list[Any],
        streamer: Streamer,
        stopping_criteria: list[Callable[..., bool]],
        max_new_tokens: int,
        **params: object,
    ) -> None:
        for text in ("Hel", "lo"):
            assert not any(one(input_ids, None) for one in stopping_criteria)
            streamer.text_queue.put(text)
        streamer.text_queue.put(None)


class Llama:
    def create_chat_completion(self, messages: list[Any], stream: bool = False) -> Iterator[Any]:
        assert stream
        return iter(LLAMA)


class Completions:
    def create(self, *, model: str, messages: list[Any], stream: bool, **more: Any) -> list[Any]:
        assert stream
        return [Model(one["choices"]) for one in LLAMA]


class LangChain:
    def stream(self, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Message]:  # noqa: A002
        assert not kwargs
        yield from (Message("Hel"), Message("lo"))

    async def astream(
        self,
        input: Any,  # noqa: A002
        config: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[Message]:
        for message in self.stream(input, config, **kwargs):
            await asyncio.sleep(0)
            yield message


class LlmResponse:
    """llm's Response: text() is a method, iterating runs the prompt."""

    def __iter__(self) -> Iterator[str]:
        yield from ("Hel", "lo")

    def text(self) -> str:
        raise AssertionError


class LlmModel:
    def prompt(
        self,
        prompt: str | None = None,
        *,
        system: str | None = None,
        messages: list[Any] | None = None,
        **options: Any,
    ) -> LlmResponse:
        assert (prompt, system, messages, options) == ("Hi", "Brief.", None, {})
        return LlmResponse()


CLIENT = types.SimpleNamespace(chat=types.SimpleNamespace(completions=Completions()))
FAKES = {"tokenizer": Tokenizer(), "model": Transformer(), "llm": Llama(), "client": CLIENT}


@pytest.fixture(autouse=True)
def _transformers(monkeypatch):
    """Stand in for the package."""
    fake = types.ModuleType("transformers")
    fake.TextIteratorStreamer = Streamer  # pyright: ignore[reportAttributeAccessIssue]
    fake.StoppingCriteriaList = list  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "transformers", fake)


@pytest.mark.parametrize(
    "found, text, finish",
    [
        (lambda: block("def shout")["shout"], "HI ", "stop"),
        (lambda: block("def gpt2")["gpt2"], "Hello", "stop"),
        (lambda: block("partial(")["llama"], "Hello", "length"),
        (lambda: block("def gpt5")["gpt5"], "Hello", "length"),
        (lambda: LangChain().stream, "Hello", "stop"),
        (lambda: LangChain().astream, "Hello", "stop"),
        (lambda: LlmModel().prompt, "Hello", "stop"),
    ],
    ids=["shout", "transformers", "llama-cpp-python", "openai", "langchain", "async", "llm"],
)
def test_the_document_is_true(found, text, finish):
    """Each library's way, as docs/python-sources.md says it, against its own shapes."""
    reply = ipyllm.ask("Hi", model=found(), system="Brief.")
    assert (reply, reply.finish_reason) == (text, finish)

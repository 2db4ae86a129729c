"""
Answers of the browser's own model, or of any other stream in the page.

Times are the page's: `ttft` is from `promptStreaming()` to the first chunk as the browser saw it; the
model's creation, a download included, is `load`. A chunk is no token: how many tokens came is worked
out from the context, and marked as an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.events import Event, Finish, Notice, TextDelta, Usage
from ipyllm.transport.browser import Channel, talk
from ipyllm.transport.page_talk import Chunks, Created, Done, Gesture, Job, Loading, Said

if TYPE_CHECKING:
    from ipyllm.request import Message, Request
    from ipyllm.run.source import Deliver
    from ipyllm.transport.http import Marks
    from ipyllm.transport.limits import Limits

__all__ = ("BrowserSource", "no_front_end", "prompt_job", "script_job")

_LANGUAGES = ("input_languages", "output_languages")
_REFUSED = {
    "temperature": "pages may not set it, and a browser would ignore it silently",
    "top_k": "pages may not set it, and a browser would ignore it silently",
    "topK": "pages may not set it, and a browser would ignore it silently",
    "samplingMode": "browsers have it behind a flag only, and would ignore it silently",
    "max_tokens": "the API has no such limit; --budget 200tok stops there",
    "seed": "the API has none",
}


class BrowserSource:
    """
    One answer out of a page.

    * `page`: the way to it; whoever shows the answer has one to give. None: there is no page.
    * `gauge`: (share, words, estimated) of the download, then of the context.
    """

    def __init__(
        self, name: str, job: Callable[[Request], Job], request: Request, limits: Limits
    ) -> None:
        job(request)  # refuse now what could not be sent later
        self.model = self.label = name
        self.load: float | None = None
        self.page: Channel | None = None
        self.gauge: tuple[float, str, bool] | None = None
        self._job = job
        self._request = request
        self._limits = limits
        self._input: float | None = None
        self._before: float | None = None
        self._sent: float | None = None  # when the page sent the prompt, on our clock

    async def run(self, deliver: Deliver, marks: Marks) -> None:
        """Have the page do it. Raises: IpyllmError."""
        if self.page is None:
            raise no_front_end(self.model)
        self._sent = None
        deliver([Notice("phase", "connecting")])

        def tell(said: Said, now: float) -> None:
            self._tell(said, now, deliver, marks)

        job = self._job(self._request)
        await talk(self.page, job, tell, limits=self._limits, clock=marks.clock)

    def decode(self, chunk: bytes) -> list[Event]:
        """As `Source.decode`; what a page says comes as events."""
        del chunk
        return []

    def close(self) -> list[Event]:
        """As `Source.close`: without the page's `done` it is not whole."""
        return [Finish("truncated")]

    def more(self, messages: Sequence[Message]) -> BrowserSource:
        """As `Source.more`: the page goes on with the session it has."""
        asked = self._request.after(messages)
        following = BrowserSource(self.model, self._job, asked, self._limits)
        following.page = self.page
        return following

    def _tell(self, said: Said, now: float, deliver: Deliver, marks: Marks) -> None:
        match said:
            case Gesture():
                deliver([Notice("loading", "waiting for a click on Start model")])
            case Loading(share):
                self.gauge = (share, f"{share:.0%}", False)
                deliver([Notice("loading", "downloading the model")])
            case Created():
                self._created(said, now, marks)
                deliver([Notice("phase", "waiting")])
            case Chunks(parts):
                self._chunks(parts, now, deliver, marks)
            case Done():
                deliver(self._done(said))
            case _:
                pass

    def _created(self, said: Created, now: float, marks: Marks) -> None:
        self.load = said.seconds
        self.gauge = None
        self._before, self._input = said.usage, said.tokens
        marks.sent = now

    def _chunks(
        self, parts: Sequence[tuple[str, float]], now: float, deliver: Deliver, marks: Marks
    ) -> None:
        if self._sent is None and parts:
            # From here on the page's clock counts: the way to us is no part of it.
            self._sent = marks.sent = now - parts[-1][1]
        for text, seconds in parts:
            if text:
                deliver([TextDelta(text)], min((self._sent or now) + seconds, now))

    def _done(self, said: Done) -> list[Event]:
        used, window = said.usage, said.window
        events: list[Event] = []
        output = None
        if used is not None and window is not None:
            self.gauge = (used / window, f"{used:,.0f} of {window:,.0f} tokens of context", False)
        if None not in (used, self._before, self._input):
            output = (used or 0) - (self._before or 0) - (self._input or 0)
        events.append(
            Usage(
                input_tokens=_whole(self._input),
                output_tokens=_whole(output) if output is not None and output > 0 else None,
                estimated=True,
                context_used=_whole(used),
                context_window=_whole(window),
            )
        )
        if said.overflows:
            events.append(Notice("overflow", "the oldest turns were dropped from the context"))
        return [*events, Finish("stop", said.stopped or "")]


def prompt_job(request: Request) -> Job:
    """
    The request as the page's model takes it.

    Raises:
        UsageError: it asks for what pages may not ask.
    """
    if request.tools:
        raise UsageError(
            "-m browser takes no tools: the browser's model cannot call any from a page.",
            hint="Take another model for -T, or --schema.",
        )
    params = dict(request.params)
    stop = params.pop("stop", [])
    inputs, outputs = (_languages(name, params.pop(name, ["en"])) for name in _LANGUAGES)
    for name in params:
        raise UsageError(f"-m browser takes no {name}: {_why(name)}.", hint=f"Known: {_KNOWN}.")
    system = [{"role": "system", "content": request.system}] if request.system else []
    messages: list[dict[str, Any]] = [*system, *map(_message, request.messages)]
    if messages[-1]["role"] == "assistant":
        messages[-1]["prefix"] = True  # to be continued
    prompt = {"messages": messages, "schema": request.schema, "stop": _words("stop", stop)}
    return Job(prompt={**prompt, "inputs": inputs, "outputs": outputs})


def script_job(expression: str) -> Callable[[Request], Job]:
    """Any stream in the page, as the value of an expression in JavaScript."""
    return lambda _: Job(js=expression)


def no_front_end(model: str) -> UsageError:
    """The error where no page can show, or do, anything: nbclient, a terminal."""
    return UsageError(
        f"-m {model} runs in the page of an open notebook, and this one has none.",
        hint="Run it in JupyterLab or Notebook, or take another model.",
    )


_KNOWN = ", ".join(("stop", *_LANGUAGES))


def _why(name: str) -> str:
    return _REFUSED.get(name, "the Prompt API knows no such parameter")


def _languages(name: str, value: object) -> list[str]:
    return _words(name, value) or ["en"]


def _words(name: str, value: Any) -> list[str]:
    words: list[Any] = [value] if isinstance(value, str) else list(value or [])
    if not all(isinstance(word, str) and word for word in words):
        raise UsageError(f"-p {name} takes text, or a list of texts.")
    return words


def _message(message: Message) -> dict[str, Any]:
    role, content = message["role"], message.get("content", "")
    if role not in ("system", "user", "assistant"):
        raise UsageError(f"-m browser takes no messages of role {role!r}.")
    if not isinstance(content, str):
        content = "".join(_part(part) for part in content)
    return {"role": role, "content": content}


def _part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind != "text":
        raise UsageError(
            f"-m browser takes text only, and a message has a part of type {kind!r}.",
            hint="Take a model that reads images.",
        )
    return str(part.get("text", ""))


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)

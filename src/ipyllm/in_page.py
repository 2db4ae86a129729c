"""Any stream in the page, in Python: for lessons about streams, and models that run in a browser."""

from __future__ import annotations

from ipyllm.errors import UsageError
from ipyllm.request import Request
from ipyllm.run.browser import BrowserSource, script_job
from ipyllm.streaming import Stream
from ipyllm.transport.limits import Limits

__all__ = ("browser_stream",)

_SHOWN = 40  # characters of an expression in its name


def browser_stream(expression: str, *, timeout: float | None = None) -> Stream:
    """
    Begin to read a stream in the page of this notebook; returns at once.

        ipyllm.browser_stream("fetch('/files/long.txt')").reply

    Args:
        expression: JavaScript whose value, awaited, is a ReadableStream, an async or plain iterable, a
            Response, or a function of `{signal}` that gives one. `await import("https://...")` loads
            a module. Strings are text, bytes are decoded, other objects become JSON.
        timeout: seconds for all of it.

    Raises:
        UsageError: nothing to run, no time, or no page to run it in.
    """
    if not expression.strip():
        raise UsageError("There is nothing to run.", hint="Give an expression in JavaScript.")
    words = " ".join(expression.split())
    name = f"js: {words[:_SHOWN]}{'…' if len(words) > _SHOWN else ''}"
    asked = [{"role": "user", "content": expression}]
    request = Request("", asked)
    source = BrowserSource(name, script_job(expression), request, Limits.of(timeout))
    return Stream(source, asked)

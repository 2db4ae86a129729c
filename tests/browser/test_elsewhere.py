"""
Front ends that cannot run here, by what they are documented to lack: see docs/elsewhere.md.

No kernel behind the widget manager, or no widget manager; nothing that was sent before the display;
a frame of another origin; no clipboard; a shadow root around every output.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser.bare import BareFrontEnd, Kernel
from playwright.sync_api import Browser, expect

from ipyllm.events import TextDelta
from ipyllm.widget.model import asset

pytestmark = pytest.mark.browser
CODE = "So:\n\n```python\nfor x in y: pass\n```\n\nThat is **so**."
FRONT_ENDS = {
    "a widget manager without a kernel": {"manager": True},
    "no widget manager": {"manager": False},
    "a shadow root": {"manager": False, "shadow": True},
}
everywhere = pytest.mark.parametrize("has", FRONT_ENDS.values(), ids=FRONT_ENDS)


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator:
    page = chromium.new_page(viewport={"width": 900, "height": 700})
    yield page
    page.close()


@pytest.fixture
def bare(page) -> Iterator[BareFrontEnd]:
    """Give an empty frame; what goes wrong in it fails the test."""
    errors: list[str] = []

    def note(error: object) -> None:
        errors.append(str(error))

    page.on("pageerror", note)
    yield BareFrontEnd(page)
    page.remove_listener("pageerror", note)
    assert errors == []


@everywhere
def test_an_answer_streams(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    bare.show(kernel, **has)
    kernel.say(TextDelta(CODE), text=CODE)
    bare.receive(*kernel.messages())
    expect(bare.frame.locator("strong")).to_have_text("so")
    expect(bare.frame.locator(".ipyllm-strip")).to_contain_text("scripted/model")
    # Our own style is there: the document's stops at a shadow root.
    expect(bare.frame.locator(".ipyllm-line")).to_have_css("display", "flex")
    kernel.say(TextDelta(" More."), text=" More.")
    bare.receive(*kernel.messages())
    expect(bare.frame.locator("p").last).to_have_text("That is so. More.")


@everywhere
def test_what_was_sent_before_it_was_shown_is_asked_for(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    bare.show(kernel, **has)
    kernel.say(TextDelta("Lost words, "), text="Lost words, ")
    kernel.messages()
    kernel.say(TextDelta("then these."), text="then these.")
    bare.receive(*kernel.messages())
    bare.frame.wait_for_function("() => sent.some(each => each.kind === 'resync')")
    for content in bare.said():
        kernel.hear(content)
    bare.receive(*kernel.messages())
    expect(bare.frame.locator("p")).to_have_text("Lost words, then these.")


@everywhere
def test_shown_late_it_has_everything(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    kernel.say(TextDelta("Long before."), text="Long before.")
    kernel.messages()
    bare.show(kernel, **has)
    expect(bare.frame.locator("p")).to_have_text("Long before.")


@everywhere
def test_stop_that_nobody_hears_says_what_to_do(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="blocking")
    bare.show(kernel, **has)
    kernel.say(TextDelta("On and on"), text="On and on")
    bare.receive(*kernel.messages())
    bare.frame.locator(".ipyllm-stop").click()
    expect(bare.frame.locator(".ipyllm-aside")).to_have_text("interrupt the kernel by its own menu")
    assert {"kind": "stop"} in bare.said()
    # It was no error: what comes is shown, and the kernel may hear it later.
    kernel.hear({"kind": "stop"})
    bare.receive(*kernel.messages())
    expect(bare.frame.locator(".ipyllm-aside")).to_have_text("stopping…")


@everywhere
def test_without_a_clipboard_copy_says_so_or_does_it_by_hand(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    bare.show(kernel, **has)
    kernel.say(TextDelta("Words."), text="Words.")
    bare.receive(*kernel.messages())
    bare.frame.evaluate("document.execCommand = () => false")
    copy = bare.frame.locator(".ipyllm-strip button", has_text="Copy")
    copy.click()
    expect(bare.frame.locator(".ipyllm-strip")).to_contain_text("Failed")
    expect(bare.frame.locator("textarea")).to_have_count(0)


@everywhere
def test_code_has_colours_once_the_kernel_has_sent_them(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    bare.show(kernel, **has)
    kernel.say(TextDelta(CODE), text=CODE)
    bare.receive(*kernel.messages())
    bare.frame.wait_for_function("() => sent.some(each => each.name === 'highlight')")
    bare.receive({"kind": "asset", "name": "highlight", "code": asset("highlight")})
    bare.frame.wait_for_function("() => [...CSS.highlights.values()].some(each => each.size)")
    painted = bare.frame.locator("pre .ipyllm-segment, .ipyllm-segment code").first.evaluate(
        "code => getComputedStyle(code.closest('.ipyllm-segment') ?? code,"
        " '::highlight(ipyllm-keyword)').color"
    )
    assert painted == "rgb(26, 127, 55)"


@everywhere
def test_the_panel_and_the_source_need_no_one(bare, monkeypatch, has):
    kernel = Kernel(monkeypatch, mode="background")
    bare.show(kernel, **has)
    kernel.say(TextDelta(CODE), text=CODE)
    bare.receive(*kernel.messages())
    bare.frame.locator(".ipyllm-strip button", has_text="Raw").click()
    expect(bare.frame.locator(".ipyllm-raw").last).to_contain_text("That is **so**.")
    bare.frame.locator(".ipyllm-strip button", has_text="Timing").click()
    expect(bare.frame.locator(".ipyllm-panel")).to_contain_text("The kernel answers when")
    bare.frame.wait_for_function("() => sent.some(each => each.kind === 'timing')")
    bare.frame.evaluate("dispose()")
    expect(bare.frame.locator(".ipyllm")).to_have_count(0)

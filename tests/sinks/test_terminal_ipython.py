"""IPython in a terminal, as a person sits before it."""

from __future__ import annotations

import re
import sys

import pexpect
import pytest
from sinks.screen import Screen

ANSWER = "yield '# Title\\n\\nIt is **so**.\\n\\n'; yield '- a\\n- b\\n\\nThe end of **it'"
ASK = "get_ipython().run_cell_magic('llm', '-m python/answer', 'Hi')"


@pytest.fixture
def ipython(tmp_path):
    environ = {"TERM": "xterm", "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path), "PATH": ""}
    command = ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit"]
    size = (30, 60)
    child = pexpect.spawn(
        sys.executable, command, env=environ, dimensions=size, encoding="utf-8", timeout=30
    )
    child.expect(PROMPT)
    said(child, "%load_ext ipyllm")
    yield child
    child.close(force=True)


PROMPT = r"In \[\d+\]: $"


def said(child, line: str) -> str:
    """What one input makes it say."""
    child.sendline(line)
    child.expect(PROMPT)
    return child.before.partition("\r\n")[2]


def shown(text: str) -> str:
    """What is on the screen then."""
    screen = Screen(60, 30)
    screen.write(re.sub(r"\x1b\][^\x07]*\x07", "", text))
    return screen.text()


def test_an_answer_is_rendered_block_by_block(ipython):
    """By rich, which is installed here; as it came it was on the screen before."""
    said(ipython, f"def answer(messages): {ANSWER}")
    text = said(ipython, ASK)
    assert "It is **so**." in text
    lines = [line.strip() for line in shown(text).split("\n")]
    assert lines[:8] == ["Title", "", "It is so.", "", "• a", "• b", "", "The end of **it"]
    assert lines[8].startswith("[python/answer · ")


def test_ctrl_c_keeps_what_came(ipython):
    """The text is in _llm, the screen has it once, and the prompt is back."""
    said(ipython, "import time")
    said(ipython, f"def answer(messages): {ANSWER}; time.sleep(60)")
    ipython.sendline(ASK)
    ipython.expect(r"The end of \*\*it")
    before = ipython.before
    ipython.sendintr()
    ipython.expect(PROMPT)
    text = shown(before.partition("\r\n")[2] + "The end of **it" + ipython.before)
    assert text.count("Title") == text.count("• b") == text.count("The end of") == 1
    assert "interrupted by you" in text
    assert "Traceback" not in text
    assert "'# Title\\n\\nIt is **so**.\\n\\n- a\\n- b\\n\\nThe end of **it'" in said(
        ipython, "print(repr(_llm))"
    )

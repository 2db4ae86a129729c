"""`{Err[3]}`: the last error of a cell."""

from __future__ import annotations

import atexit
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ipyllm.errors import UsageError
from ipyllm.magic.failures import MAX_CELLS, MAX_TEXT, Failures, failures_of, unwatch, watch
from ipyllm.magic.interpolate import prompt_of


def raised(error, number=1):
    try:
        raise error  # noqa: TRY301
    except BaseException as exc:  # noqa: BLE001
        return SimpleNamespace(error_before_exec=None, error_in_exec=exc, execution_count=number)


def test_an_error_is_its_line_and_the_way_to_it():
    """Without colours and paths."""
    failures = Failures()
    failures.record(raised(ValueError("no"), 3))
    first, second, third = failures[3].splitlines()
    assert (first, second) == ("ValueError: no", "Traceback, the last call last:")
    assert third.startswith("  test_failures.py, line ")
    assert "in raised: raise error" in third


def test_an_error_that_shows_itself_does():
    """Ours are one line."""
    failures = Failures()
    failures.record(raised(UsageError("Wrong.", hint="Right.")))
    assert failures[1] == "UsageError: Wrong. Right."


def test_a_cell_without_an_error_is_said_to_have_none():
    """And one without a number is not kept."""
    failures = Failures()
    done = SimpleNamespace(error_before_exec=None, error_in_exec=None, execution_count=1)
    failures.record(done)
    failures.record(raised(ValueError(), None))
    assert len(failures) == 0
    for number in (0, 1, -1):
        with pytest.raises(LookupError, match=f"no error of cell {number} is known"):
            failures[number]


def test_what_is_kept_is_bounded():
    """The last errors, and of a long one its ends."""
    failures = Failures()
    for number in range(MAX_CELLS + 5):
        failures.record(raised(ValueError("x" * 10_000), number))
    assert len(failures) == MAX_CELLS
    assert len(failures[-1]) <= MAX_TEXT + 3
    with pytest.raises(LookupError):
        failures[4]


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"hist_file": ":memory:"}}))
    database = shell.history_manager.db
    yield shell
    unwatch(shell)
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    database.close()


def test_the_shells_history_can_be_named(shell, capsys):
    """In as typed, Out as it is, Err of the cell."""
    watch(shell)
    watch(shell)
    shell.run_cell("a = 6 * 7; a", store_history=True)
    shell.run_cell("1/0", store_history=True)
    shell.run_cell("a b", store_history=True)
    sent = prompt_of(shell, "{In[2]} {Out[1]} {a}\n{Err[2]}\n{Err[-1]}")
    assert sent.text.startswith("1/0 42 42\nZeroDivisionError: division by zero\n")
    assert "line 1: 1/0" in sent.text
    assert "SyntaxError" in sent.text
    assert sent.hints == ()
    assert "no error of cell 1 is known" in prompt_of(shell, "{Err[1]}").hints[0]
    unwatch(shell)
    assert len(failures_of(shell)) == 0
    capsys.readouterr()


def test_what_ipython_brought_is_not_live(shell):
    """Its own names mean something else in a prompt."""
    for text in ("{exit}", "{_}", "{__builtins__}", "{In}", "{get_ipython}", "{_ih}"):
        assert prompt_of(shell, text).text == text

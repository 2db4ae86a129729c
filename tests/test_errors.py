"""Errors are one sentence for the person at the notebook."""

from __future__ import annotations

import pytest

from ipyllm import errors
from ipyllm.errors import IpyllmError, ServiceError, Stopped

KINDS = [getattr(errors, name) for name in errors.__all__ if name != "Stopped"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_is_what_happened_and_what_to_do(kind):
    """Message and hint are one line; IPython shows that line and no traceback."""
    error = kind("No model.", hint="Name one.")
    assert str(error) == "No model. Name one."
    assert error._render_traceback_() == [f"{kind.__name__}: No model. Name one."]
    assert (error.message, error.hint, error.reply) == ("No model.", "Name one.", None)
    assert str(kind("No model.")) == "No model."
    assert issubclass(kind, IpyllmError)


def test_a_service_error_knows_its_status():
    """None where there was no answer at all."""
    assert ServiceError("x", status=429).status == 429
    assert ServiceError("x").status is None


def test_stopped_is_an_interrupt():
    """`except Exception` does not catch it, `except KeyboardInterrupt` does."""
    assert issubclass(Stopped, KeyboardInterrupt)
    assert not issubclass(Stopped, Exception)
    assert Stopped()._render_traceback_() == ["Stopped: interrupted"]

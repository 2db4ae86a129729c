"""The tool loop and typed answers on the real embedded model."""

from __future__ import annotations

from typing import Literal

import pytest

import ipyllm

pytestmark = pytest.mark.model


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def test_the_embedded_model_calls_a_function_and_answers_with_its_result():
    """Which city it asks for is the model's business; that it calls, and is answered, is ours."""
    reply = ipyllm.ask("What is the weather in Berlin?", model="local", tools=[get_weather])
    call = reply.tool_calls[0]
    assert (call.name, call.result.state) == ("get_weather", "done")
    assert call.result.text.startswith("sunny in ")
    assert [message["role"] for message in reply.messages] == [
        *("user", "assistant", "tool", "assistant")
    ]
    assert reply.strip()
    assert len(reply.timing.turns) == 1


def test_the_embedded_model_keeps_to_a_schema():
    reply = ipyllm.ask("Is fire hot?", model="local", schema=Literal["yes", "no"])
    assert reply.value in ("yes", "no")


def test_a_budget_ends_an_answer_of_the_embedded_model():
    reply = ipyllm.ask("Tell me a long story.", model="local", budget="8tok")
    assert (reply.finish_reason, reply.timing.tokens) == ("budget", 8)

"""What is asked: one frozen value."""

from __future__ import annotations

from ipyllm.request import Request


def test_the_prompt_is_the_last_thing_the_user_said():
    """Answers and instructions after it do not count."""
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "How are you?"},
        {"role": "assistant", "content": "Fi"},
    ]
    assert Request("m", messages).prompt == "How are you?"


def test_without_a_user_there_is_no_prompt():
    """An empty conversation has an empty prompt."""
    assert Request("m", ()).prompt == ""

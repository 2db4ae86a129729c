"""A prompt with a picture, in the shape of each API."""

from __future__ import annotations

import pytest

from ipyllm.dialects import dialect
from ipyllm.errors import UsageError
from ipyllm.magic.interpolate import filled
from ipyllm.magic.reading import Names
from ipyllm.request import Request

PNG = b"\x89PNG\r\n\x1a\n!"
DATA = "iVBORw0KGgoh"
URL = f"data:image/png;base64,{DATA}"
IMAGE = {"type": "image_url", "image_url": {"url": URL}}
SHAPES = {
    "openai_chat": [{"type": "text", "text": "See "}, IMAGE, {"type": "text", "text": "."}],
    "messages": [{"type": "text", "text": "See "}, IMAGE, {"type": "text", "text": "."}],
    "openai_responses": [
        {"type": "input_text", "text": "See "},
        {"type": "input_image", "image_url": URL},
        {"type": "input_text", "text": "."},
    ],
    "anthropic": [
        {"type": "text", "text": "See "},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
        {"type": "text", "text": "."},
    ],
    "gemini": [
        {"text": "See "},
        {"inlineData": {"mimeType": "image/png", "data": DATA}},
        {"text": "."},
    ],
}


def request():
    content = filled("See {fig}.", Names({"fig": PNG})).content
    return Request("m", [{"role": "user", "content": content}])


@pytest.mark.parametrize("api", SHAPES)
def test_a_picture_stands_where_it_was_named(api):
    """Between the texts before and after it."""
    body = dialect(api).body(request())
    (message,) = body.get("messages") or body.get("input") or body["contents"]
    assert message.get("content", message.get("parts")) == SHAPES[api]


def test_ollama_has_pictures_beside_the_text():
    """Its API has no other place."""
    (message,) = dialect("ollama_chat").body(request())["messages"]
    assert message == {"role": "user", "content": "See \n.", "images": [DATA]}
    assert dialect("ollama_generate").body(request())["images"] == [DATA]


@pytest.mark.parametrize("api", ["openai_completions", "llamacpp"])
def test_an_api_of_text_refuses_a_picture(api):
    """In one line."""
    with pytest.raises(UsageError, match="no place for a message part of type 'image_url'"):
        dialect(api).body(request())


def test_the_prompt_of_a_request_is_its_text():
    """Pictures are left out."""
    assert request().prompt == "See ."

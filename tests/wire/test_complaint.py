"""Error JSON in the shapes services were seen to send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.wire.complaint import Complaint

CASES = {
    "OpenAI": (
        {
            "error": {
                "message": "No such model",
                "type": "invalid_request_error",
                "param": None,
                "code": "model_not_found",
            }
        },
        Complaint("No such model", "model_not_found"),
    ),
    "OpenAI without code": (
        {"error": {"message": "Bad key", "type": "auth", "code": None}},
        Complaint("Bad key", "auth"),
    ),
    "OpenRouter": (
        {"error": {"code": 400, "message": "Token limit"}},
        Complaint("Token limit", "400"),
    ),
    "Ollama": ({"error": "model 'x' not found"}, Complaint("model 'x' not found")),
    "xAI": ({"code": "Client error", "error": "Bad"}, Complaint("Bad", "Client error")),
    "Anthropic": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        Complaint("Overloaded", "overloaded_error"),
    ),
    "Mistral": ({"detail": "Unauthorized"}, Complaint("Unauthorized")),
    "FastAPI": (
        {"detail": [{"loc": ["body"], "msg": "field required"}]},
        Complaint("field required"),
    ),
    "Cohere": ({"message": "invalid api token"}, Complaint("invalid api token")),
    "old vLLM": (
        {"object": "error", "message": "too long", "type": "BadRequestError", "code": 400},
        Complaint("too long", "400"),
    ),
    "Gemini": (
        [{"error": {"code": 404, "message": "not found", "status": "NOT_FOUND"}}],
        Complaint("not found", "404"),
    ),
    "nothing known inside": ({"error": {"reason": "x"}}, Complaint("{'reason': 'x'}")),
}


@pytest.mark.parametrize("payload, complaint", CASES.values(), ids=CASES)
def test_the_services_own_words_are_found(payload, complaint):
    """Each shape gives its message and its code."""
    assert Complaint.of(payload) == complaint


@pytest.mark.parametrize(
    "payload",
    [
        None,
        3,
        "error",
        [],
        {},
        {"error": None},
        {"error": ""},
        {"error": {}},
        {"choices": []},
        {"error": False},
    ],
    ids=str,
)
def test_no_complaint_is_none(payload):
    """What complains of nothing is no error."""
    assert Complaint.of(payload) is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "x"]), inner, max_size=4
        )
    ),
)


@given(_json)
def test_any_json_is_looked_at_without_failing(payload):
    """Whatever the shape, the answer is a sentence or None."""
    complaint = Complaint.of(payload)
    assert complaint is None or complaint.message

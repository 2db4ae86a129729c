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


# The services' own words, from recordings and from reports of their users.
TOO_LONG = {
    "OpenAI": (
        (
            "This model's maximum context length is 4097 tokens. However, your messages resulted in 7575 "
            "tokens. Please reduce the length of the messages."
        ),
        3478,
    ),
    "OpenAI, with the completion": (
        (
            "This model's maximum context length is 4097 tokens, however you requested 4226 tokens (3970 in "
            "your prompt; 256 for the completion). Please reduce your prompt; or completion length."
        ),
        129,
    ),
    "OpenAI, a limit of its own": (
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300001 "
            "tokens. Please reduce the length of the messages."
        ),
        28_001,
    ),
    "OpenAI Responses": (
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        None,
    ),
    "DeepSeek, vLLM": (
        (
            "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens "
            "(112946 in the messages, 10000 in the completion). Please reduce the length of the messages "
            "or completion."
        ),
        106_562,
    ),
    "OpenRouter": (
        (
            "This endpoint's maximum context length is 32768 tokens. However, you requested about 42832 "
            "tokens (42832 of text input). Please reduce the length of either one."
        ),
        10_064,
    ),
    "Anthropic": ("prompt is too long: 208310 tokens > 200000 maximum", 8310),
    "Anthropic, with max_tokens": (
        (
            "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input "
            "length or `max_tokens` and try again"
        ),
        42_959,
    ),
    "llama.cpp": (
        "request (3031 tokens) exceeds the available context size (1024 tokens), try increasing it",
        2007,
    ),
    "Gemini": (
        "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
        201_498,
    ),
    "Ollama": (
        "prompt too long; exceeded max context length by 1119046 tokens (ref: 96)",
        1_119_046,
    ),
    "Mistral": (
        "Prompt contains 300000 tokens, too large for model with 131072 maximum context length",
        168_928,
    ),
    "xAI": (
        "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
        5901,
    ),
    "Kimi": ("Your request exceeded model token limit: 262144 (requested: 300000)", 37_856),
    "Copilot": ("prompt token count of 200001 exceeds the limit of 128000", 72_001),
    "vLLM, the prompt alone": (
        "The decoder prompt (length 21535) is longer than the maximum model length of 16384.",
        5151,
    ),
    "vLLM, other words": (
        "Prompt length of 5016 is longer than the maximum model length of 4096.",
        920,
    ),
    "vLLM, max_tokens": (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length "
            "is 8192 tokens and your request has 5000 input tokens (4096 > 8192 - 5000)."
        ),
        904,
    ),
    "vLLM, at least": (
        (
            "This model's maximum context length is 128000 tokens. However, you requested 65535 output "
            "tokens and your prompt contains at least 62466 input tokens, for a total of at least 128001 "
            "tokens."
        ),
        1,
    ),
    "TGI": (
        (
            "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 "
            "`max_new_tokens`"
        ),
        104,
    ),
    "LM Studio": (
        "The number of tokens to keep from the initial prompt is greater than the context length",
        None,
    ),
    "with commas": ("prompt is too long: 208,310 tokens > 200,000 maximum", 8310),
    "numbers that make no sense": ("prompt is too long: 10 tokens > 200000 maximum", None),
}


@pytest.mark.parametrize("message, over", TOO_LONG.values(), ids=TOO_LONG)
def test_a_prompt_that_is_too_long_says_by_how_much(message, over):
    """Where the service gives numbers."""
    complaint = Complaint(message, "invalid_request_error")
    assert complaint.kind(400) == "ContextTooLong"
    assert complaint.over == over
    said = complaint.event({}).message
    assert said.startswith(message.rstrip("."))
    assert said.endswith(f": {over:,} tokens too many." if over else message)


@pytest.mark.parametrize(
    "counts, over",
    [
        ({"n_prompt_tokens": 3031, "n_ctx": 1024}, 2007),
        ({"n_prompt_tokens": 3031}, None),
        ({"n_prompt_tokens": "x", "n_ctx": 1024}, None),
    ],
)
def test_llamacpp_has_its_numbers_beside_its_words(counts, over):
    """Its message had none before it had these."""
    message = "the request exceeds the available context size, try increasing it"
    error = {"code": 400, "message": message, "type": "exceed_context_size_error", **counts}
    complaint = Complaint.of({"error": error})
    assert complaint is not None
    assert (complaint.kind(400), complaint.over) == ("ContextTooLong", over)


@pytest.mark.parametrize(
    "status, message",
    [
        (429, "Request too large on tokens per minute (TPM): Limit 6000, Requested 14810"),
        (400, "max_tokens must be less than or equal to 16384"),
        (401, "prompt is too long: 208310 tokens > 200000 maximum"),
    ],
)
def test_other_limits_are_no_context(status, message):
    """A rate has tokens too."""
    assert Complaint(message).kind(status) != "ContextTooLong"


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

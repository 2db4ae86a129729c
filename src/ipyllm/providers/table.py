"""The endpoints that have a name here. Any other: `--base-url URL --key-env VAR` with one of these."""

from __future__ import annotations

from ipyllm.providers.provider import Provider

__all__ = ("PROVIDERS",)

_OPENAI = "https://api.openai.com/v1"
_ORGANIZATION = (
    ("OpenAI-Organization", "OPENAI_ORG_ID"),
    ("OpenAI-Project", "OPENAI_PROJECT_ID"),
)
_OLLAMA = "http://127.0.0.1:11434"

# Who goes on with a last message of the assistant, besides the models that run here:
# Anthropic, up to Claude 4.5: later ones answer 400 "does not support assistant message prefill",
# https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal
# Ollama, https://github.com/ollama/ollama/issues/6778
# llama.cpp, since May 2025, https://github.com/ggml-org/llama.cpp/pull/13174; not while it thinks,
# https://github.com/ggml-org/llama.cpp/issues/21889
# Prompts without messages are gone on with by their nature (llama.cpp's /completion, completions).
# vLLM "cannot [continue] at the same time as `add_generation_prompt`", which is on by default,
# https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
_PLAINLY = ()
_VLLM = (("continue_final_message", True), ("add_generation_prompt", False))


def _openai(name: str, dialect: str, base_url: str = _OPENAI, base_env: str = "") -> Provider:
    base_env = base_env or "OPENAI_BASE_URL"
    key = ("OPENAI_API_KEY",)
    return Provider(name, base_url, key, base_env, dialect, True, header_env=_ORGANIZATION)  # noqa: FBT003


def _hosted(name: str, base_url: str, *key: str, dialect: str = "openai_chat") -> Provider:
    return Provider(name, base_url, key, dialect=dialect, key_needed=True)


PROVIDERS: tuple[Provider, ...] = (
    _openai("openai", "openai_chat"),
    _openai("openai-responses", "openai_responses"),
    _openai("openai-completions", "openai_completions"),
    _openai("openai-ws", "openai_responses", "wss://api.openai.com/v1", "OPENAI_WS_BASE_URL"),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        "ANTHROPIC_BASE_URL",
        "anthropic",
        key_needed=True,
        continues=_PLAINLY,
    ),
    Provider(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GEMINI_BASE_URL",
        "gemini",
        key_needed=True,
    ),
    Provider(
        "ollama", _OLLAMA, ("OLLAMA_API_KEY",), "OLLAMA_HOST", "ollama_chat", continues=_PLAINLY
    ),
    Provider("ollama-generate", _OLLAMA, ("OLLAMA_API_KEY",), "OLLAMA_HOST", "ollama_generate"),
    _hosted("ollama-cloud", "https://ollama.com", "OLLAMA_API_KEY", dialect="ollama_chat"),
    Provider(
        "llamacpp",
        "http://127.0.0.1:8080/v1",
        ("LLAMA_API_KEY",),
        "LLAMACPP_BASE_URL",
        params=(("return_progress", True),),  # how far it has read the prompt
        continues=_PLAINLY,
    ),
    Provider(
        "llamacpp-native",
        "http://127.0.0.1:8080",
        ("LLAMA_API_KEY",),
        "LLAMACPP_NATIVE_BASE_URL",
        "llamacpp",
        continues=_PLAINLY,
    ),
    Provider(
        "vllm",
        "http://127.0.0.1:8000/v1",
        ("VLLM_API_KEY",),
        "VLLM_BASE_URL",
        continues=_VLLM,
    ),
    Provider("lmstudio", "http://127.0.0.1:1234/v1", (), "LMSTUDIO_BASE_URL"),
    _hosted("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    _hosted("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    _hosted("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    _hosted("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
    _hosted("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    _hosted("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "PPLX_API_KEY"),
    _hosted("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
    _hosted("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    _hosted("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    _hosted("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    _hosted("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
    _hosted("github", "https://models.github.ai/inference", "GITHUB_TOKEN"),
    _hosted("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "CO_API_KEY"),
    Provider(
        "azure",
        "{AZURE_OPENAI_ENDPOINT}/openai/v1",
        ("AZURE_OPENAI_API_KEY",),
        key_needed=True,
        auth="api-key",
    ),
    _hosted(
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        "CLOUDFLARE_API_TOKEN",
    ),
    _hosted("databricks", "{DATABRICKS_HOST}/serving-endpoints", "DATABRICKS_TOKEN"),
    _hosted(
        "snowflake",
        "https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1",
        "SNOWFLAKE_TOKEN",
    ),
)

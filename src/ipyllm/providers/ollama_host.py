"""
OLLAMA_HOST as Ollama's own client reads it.

https://github.com/ollama/ollama/blob/main/envconfig/config.go (`Host`)
"""

from __future__ import annotations

__all__ = ("ollama_url",)

_PORTS = {"http": "80", "https": "443"}


def ollama_url(host: str) -> str:
    """
    The base URL a value of OLLAMA_HOST means: no scheme, no port, quotes and spaces are all seen.

    `0.0.0.0` is where a server listens; a client asks `127.0.0.1`.
    """
    value = host.strip().strip("\"'").strip()
    if value == "ollama.com":
        return "https://ollama.com:443"
    scheme, given, rest = value.rpartition("://")
    scheme = scheme.lower()
    default = _PORTS.get(scheme, "11434") if given else "11434"
    address, slash, path = rest.partition("/")
    name, port = _split(address)
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "[::1]"}.get(name, name)  # noqa: S104
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    if not (port.isdigit() and int(port) < 65536):
        port = default
    return f"{scheme or 'http'}://{name}:{port}{slash}{path}".rstrip("/")


def _split(address: str) -> tuple[str, str]:
    if address.startswith("["):
        name, _, port = address.partition("]")
        return name + "]", port.removeprefix(":")
    if address.count(":") > 1:  # an IPv6 address without brackets
        return address, ""
    name, _, port = address.partition(":")
    return name, port

"""Which name means which endpoint: dialect, base URL, key variable."""

from ipyllm.providers.provider import Provider, Target
from ipyllm.providers.registry import endpoint, providers, resolve, shown_url
from ipyllm.providers.table import PROVIDERS

__all__ = ("PROVIDERS", "Provider", "Target", "endpoint", "providers", "resolve", "shown_url")

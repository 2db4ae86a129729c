"""Which name means which endpoint: dialect, base URL, key variable."""

from ipyllm.providers.provider import Provider, Target
from ipyllm.providers.registry import (
    continuable,
    continuing_params,
    endpoint,
    providers,
    resolve,
    shown_url,
)
from ipyllm.providers.table import PROVIDERS

__all__ = (
    "PROVIDERS",
    "Provider",
    "Target",
    "continuable",
    "continuing_params",
    "endpoint",
    "providers",
    "resolve",
    "shown_url",
)

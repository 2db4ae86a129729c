"""Pictures, by what they can do: PIL's, matplotlib's figures, IPython's, and what shows itself as one."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, cast

__all__ = ("image_of",)

_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"))


def image_of(value: Any) -> tuple[str, bytes] | None:
    """MIME type and bytes; None: it is no picture."""
    kind = cast("type[Any]", type(value))
    if issubclass(kind, type):  # `isinstance` would ask the value for its `__class__`
        return None
    for name in ("_repr_png_", "_repr_jpeg_"):
        if hasattr(kind, name) and (found := _known(getattr(value, name)())) is not None:
            return found
    if hasattr(kind, "savefig"):
        return _written(value.savefig, format="png", bbox_inches="tight")
    if hasattr(kind, "save") and hasattr(kind, "mode") and hasattr(kind, "size"):
        return _written(value.save, format="PNG")
    return None


def _written(save: Any, **options: str) -> tuple[str, bytes] | None:
    buffer = io.BytesIO()
    save(buffer, **options)
    return _known(buffer.getvalue())


def _known(found: Any) -> tuple[str, bytes] | None:
    data = cast("Any", found[0] if isinstance(found, tuple) and found else found)
    if isinstance(data, str):  # IPython's encode for the message
        try:
            data = base64.b64decode(data, validate=False)
        except (ValueError, binascii.Error):
            return None
    if not isinstance(data, bytes):
        return None
    return next(((mime, data) for magic, mime in _MAGIC if data.startswith(magic)), None)

"""The error of a JSON value that is not what was asked for."""

from __future__ import annotations

from ipyllm.structured.edits import Path

__all__ = ("Invalid",)


class Invalid(ValueError):
    """
    A value that does not fit.

    * `path`: where in it.
    * `rule`: the schema's keyword, or "value" where the class itself refused.
    * `message`: one sentence, with the path.
    """

    def __init__(self, path: Path, rule: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.rule = rule
        self.message = message

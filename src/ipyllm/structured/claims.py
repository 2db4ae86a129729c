"""
What has to stay true of a JSON value: claims that fall, and choices that survive a fall.

The whole document is one claim. Each branch of an `anyOf` is another: it may fall alone, and
only when no way is left does the choice take the claim it belongs to with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipyllm.structured.edits import Path

__all__ = ("Choice", "Claim", "Fall")


@dataclass(frozen=True, slots=True)
class Fall:
    """Why a claim cannot be true any more: where in the value, which keyword, and where in the text."""

    path: Path
    rule: str
    said: str
    at: int


class Claim:
    """That what follows can still fit; `choice` is the one it is a branch of, None for the document's."""

    __slots__ = ("choice", "fallen")

    def __init__(self, choice: Choice | None = None) -> None:
        self.choice = choice
        self.fallen: Fall | None = None

    def fall(self, fall: Fall) -> None:
        # A loop: choices are nested as deep as the text, and a recursive call a level has an end.
        claim, reason = self, fall
        while claim.fallen is None:
            claim.fallen = reason
            found = claim.choice and claim.choice.verdict(reason.at)
            if claim.choice is None or found is None or claim.choice.claim is None:
                return
            claim, reason = claim.choice.claim, found


class Choice:
    """
    `anyOf`, `oneOf`, `not`, `if` or `contains` of one schema, for one value.

    * `claim`: what falls with it; None where somebody looks at the branches himself (`contains`).
    """

    __slots__ = ("branches", "claim", "keyword")

    def __init__(self, keyword: str, count: int, claim: Claim | None) -> None:
        self.keyword = keyword
        self.claim = claim
        self.branches = tuple(Claim(self) for _ in range(count))

    def verdict(self, at: int) -> Fall | None:
        """Why nothing is left, now that a branch has fallen; None: something may still fit."""
        fallen = [branch.fallen for branch in self.branches]
        match self.keyword:
            case "anyOf" | "oneOf":
                return None if None in fallen else _last([fall for fall in fallen if fall], at)
            case "if":
                condition, then, other = fallen
                if other and (condition or then):
                    return replace(other if condition else then or other, at=at)
                return None
            case _:
                return None

    def settle(self, path: Path, at: int) -> None:
        """The value is whole: a branch that has not fallen is true."""
        if self.claim is None or self.claim.fallen:
            return
        alive = sum(branch.fallen is None for branch in self.branches)
        match self.keyword:
            case "oneOf" if alive > 1:
                self.claim.fall(
                    Fall(path, "oneOf", "this fits more than one of what it has to be", at)
                )
            case "not" if alive:
                self.claim.fall(Fall(path, "not", "this is what it must not be", at))
            case "if":
                condition, then, other = (branch.fallen for branch in self.branches)
                if reason := other if condition else then:
                    self.claim.fall(replace(reason, at=at))
            case _:
                pass


def _last(falls: list[Fall], at: int) -> Fall:
    """The branch that was believed longest, or went deepest, tells best what is wrong."""
    best = max(falls, key=lambda fall: (fall.at, len(fall.path)))
    return replace(best, at=at)

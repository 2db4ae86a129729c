"""What stays of a race in the notebook: its track, and below it every answer as it stays alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipyllm.front_end import is_watched
from ipyllm.run.race import Race
from ipyllm.sinks.standings import standings
from ipyllm.widget.static_html import bundle, metadata
from ipyllm.widget.track import track_html

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("race_bundle", "race_metadata")

_LANE = "1 1 210px"  # beside each other as far as there is room
_LANES = "display:flex;flex-wrap:wrap;align-items:flex-start;gap:12px 32px"


def race_bundle(
    race: Race, bundles: Sequence[dict[str, Any]] = (), *, timed: bool = True
) -> dict[str, Any]:
    """
    `text/html`, `text/markdown` and `text/plain`.

    * `bundles`: those of its answers, where they are there already.
    * `timed`: with times in it; False where outputs are compared (nbval).
    """
    parts = bundles or [bundle(reply, timed=timed) for reply in race]
    html = "".join(
        f'<div style="flex:{_LANE};min-width:0">{part["text/html"]}</div>' for part in parts
    )
    track = f'<div style="margin:4px 0 5px">{track_html(race.lanes)}</div>' if timed else ""
    named = [(lane.title, str(reply)) for lane, reply in zip(race.lanes, race, strict=True)]
    plain = "\n\n".join(f"{title}:\n{text}" for title, text in named)
    return {
        "text/html": f'<div>{track}<div style="{_LANES}">{html}</div></div>',
        "text/markdown": "\n\n".join(f"**{title}**\n\n{text}" for title, text in named),
        "text/plain": standings(race.lanes) if timed else plain,
    }


def race_metadata(race: Race) -> dict[str, Any]:
    """`{"ipyllm": {"race": [...]}}`: the numbers of each answer."""
    return {"ipyllm": {"race": [metadata(reply)["ipyllm"] for reply in race]}}


def _shown(race: Race) -> dict[str, Any]:
    """A race that is a cell's last value: as `Reply.bundle`."""
    return race_bundle(race, timed=is_watched())


Race.bundle = _shown

"""The front end's Markdown and ours: the same grammar, in two languages."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ipyllm.widget.markdown import parser

ROOT = Path(__file__).resolve().parents[2]
WIDGET = ROOT / "js" / "widget"
sys.path.insert(0, str(ROOT))

MORSELS = (
    "a|b |\n|\n\n|- |* |1. |> |    |\t|# |```|~~~|---|===|$$|$x$|$ |\\(a\\)|\\[|\\]|`|**|_|[x]"
)
MORSELS += (
    "|<b>|!|\\|&amp;|&copyx;|🙂|~~|:|5|$5 and $6|<https://ä.b/ä%20c>|[y](http://ü.de/ö?ß#[)|x$"
)
TABLE = "| a | b |\n|---|:-:|\n| 1 |\n"


def fuzz() -> list[str]:
    chance = random.Random(4)
    morsels = [*MORSELS.split("|"), "|", TABLE]
    return ["".join(chance.choices(morsels, k=chance.randrange(40))) for _ in range(1000)]


def rendered(source: str) -> str:
    """As the page has it: our renderings of links, images and code have tests of their own."""
    md = parser()
    for rule in ("link_open", "image", "fence"):
        md.renderer.rules.pop(rule)
    md.renderer.rules["image"] = md.renderer.__class__(md).image
    md.renderer.rules["fence"] = md.renderer.__class__(md).fence
    html: str = md.render(source)
    return normal(html)


def normal(html: str) -> str:
    return re.sub(r'style="text-align: ?(\w+);?"', r'style="text-align:\1"', html)


@pytest.fixture(scope="module")
def front_end() -> list[tuple[str, str]]:
    import hatch_build

    node = hatch_build.machine_node() or str(hatch_build.wheel_node() / "bin" / "node")
    ran = subprocess.run(
        [node, "test/markdown/one-shot.mjs"],
        cwd=WIDGET,
        input=json.dumps(fuzz()),
        capture_output=True,
        text=True,
        check=True,
    )
    return [(source, html) for source, html in json.loads(ran.stdout)]


def test_both_languages_read_markdown_alike(front_end):
    """CommonMark's examples, and a thousand heaps of morsels."""
    assert len(front_end) == 1652
    differing = [source for source, html in front_end if rendered(source) != normal(html)]
    for source in differing[:5]:
        html = dict(front_end)[source]
        print(repr(source), repr(normal(html)), repr(rendered(source)), sep="\n  ")
    assert differing == []

"""
Inline styles for the static output: each value plain first, then by JupyterLab's variables.

Lab's sanitizer (a notebook opened untrusted) drops every declaration with `var()` and keeps
the plain one; browsers take the last they understand, so themes still work (measured).

No `background` and no `list-style`, only `background-color` and `list-style-type`: for its table
of contents Lab sanitises every HTML output, and its patterns of those two (12 and 10 KB) cost 75 ms
on first use, in one task; those of the longhands cost 1.
"""

from __future__ import annotations

__all__ = (
    "CODE_FONT",
    "QUIET",
    "SHADE",
    "SUCCESS",
    "UI_FONT",
    "WARN",
    "code_block",
    "line",
    "themed",
)


def themed(prop: str, value: str, variable: str, plain: str = "") -> str:
    """`prop:value;prop:var(--jp-..., value)`, with `plain` where the fallback alone differs."""
    return f"{prop}:{plain or value};{prop}:var(--jp-{variable},{value})"


QUIET = themed("color", "#757575", "ui-font-color2")
SUCCESS = themed("background-color", "#388e3c", "success-color1")
WARN = themed("background-color", "#f57c00", "warn-color1")
SHADE = themed("background-color", "rgba(128,128,128,.12)", "layout-color2")
UI_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif)"
CODE_FONT = "font-family:var(--jp-code-font-family,ui-monospace,Menlo,monospace)"


def line(side: str, width: int) -> str:
    """A quiet rule."""
    return (
        f"border-{side}:{width}px solid #9e9e9e;"
        f"border-{side}:{width}px solid var(--jp-border-color2,rgba(128,128,128,.3))"
    )


def code_block(size: str) -> str:
    """
    What stands for a renderer's `<pre><code`; `size` is the font's.

    Code in it has no ground of its own: JupyterLab and nbconvert give it the page's, and each line
    looks struck out.
    """
    return (
        f'<pre style="margin:0 0 1em;padding:8px 10px;border-radius:3px;overflow-x:auto;{SHADE};'
        f'{CODE_FONT};{size};line-height:1.5"><code style="background-color:transparent"'
    )

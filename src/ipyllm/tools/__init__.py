"""Plain Python functions as tools of a model: schema, call, result."""

from __future__ import annotations

from ipyllm.tools.call import Outcome, Prepared, Refusal, prepare, run_calls
from ipyllm.tools.result import Result, result_of
from ipyllm.tools.tool import Tool, as_tool, tool, tools_of

__all__ = (
    "Outcome",
    "Prepared",
    "Refusal",
    "Result",
    "Tool",
    "as_tool",
    "prepare",
    "result_of",
    "run_calls",
    "tool",
    "tools_of",
)

"""What one row asks: all of it, so that it can also be asked elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipyllm.request import Request
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.sweep.model import Model
from ipyllm.sweep.row import Result, result_of
from ipyllm.tools.planning import Wanted, planned
from ipyllm.transport.limits import Limits

if TYPE_CHECKING:
    from ipyllm.providers import Target
    from ipyllm.request import Message
    from ipyllm.run.plan import Plan
    from ipyllm.run.source import Source

__all__ = ("Question",)


@dataclass(frozen=True, slots=True)
class Question:
    """
    One request and what its answer should be; can be pickled.

    * `schema`, `retries`: as `ipyllm.stream` takes them.
    """

    model: Model
    prompt: str
    system: str
    params: Mapping[str, Any]
    schema: object
    retries: int
    limits: Limits

    @property
    def asked(self) -> Sequence[Message]:
        """The conversation that is sent."""
        return [{"role": "user", "content": self.prompt}]

    def prepared(
        self, names: Mapping[str, Any] | None = None, target: Target | None = None
    ) -> tuple[Source, Plan | None]:
        """
        What answers, and what sees to the form; `target`: as `Model.source` takes it.

        Raises:
            IpyllmError: as `Model.source`, or the schema is none.
        """
        request = Request("", self.asked, self.system, dict(self.params))
        wanted = Wanted(schema=self.schema, retries=self.retries)
        request, plan = planned(request, wanted, names)
        return self.model.source(request, self.limits, names, target), plan

    def ask(self) -> Result:
        """Ask here and now, and wait for the end."""
        source, plan = self.prepared()
        run = Run(source, NullSink(), asked=self.asked, plan=plan)
        run.start()
        return result_of(run, run.pump())

    def digest(self, schema: Mapping[str, Any] | None) -> str:
        """What makes two questions the same call: all that decides what is sent, and to whom."""
        told = {
            "model": self.model.label,
            "system": self.system,
            "prompt": self.prompt,
            "params": dict(self.params),
            "schema": schema,
        }
        text = json.dumps(told, sort_keys=True, ensure_ascii=False, default=repr)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:24]

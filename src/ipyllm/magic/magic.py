"""The magics themselves: read the cell, find the model, let the answer stream."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    Magics,
    cell_magic,
    line_magic,
    magics_class,
    output_can_be_silenced,
)

from ipyllm.errors import UsageError
from ipyllm.magic import recording
from ipyllm.magic.answer import Answer, streams, variables
from ipyllm.magic.arguments import CellArguments, HelpShown, parse_cell
from ipyllm.magic.commands import Commands
from ipyllm.magic.conversation import Draft, Threads
from ipyllm.magic.interpolate import prompt_of
from ipyllm.magic.recording import Recording
from ipyllm.magic.running_cell import RunningCell
from ipyllm.magic.settings import IPyLLM
from ipyllm.request import Request
from ipyllm.run.source import source_for, usual_model
from ipyllm.transport.limits import Limits

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.magic.race import RunningRace
    from ipyllm.run.budget import Purse
    from ipyllm.run.plan import Plan
    from ipyllm.run.reply import Reply

__all__ = ("LlmMagics",)


@magics_class
class LlmMagics(Magics):
    """`%%llm` streams an answer; `%llm` asks about the rest."""

    purse: Purse | None = None

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.threads = Threads()
        self._running = RunningCell()
        self._last_asked: tuple[Reply, CellArguments] | None = None

    @cell_magic("llm")
    def cell(self, line: str, cell: str) -> None:
        """Stream a model's answer to the cell's text. `%%llm -h` lists the flags."""
        try:
            arguments = parse_cell(line)
        except HelpShown as shown:
            print(shown)
            return
        one = arguments
        flags = Recording(one.record, one.replay, one.speed, one.cache, one.wire, one.background)
        with recording.through(flags, [arguments.model or self.default(), *arguments.rivals]):
            answer = self._answer(arguments, cell, self._running.owner(self.shell))
            if arguments.background:
                answer.show_in_background()
            else:
                answer.show()

    @output_can_be_silenced  # pyright: ignore[reportUnknownMemberType, reportUntypedFunctionDecorator]
    @line_magic("llm")
    def line(self, line: str) -> Any:
        """`%llm help` lists what it knows."""
        return Commands(self).run(line.strip().removesuffix(";").rstrip())

    def _answer(self, arguments: CellArguments, cell: str, owner: str) -> Answer | RunningRace:
        shell = self.shell
        assert shell is not None  # noqa: S101 - IPython makes no magics without one
        prompt = cell.strip("\n")
        if not prompt.strip():
            raise UsageError("The prompt is empty.", hint="Write it below the %%llm line.")
        sent = prompt_of(shell, prompt, arguments.attach, raw=arguments.raw)
        draft = self.threads.draft(owner, arguments) if arguments.thread else None
        request = Request(
            model="",
            messages=({"role": "user", "content": sent.content},),
            system=arguments.system,
            params=arguments.params,
        )
        if draft is not None:
            self._refuse_while_streaming(draft)
            history = draft.thread.before(draft.place)
            system = arguments.system or draft.thread.system_at(draft.place)
            request = replace(request, messages=[*history, *request.messages], system=system)
        answer = self._found(arguments, request, arguments.model or self.default())
        asked = answer.conversation()

        def settled(reply: Reply) -> None:
            self._last_asked = (reply, arguments)
            kept = draft is None or draft.keep(reply, asked=len(asked))
            if kept:
                self.threads.leave(owner, arguments.thread)

        answer.draft, answer.settled = draft, settled
        answer.hints, answer.references = sent.hints, sent.references
        if not arguments.rivals:
            return answer
        from ipyllm.magic.race import RunningRace  # zmq and ipywidgets' Box: for these cells only

        rivals = [self._found(arguments, request, model) for model in arguments.rivals]
        for rival in rivals:
            rival.references = sent.references
        return RunningRace(shell, [answer, *rivals], arguments.output, settled)

    def _found(self, arguments: CellArguments, request: Request, model: str) -> Answer:
        """Whoever answers, with the tools, the form and the budget of these flags."""
        shell = self.shell
        assert shell is not None  # noqa: S101 - as above
        names = variables(shell)
        request, plan = _planned(request, arguments, names)
        chosen = source_for(
            model,
            request,
            Limits(total=arguments.timeout),
            base_url=arguments.base_url,
            key_env=arguments.key_env,
            names=names,
        )
        budget = None
        if arguments.budget or self.purse is not None:
            from ipyllm.run.allowance import allowance

            budget = allowance(arguments.budget, chosen.model, request.messages, self.purse)
        return Answer(shell, chosen, request, arguments.output, plan, budget)

    def continued(self, name: str) -> Answer:
        """
        The last answer of that thread, or `_llm`, going on.

        Raises:
            UsageError: there is none, or it cannot go on.
        """
        from ipyllm.magic.continuing import continuation

        reply, arguments, draft = self._partial(name)
        if draft is not None:
            self._refuse_while_streaming(draft)
        if arguments.schema:
            raise UsageError("An answer to --schema cannot go on.", hint="Run the cell again.")
        model = arguments.model or reply.model
        where = f"the last answer of {name!r}" if name else "the last answer"
        going_on = continuation(reply, model, where=where)
        request = going_on.request(arguments.params)
        answer = self._found(arguments, request, model)

        def settled(joined: Reply) -> None:
            going_on.join(joined)
            self._last_asked = (joined, arguments)
            if draft is not None:
                draft.keep(joined, asked=len(going_on.messages))

        answer.draft, answer.settled = draft, settled
        answer.asked, answer.before = going_on.messages, going_on.before
        return answer

    def _partial(self, name: str) -> tuple[Reply, CellArguments, Draft | None]:
        """The answer to go on with, what its cell asked for, and its turn if it has one."""
        reply = self.threads.find(name).last() if name else self.last()
        if found := self.threads.turn_of(reply):
            thread, place = found
            turn = thread.turns[place]
            count = len(turn.messages) - 1
            return reply, turn.arguments, Draft(thread, place, turn.owner, turn.arguments, count)
        if self._last_asked is not None and self._last_asked[0] is reply:
            return (*self._last_asked, None)
        return reply, CellArguments(), None

    def _refuse_while_streaming(self, draft: Draft) -> None:
        if streams(draft.thread):
            raise UsageError(
                f"Thread {draft.thread.name!r} still streams in the background.",
                hint="Wait for it, or stop it: %llm stop.",
            )

    @cached_property
    def settings(self) -> IPyLLM:
        """What `%config IPyLLM` shows and sets."""
        return IPyLLM(self.shell, self.refuse)

    @property
    def default_model(self) -> str:
        """The one that was chosen; "" for none."""
        return self.settings.model

    def default(self) -> str:
        """Which model answers without `-m`."""
        return self.default_model or usual_model()

    def choose(self, name: str) -> None:
        """
        Have this model answer without `-m`.

        Raises:
            IpyllmError: what %%llm would refuse later.
        """
        self.refuse(name)
        self.settings.model = name

    def refuse(self, name: str) -> None:
        """Raises: IpyllmError: what %%llm would refuse later."""
        names = variables(self.shell) if self.shell else None
        source_for(name, Request("", ()), Limits(), names=names)

    def last(self) -> Any:
        """
        What `_llm` holds.

        Raises:
            UsageError: nothing yet.
        """
        last = variables(self.shell).get("_llm") if self.shell else None
        if last is None:
            raise UsageError("There is no answer yet.", hint="Run a %%llm cell first.")
        return last


def _planned(
    request: Request, arguments: CellArguments, names: dict[str, Any]
) -> tuple[Request, Plan | None]:
    """Tools and form, where they are asked for: nobody else loads what they need."""
    if not (arguments.tools or arguments.schema):
        return request, None
    from ipyllm.magic.naming import function_named, type_named
    from ipyllm.tools.planning import Wanted, planned

    wanted = Wanted(
        tools=[function_named(name, names) for name in arguments.tools],
        max_rounds=arguments.max_rounds,
        approve=arguments.approve,
        schema=type_named(arguments.schema, names) if arguments.schema else None,
        abort=arguments.abort,
        retries=arguments.retries,
    )
    return planned(request, wanted, names)

"""The magics themselves: read the cell, find the model, let the answer stream."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from ipyllm._version import __version__
from ipyllm.dialects import dialect
from ipyllm.errors import UsageError
from ipyllm.magic import models_comm, recording
from ipyllm.magic.alias_command import alias_command
from ipyllm.magic.answer import Answer, in_background, streams, variables
from ipyllm.magic.arguments import CellArguments, HelpShown, parse_cell, usage
from ipyllm.magic.conversation import Draft, Threads
from ipyllm.magic.failures import unwatch, watch
from ipyllm.magic.interpolate import prompt_of
from ipyllm.magic.listing import keys_text, models_of, models_text
from ipyllm.magic.recording import Recording
from ipyllm.magic.reply_command import reply_command
from ipyllm.magic.running_cell import RunningCell
from ipyllm.request import Request
from ipyllm.run.source import source_for, usual_model
from ipyllm.transport.http import warm_up
from ipyllm.transport.limits import Limits
from ipyllm.transport.loop import network_loop

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipyllm.magic.race import RunningRace
    from ipyllm.run.budget import Purse
    from ipyllm.run.plan import Plan
    from ipyllm.run.reply import Reply

__all__ = ("LlmMagics", "register", "unregister")

_COMMANDS = {
    "model": "the default model; `%llm model NAME` sets it",
    "models": "what can be named after -m; `%llm models PROVIDER` asks it for its list",
    "alias": "names of your own: `%llm alias fast groq/llama-3.1-8b-instant`, `%llm alias fast off`",
    "keys": "which keys are set",
    "budget": "what is left of the notebook's; `%llm budget 2000tok` sets one, `off` ends it",
    "last": "the last answer (also in _llm)",
    "show": "its live view once more; `%llm show NAME` that of a variable",
    "prompt": "what was sent for it, message by message",
    "continue": "go on with an answer that was cut off; `%llm continue THREAD`: the thread's last",
    "threads": "the conversations that `%%llm -c NAME` keeps",
    "thread": "`%llm thread NAME` shows it; then also `fork NEW`, `clear`, `export [FILE.json]`",
    "cache": "how many answers --cache keeps; `%llm cache clear` deletes them",
    "wire": "what the last --wire saw",
    "stop": "stop the answers that stream in the background",
    "version": "of ipyllm",
    "help": "this, and the flags of %%llm",
}


@magics_class
class LlmMagics(Magics):
    """`%%llm` streams an answer; `%llm` asks about the rest."""

    default_model = ""
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

    @line_magic("llm")
    def line(self, line: str) -> Any:
        """`%llm help` lists what it knows."""
        command, _, rest = line.strip().partition(" ")
        match command:
            case "model":
                return self._model(rest.strip())
            case "models":
                print(models_of(rest.strip()) if rest.strip() else models_text())
            case "keys":
                print(keys_text())
            case "budget":
                print(self._budget(rest.strip()))
            case "last":
                return self._last()
            case "show" | "prompt":
                reply_command(command, rest.strip(), variables(self.shell) if self.shell else {})
            case "alias":
                print(alias_command(rest))
            case "continue":
                self._continued(rest.strip()).show()
            case "threads" | "thread":
                return self._threads(command, rest)
            case "cache" | "wire":
                return self._recorded(command, rest.strip())
            case "stop":
                self._stop()
            case "version":
                print(__version__)
            case "help" | "" | "-h" | "--help":
                print(_help())
            case _:
                known = ", ".join(_COMMANDS)
                raise UsageError(
                    f"%llm {command} is not known.", hint=f"Known: {known}. A prompt needs %%llm."
                )
        return None

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

    def _continued(self, name: str) -> Answer:
        """The last answer of that thread, or `_llm`, going on."""
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
        reply = self.threads.find(name).last() if name else self._last()
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

    def _threads(self, command: str, rest: str) -> Any:
        from ipyllm.magic.thread_command import thread_command, threads_text

        if command == "threads":
            print(threads_text(self.threads))
            return None
        page = getattr(self.shell, "kernel", None) is not None
        return thread_command(self.threads, rest, print, page=page)

    @staticmethod
    def _recorded(command: str, rest: str) -> Any:
        if command == "wire":
            return recording.last_wire()
        print(recording.cache(rest))
        return None

    def default(self) -> str:
        """Which model answers without `-m`."""
        return self.default_model or usual_model()

    def choose(self, name: str) -> None:
        """
        Have this model answer without `-m`.

        Raises:
            IpyllmError: what %%llm would refuse later.
        """
        names = variables(self.shell) if self.shell else None
        source_for(name, Request("", ()), Limits(), names=names)
        self.default_model = name

    def _model(self, name: str) -> None:
        if name:
            self.choose(name)
        print(self.default())

    def _budget(self, words: str) -> str:
        from ipyllm.run.budget import Budget, Purse

        if words in ("off", "none"):
            self.purse = None
        elif words:
            self.purse = Purse(Budget.parse([words]))
        return "no budget" if self.purse is None else self.purse.left()

    def _last(self) -> Any:
        last = variables(self.shell).get("_llm") if self.shell else None
        if last is None:
            raise UsageError("There is no answer yet.", hint="Run a %%llm cell first.")
        return last

    def _stop(self) -> None:
        runs = in_background()
        for run in runs:
            run.cancel()
        print(
            f"stopped {len(runs)} in the background"
            if runs
            else "nothing streams in the background"
        )


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


def register(shell: InteractiveShell) -> None:
    """Add the magics; warn when they take the place of somebody else's."""
    manager: Any = shell.magics_manager
    before = manager.magics["cell"].get("llm")
    owner = getattr(before, "__module__", "") or ""
    if before is not None and not owner.startswith("ipyllm."):
        warnings.warn(
            f"%%llm was already registered by {owner!r}; ipyllm takes its place now.", stacklevel=3
        )
    earlier = manager.registry.get("LlmMagics")
    magics = LlmMagics(shell)
    if isinstance(earlier, LlmMagics):  # %reload_ext: the conversations go on
        magics.threads = earlier.threads
        magics.default_model, magics.purse = earlier.default_model, earlier.purse
    shell.register_magics(magics)
    watch(shell)
    models_comm.register(shell)
    # Here rather than in the first answer, where it would be part of its time to first token.
    dialect("openai_chat")
    asyncio.run_coroutine_threadsafe(warm_up(), network_loop()).result()


def _help() -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  %llm {name:<{width}}  {what}" for name, what in _COMMANDS.items()]
    return "\n".join([*lines, "", usage()])


def unregister(shell: InteractiveShell) -> None:
    """Take the magics away again."""
    unwatch(shell)
    models_comm.unregister(shell)
    manager: Any = shell.magics_manager
    for kind in ("cell", "line"):
        manager.magics[kind].pop("llm", None)

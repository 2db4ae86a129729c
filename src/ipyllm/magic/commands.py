"""`%llm COMMAND`: what there is, and what each does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipyllm._version import __version__
from ipyllm.errors import UsageError
from ipyllm.magic import recording
from ipyllm.magic.alias_command import alias_command
from ipyllm.magic.answer import in_background, variables
from ipyllm.magic.arguments import usage
from ipyllm.magic.listing import keys_text, models_of, models_text
from ipyllm.magic.reply_command import reply_command

if TYPE_CHECKING:
    from ipyllm.magic.magic import LlmMagics

__all__ = ("COMMANDS", "Commands", "help_text")

COMMANDS = {
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
"""Name -> what people read of it."""


class Commands:
    """The commands of one notebook's magics."""

    def __init__(self, magics: LlmMagics) -> None:
        self._magics = magics

    def run(self, line: str) -> Any:
        """
        Do it; gives what is a value, and prints the rest.

        Raises:
            UsageError: there is no such command.
        """
        command, _, rest = line.partition(" ")
        rest = rest.strip()
        match command:
            case "last":
                return self._magics.last()
            case "thread":
                return self._thread(rest)
            case "wire":
                return recording.last_wire()
            case "show" | "prompt":
                reply_command(command, rest or "_llm", self._found(rest))
            case "continue":
                self._magics.continued(rest).show()
            case _:
                print(self._said(command, rest))  # noqa: T201 - for the person who typed it
        return None

    def _found(self, name: str) -> Any:
        shell = self._magics.shell
        return variables(shell).get(name) if name and shell else self._magics.last()

    def _said(self, command: str, rest: str) -> str:
        match command:
            case "model":
                return self._model(rest)
            case "models":
                return models_of(rest) if rest else models_text()
            case "alias":
                return alias_command(rest)
            case "keys":
                return keys_text()
            case "budget":
                return self._budget(rest)
            case "threads":
                return self._threads()
            case "cache":
                return recording.cache(rest)
            case "stop":
                return _stopped()
            case "version":
                return __version__
            case "help" | "" | "-h" | "--help":
                return help_text()
            case _:
                known = ", ".join(COMMANDS)
                raise UsageError(
                    f"%llm {command} is not known.", hint=f"Known: {known}. A prompt needs %%llm."
                )

    def _model(self, name: str) -> str:
        if name:
            self._magics.choose(name)
        return self._magics.default()

    def _budget(self, words: str) -> str:
        from ipyllm.run.budget import Budget, Purse

        magics = self._magics
        if words in ("off", "none"):
            magics.purse = None
        elif words:
            magics.purse = Purse(Budget.parse([words]))
        return "no budget" if magics.purse is None else magics.purse.left()

    def _threads(self) -> str:
        from ipyllm.magic.thread_command import threads_text

        return threads_text(self._magics.threads)

    def _thread(self, rest: str) -> Any:
        from ipyllm.magic.thread_command import thread_command

        page = getattr(self._magics.shell, "kernel", None) is not None
        return thread_command(self._magics.threads, rest, print, page=page)


def _stopped() -> str:
    runs = in_background()
    for run in runs:
        run.cancel()
    return f"stopped {len(runs)} in the background" if runs else "nothing streams in the background"


def help_text() -> str:
    """All commands, and the flags of %%llm."""
    width = max(map(len, COMMANDS))
    lines = [f"  %llm {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join([*lines, "", usage()])

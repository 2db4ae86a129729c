"""`%llm show`, `%llm prompt`: an answer once more, and what was sent for it."""

from __future__ import annotations

from ipyllm.errors import UsageError
from ipyllm.run.race import Race
from ipyllm.run.reply import Reply

__all__ = ("reply_command",)


def reply_command(command: str, name: str, found: object) -> None:
    """
    Show what was found under `name`: an answer, or a race's answers.

    Raises:
        UsageError: it is none.
    """
    replies = found if isinstance(found, Race) else [found]
    for reply in replies:
        if not isinstance(reply, Reply):
            raise _no_reply(name, found)
        if command == "show":
            reply.show()
        else:
            _sent(reply)


def _sent(reply: Reply) -> None:
    from IPython.display import HTML, display  # pyright: ignore[reportUnknownVariableType]

    from ipyllm.widget.sent import sent_html

    display(HTML(sent_html(reply.asked, reply.references)))


def _no_reply(name: str, found: object) -> UsageError:
    what = "is not there" if found is None else f"is a {type(found).__name__}, no answer"
    return UsageError(f"{name!r} {what}.", hint="Name a variable of -o, or nothing for _llm.")

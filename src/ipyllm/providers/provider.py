"""An endpoint as it is registered, and as one request finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyllm.keys import Key

__all__ = ("Provider", "Target")


@dataclass(frozen=True, slots=True)
class Provider:
    """
    An endpoint one can name in `-m name/model`.

    * `base_url`: what the dialect's path is put behind; `{NAME}` stands for a variable of the
      environment. `base_env`: a variable whose address is used instead.
    * `key_env`: variables that may hold the key, the usual one first; none for a local server.
    * `key_needed`: refuse to call without a key.
    * `auth`: the header that carries the key, where it is not the dialect's own.
    * `header_env`: (header, variable): sent where the variable is set.
    * `params`: sent with each request unless the user sets them.
    * `continues`: what to send so that a last message of the assistant is gone on with; None where
      that is not to be had.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...] = ()
    base_env: str = ""
    dialect: str = "openai_chat"
    key_needed: bool = False
    auth: str = ""
    header_env: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, object], ...] = ()
    continues: tuple[tuple[str, object], ...] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where one request goes, all looked up.

    * `model`: the name as the service knows it.
    * `label`: what people see, `provider/model`.
    * `auth`: the header that carries the key; `authorization` says `Bearer` before it.
    * `headers`: sent beside it.
    * `params`: in the body, unless the user sets them.
    """

    provider: str
    model: str
    dialect: str
    base_url: str
    key: Key | None = None
    label: str = ""
    auth: str = "authorization"
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, object], ...] = ()

    def url(self, path: str) -> str:
        """
        The address of `path` below the base URL.

        A query stays; what both have in common is there once: `https://host/v1` and `/v1/messages` are
        `https://host/v1/messages`, and so is the whole address pasted as a base URL.
        """
        path, _, query = path.partition("?")
        base, _, given = self.base_url.partition("#")[0].partition("?")
        base = base.rstrip("/")
        steps = path.split("/")
        for count in range(len(steps), 1, -1):
            common = "/".join(steps[:count])
            if base.endswith(common):
                path = path[len(common) :]
                break
        queries = dict.fromkeys(filter(None, (*given.split("&"), *query.split("&"))))
        return base + path + "?" * bool(queries) + "&".join(queries)

    @property
    def all_headers(self) -> dict[str, str]:
        """What is sent with each request; the key among them, so never to be shown."""
        headers = dict(self.headers)
        if self.key is not None:
            bearer = self.auth == "authorization"
            headers[self.auth] = f"Bearer {self.key.value}" if bearer else self.key.value
        return headers

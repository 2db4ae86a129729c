"""Who answers: a name, a function, or a name at an address of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from ipyllm.errors import UsageError
from ipyllm.providers import Target, resolve
from ipyllm.run.pull import PythonSource
from ipyllm.run.source import HttpSource, source_for
from ipyllm.sweep.listed import listed
from ipyllm.transport.cassette import sender, stocked

if TYPE_CHECKING:
    from ipyllm.request import Request
    from ipyllm.run.source import Source
    from ipyllm.transport.limits import Limits

__all__ = ("Model", "models_of")

_OPTIONS = ("model", "base_url", "key_env")
_HERE = ("local", "browser", "python")


@dataclass(frozen=True, slots=True)
class Model:
    """
    One of the grid's models.

    * `spec`: `provider/model`. `label`: the same for people, with the address if it has its own.
    * `base_url`, `key_env`: as `ipyllm.stream` takes them; "" for the provider's own.
    * `answers`: the function that answers, for a model that is one.
    """

    spec: str
    label: str
    base_url: str = ""
    key_env: str = ""
    answers: Callable[..., Any] | None = None

    def source(
        self,
        request: Request,
        limits: Limits,
        names: Mapping[str, Any] | None = None,
        target: Target | None = None,
    ) -> Source:
        """
        What answers one request; `target`: as `target()` gave it once for many.

        Raises:
            IpyllmError: unknown provider, no key, no weights.
        """
        if target is not None and self._provider != "ws":
            return HttpSource(target, replace(request, model=target.model), limits)
        if self.answers is not None:
            return PythonSource(self.spec, self.answers, request, limits)
        return source_for(
            self.spec,
            request,
            limits,
            base_url=self.base_url,
            key_env=self.key_env,
            names=names,
        )

    @property
    def endpoint(self) -> str:
        """What all requests to one address have in common."""
        target = self.target()
        return self._provider if target is None else urlsplit(target.base_url).netloc

    @property
    def is_alone(self) -> bool:
        """The embedded model and the browser's answer one question at a time."""
        return self._provider in ("local", "browser")

    @property
    def secrets(self) -> list[str]:
        """What must never be written down."""
        target = self.target()
        if target is None:
            return []
        password = unquote(urlsplit(target.base_url).password or "")
        return [password, *([target.key.value] if target.key is not None else [])]

    def target(self) -> Target | None:
        """
        Where requests go, key and all, looked up anew; None for what is asked without an address.

        Raises:
            IpyllmError: unknown provider, no key, no address.
        """
        if self._provider in _HERE:
            return None
        if self._provider == "ws":
            url = self.spec.partition("/")[2] or self.base_url
            address = url if "://" in url else f"ws://{url}"
            return Target("ws", "", "messages", address)
        # What is recorded needs no key.
        offline = stocked() or not sender()[1]
        return resolve(self.spec, base_url=self.base_url, key_env=self.key_env, offline=offline)

    @property
    def _provider(self) -> str:
        return self.spec.partition("/")[0]


def models_of(given: Any, base_url: str = "", key_env: str = "") -> list[Model]:
    """
    The models of `models=`: one or several names, functions, or dicts of `model`, `base_url`, `key_env`.

    Raises:
        UsageError: none, or something that is no model.
    """
    models = [_model(one, base_url, key_env) for one in listed(given) if one not in (None, "")]
    if not models:
        raise UsageError(
            "There is no model to ask.", hint='Write models="local", or a list of names.'
        )
    twice = [model.label for model in models if models.count(model) > 1]
    if twice:
        raise UsageError(f"{twice[0]} is there twice.", hint="repeats=2 asks the same model twice.")
    return _told_apart(models)


def _told_apart(models: list[Model]) -> list[Model]:
    """Two of one name at different addresses say where they are."""
    names = [model.label for model in models]
    return [
        replace(
            model, label=f"{model.label} @ {urlsplit(model.base_url).netloc.rpartition('@')[2]}"
        )
        if names.count(model.label) > 1 and model.base_url
        else model
        for model in models
    ]


def _model(given: object, base_url: str, key_env: str) -> Model:
    match given:
        case str():
            return Model(given.strip(), given.strip(), base_url, key_env)
        case Mapping():
            return _at(cast("Mapping[str, object]", given), base_url, key_env)
        case _ if callable(given):
            name = str(getattr(given, "__name__", "") or type(given).__name__)
            return Model(f"python/{name}", f"python/{name}", answers=given)
        case _:
            raise UsageError(
                f"{str(given)[:80]!r} is no model.",
                hint='Write "provider/model", a function, or {"model": ..., "base_url": ...}.',
            )


def _at(given: Mapping[str, object], base_url: str, key_env: str) -> Model:
    strange = [name for name in given if name not in _OPTIONS]
    if strange:
        raise UsageError(
            f"A model has no {strange[0]!r}.",
            hint=f"It has {', '.join(_OPTIONS)}; parameters go into params=.",
        )
    spec = str(given.get("model", "")).strip()
    if not spec:
        raise UsageError(f"No model named in {dict(given)!r}.", hint='Write {"model": "vllm/..."}.')
    return Model(
        spec, spec, str(given.get("base_url", base_url)), str(given.get("key_env", key_env))
    )

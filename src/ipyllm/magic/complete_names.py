"""
Names of the notebook that fit a place: a prompt's references, variables, functions, types.

None of the user's code is run for it, besides a `__dir__`: attributes are looked at where they are
kept, no property is read, and only Python's own lists and dicts are looked into.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import GenericAlias, GetSetDescriptorType, MemberDescriptorType, ModuleType, UnionType
from typing import Any, cast

from ipyllm.magic.complete_choice import Choice, Choices, chosen
from ipyllm.magic.reading import Names
from ipyllm.magic.references import Attribute, Item, Path, parsed

__all__ = ("functions", "in_prompt", "references_in", "streams_in", "types_in", "variables_in")

_OPEN = re.compile(r"\{(?P<head>[^{}]*?)(?P<join>\.|\[[\"']?)?(?P<last>[\w ]*)\Z")
_LAST_NAME = re.compile(r"[\w.]*\Z")
_BUILT_IN = ("bool", "dict", "float", "int", "list", "set", "str", "tuple")
_MAX_KEYS = 500
_LONG = 10_000  # characters; no line that is typed
_ALIASES = (GenericAlias, UnionType)
_NOTHING = object()


def in_prompt(before: str, after: str, names: Names) -> Choices | None:
    """What goes on with the open brace before the cursor; None where none is open."""
    found = _OPEN.match(before, max(0, before.rfind("{"))) if len(before) < _LONG else None
    if found is None:
        return None
    head, join, last = found["head"], found["join"] or "", found["last"]
    if not join:
        return references_in(last, names) if not head and " " not in last else Choices(last)
    value = _peeked(head, names)
    if value is _NOTHING:
        return Choices(last)
    if join == ".":
        return chosen(last, _attributes(value, hidden=last.startswith("_")))
    return _keys(value, join, last, after)


def references_in(fragment: str, names: Names) -> Choices:
    """Variables a prompt or `-a` can name, those of the user's own first."""
    live = [name for name in names.names if names.is_live(Path(name, name))]
    seen = [name for name in live if not name.startswith("_") or fragment.startswith("_")]
    history = [Choice(f"{name}[", "by the cell's number") for name in names.history]
    return chosen(fragment, [*(_choice(name, names.names[name]) for name in seen), *history])


def variables_in(fragment: str, names: Names) -> Choices:
    """Variables an answer may take the place of: other answers first."""
    found = [name for name in references_in(fragment, names).choices if name.text in names.names]
    return chosen(fragment, sorted(found, key=lambda one: one.what != "Reply"))


def functions(fragment: str, names: Names) -> Choices:
    """What the model can be given to call; of a module too."""
    return _named(fragment, names, _is_function)


def types_in(fragment: str, names: Names) -> Choices:
    """Types and schemas, for the last name of an expression such as `list[Per`."""
    found = _LAST_NAME.search(fragment)
    last = found[0] if found else ""
    named = _named(last, names, _is_type)
    built_in = chosen(last, (Choice(name, "type") for name in _BUILT_IN))
    return Choices(last, (*named.choices, *built_in.choices))


def streams_in(fragment: str, names: Names) -> Choices:
    """What `-m python/NAME` can pull an answer from."""
    return _named(fragment, names, lambda value: _is_function(value) or _is_iterator(value))


def _named(fragment: str, names: Names, fits: Callable[[Any], bool]) -> Choices:
    owner, dot, _ = fragment.rpartition(".")
    known = _members(owner, names) if dot else dict(_own(names))
    choices = [_choice(owner + dot + name, one) for name, one in known.items() if fits(one)]
    if not dot:
        choices += [
            Choice(f"{name}.", "module") for name, one in known.items() if type(one) is ModuleType
        ]
    return chosen(fragment, choices)


def _own(names: Names) -> Iterator[tuple[str, Any]]:
    """What is the user's, and not what IPython brought."""
    hidden = names.hidden
    for name, value in list(names.names.items()):
        brought = isinstance(hidden, Mapping) and hidden.get(name, _NOTHING) is value
        if not name.startswith("_") and not brought:
            yield name, value


def _members(owner: str, names: Names) -> dict[str, Any]:
    """Public names in a module or class that is named there."""
    first, *rest = owner.split(".")
    value = names.names.get(first, _NOTHING)
    for name in rest:
        value = _space(value).get(name, _NOTHING)
    return {name: one for name, one in _space(value).items() if not name.startswith("_")}


def _space(value: Any) -> dict[str, Any]:
    kind = _kind(value)
    return {**vars(value)} if issubclass(kind, (ModuleType, type)) else {}


def _kind(value: Any) -> type[Any]:
    return cast("type[Any]", type(value))


def _is_function(value: Any) -> bool:
    kind = _kind(value)
    return callable(value) and not issubclass(kind, (type, ModuleType))


def _is_iterator(value: Any) -> bool:
    kind = _kind(value)
    return hasattr(kind, "__next__") or hasattr(kind, "__anext__") or hasattr(kind, "__aiter__")


def _is_type(value: Any) -> bool:
    kind = _kind(value)
    alias = kind in _ALIASES or kind.__module__ == "typing"
    return issubclass(kind, type) or kind is dict or alias


def _peeked(head: str, names: Names) -> Any:
    path = parsed(head)
    if path is None or path.is_formatted or not names.is_live(path):
        return _NOTHING
    known = names.names if path.root in names.names else names.history
    value = known[path.root]
    for step in path.steps:
        value = _stored(value, step)
    return value


def _stored(value: Any, step: Attribute | Item) -> Any:
    if isinstance(step, Attribute):
        found = _NOTHING if step.name.startswith("_") else _static(value, step.name)
        # A slot's descriptor is C and gives what is stored; any other may be a property.
        return getattr(value, step.name, _NOTHING) if _is_slot(found) else found
    if type(value) not in (dict, list, tuple):
        return _NOTHING
    try:
        return value[step.key]
    except LookupError:
        return _NOTHING


def _static(value: Any, name: str) -> Any:
    found = inspect.getattr_static(value, name, _NOTHING)
    return _NOTHING if _is_computed(found) else found


def _is_computed(found: Any) -> bool:
    kind = _kind(found)
    return hasattr(kind, "__get__") and not _is_slot(found)


def _is_slot(found: Any) -> bool:
    return isinstance(found, (MemberDescriptorType, GetSetDescriptorType))


def _attributes(value: Any, *, hidden: bool) -> Iterator[Choice]:
    """Those a prompt can show: it calls nothing, and reads none that begin with an underscore."""
    if hidden:
        return
    for name in dir(value):
        if name.startswith("_"):
            continue
        found = inspect.getattr_static(value, name, _NOTHING)
        if isinstance(found, property):
            yield Choice(name, "property")
        elif found is _NOTHING or _is_slot(found):  # a table's column has no place of its own
            yield Choice(name, "attribute")
        elif not (callable(found) or _is_computed(found)):
            yield _choice(name, found)


def _keys(value: Any, join: str, last: str, after: str) -> Choices:
    quote = join[1:] or '"'
    closed = after.startswith(f"{quote}]")  # by an editor that closes what is opened
    end = "" if closed else quote if after.startswith("]") else f"{quote}]"
    found = [key for key in _known_keys(value) if isinstance(key, str) and _is_plain(key)]
    fragment = f"{join[1:]}{last}"
    return chosen(fragment, (Choice(f"{quote}{key}{end}", "key") for key in found))


def _known_keys(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(cast("dict[Any, Any]", value))[:_MAX_KEYS]
    pandas = cast("Any", sys.modules.get("pandas"))  # where it is not loaded, nothing is of it
    if pandas is not None and type(value) is pandas.DataFrame:
        return list(value.columns[:_MAX_KEYS])
    return []


def _is_plain(key: str) -> bool:
    return key.isprintable() and not set(key) & set("\"'\\{}") and not key.startswith("__")


def _choice(name: str, value: Any) -> Choice:
    return Choice(name, type(value).__name__)

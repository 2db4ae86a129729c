"""Tab in `%%llm` and `%llm`: what is offered, where, and how long it may take."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.ptutils import IPythonPTCompleter
from kernel.conftest import KERNELS, PLANTED, env_for, python_of
from kernel.driver import Kernel
from mock_server import MockServer, unanswered_port, whole
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from traitlets.config import Config

from ipyllm.magic import complete, complete_models
from ipyllm.magic.complete_choice import Choice, Choices
from ipyllm.magic.complete_files import files
from ipyllm.magic.complete_models import FRESH, PATIENCE, RETRY, Models
from ipyllm.magic.complete_place import CellLine, Command, Prompt, place, words_of
from ipyllm.magic.registering import register, unregister
from ipyllm.providers import aliases

pytestmark = pytest.mark.usefixtures("nothing_set")

SETUP = """
import math, typing
class Person:
    age: int
    def __init__(self): self.name, self.nickname = "Ada", "A"
    def walk(self): pass
    @property
    def loud(self): raise SystemExit
class Slotted:
    __slots__ = ("size",)
    def __init__(self): self.size = 1
person, slotted = Person(), Slotted()
form = {"type": "object", "two words": person}
rows = [person]
def weather(city: str) -> str: ...
def words(): yield "a"
stream = words()
_private = 1
"""


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    register(shell)
    shell.run_cell(SETUP)
    yield shell
    unregister(shell)


def offered(shell, cell: str, after: str = "") -> list[str]:
    """Give what IPython offers, each as the cell's last line would be with it."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(cell + after, len(cell)))
    return [(cell[: one.start] + one.text).rpartition("\n")[2] for one in found]


@pytest.mark.parametrize(
    ("cell", "row", "column", "expected"),
    [
        ("%%llm -m lo", 0, 11, CellLine(" -m lo")),
        ("%%llm -m local\nhi", 0, 9, CellLine(" -m ")),
        ("\n%%llm ", 1, 6, CellLine(" ")),
        ("%%time\n%%llm ", 1, 6, CellLine(" ")),
        ("%%capture out\n%%time\n%%llm \nhi", 3, 1, Prompt("h", "i", " ")),
        ("%%llm -o a\none {x} two", 1, 6, Prompt("one {x", "} two", " -o a")),
        ("%llm mo", 0, 7, Command("mo")),
        ("x = 1\n  all = %llm thread main ", 1, 26, Command("thread main ")),
        ("%%time\n%%llm ", 0, 3, None),
        ("%%ll", 0, 4, None),
        ("%%llm", 0, 5, None),
        ("%%llmx ", 0, 7, None),
        ("%%bash\n%%llm ", 1, 6, None),
        ("x = 1\n%%llm ", 1, 6, None),
        ("%llm", 0, 4, None),
        ("print('%llm ')", 0, 13, None),
        ("", 0, 0, None),
    ],
)
def test_where_the_cursor_is(cell, row, column, expected):
    """Cells of others are left alone, also those that only quote us."""
    assert place(cell, row, column) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ([], "")),
        ("-m ", (["-m"], "")),
        ("-s 'two words' -m l", (["-s", "two words", "-m"], "l")),
        ("--schema 'int | Per", (["--schema"], "'int | Per")),
        (r"-a my\ fi", (["-a"], r"my\ fi")),
        ('-s "it\'s" x', (["-s", "it's"], "x")),
    ],
)
def test_words_are_cut_as_the_magic_cuts_them(line, expected):
    assert words_of(line) == expected


@given(st.text(alphabet="-m 'x\\\"{}.[%l\n", max_size=40))
def test_whatever_is_typed_the_fragment_is_the_end_of_it(text):
    """IPython asserts it; a broken quote ends in nothing offered."""
    known = SimpleNamespace(
        names=SimpleNamespace(names={}, hidden={}, history={}, is_live=lambda _: False),
        threads=[],
        models=Models(may_ask=lambda: False),
    )
    cell = f"%%llm {text}"
    row = cell.count("\n")
    line = cell.rpartition("\n")[2]
    found = complete.choices_at(cell, row, len(line), lambda: known, {})
    assert found is None or line.endswith(found.fragment)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%llm --sch", ["%%llm --schema"]),
        ("%%llm --schema Person --sch", []),
        ("%%llm -m a --mod", ["%%llm -m a --model"]),
        ("%%llm -m loc", ["%%llm -m local"]),
        ("%%llm --model=loc", ["%%llm --model=local"]),
        ("%%llm -m OpenR", ["%%llm -m openrouter/"]),
        ("%%llm -m python/st", ["%%llm -m python/stream"]),
        ("%%llm -T w", ["%%llm -T weather", "%%llm -T words"]),
        ("%%llm -T math.isn", ["%%llm -T math.isnan"]),
        ("%%llm --schema P", ["%%llm --schema Person"]),
        ("%%llm --schema fo", ["%%llm --schema form"]),
        ("%%llm --schema list[P", ["%%llm --schema list[Person"]),
        ("%%llm --schema 'str | flo", ["%%llm --schema 'str | float"]),
        ("%%llm -o per", ["%%llm -o person"]),
        ("%%llm -p te", ["%%llm -p temperature="]),
        ("%%llm -c ma", ["%%llm -c main"]),
        ("%%llm -c --bg -c --ti", ["%%llm -c --bg -c --timeout"]),
        ("%%llm -a ro", ["%%llm -a rows"]),
        ("%%llm --key-env GR", ["%%llm --key-env GROQ_API_KEY"]),
        ("%%llm --timeout ", []),
        ("%%llm -s per", []),
        ("%%llm -s 'wea", []),
        ("%%time\n%%llm -T wea", ["%%llm -T weather"]),
        ("%llm mod", ["%llm model", "%llm models"]),
        ("%llm model loc", ["%llm model local"]),
        ("%llm models gro", ["%llm models groq"]),
        ("%llm thread main cl", ["%llm thread main clear"]),
        ("%llm cache ", ["%llm cache clear"]),
        ("all = %llm thr", ["all = %llm threads", "all = %llm thread"]),
    ],
)
def test_the_lines(shell, cell, expected):
    """Flags, what belongs to them, commands: and no Python beside it."""
    assert offered(shell, cell) == expected


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("Of {per", "", ["Of {person"]),
        ("Of {per", "}", ["Of {person"]),
        ("{person.n", "}", ["{person.name", "{person.nickname"]),
        ("{person.lo", "", ["{person.loud"]),
        ("{person.", "", ["{person.loud", "{person.name", "{person.nickname"]),
        ("{person.__", "", []),
        ("{person.loud.", "", []),
        ("{slotted.", "", ["{slotted.size"]),
        ("{rows[0].na", "", ["{rows[0].name"]),
        ("{form[", "", ['{form["type"]', '{form["two words"]']),
        ("{form[", "]}", ['{form["type"', '{form["two words"']),
        ("{form['tw", "']}", ["{form['two words"]),
        ('{form["two words"].nick', "", ['{form["two words"].nickname']),
        ("{_pri", "", ["{_private"]),
        ("{Err", "", ["{Err["]),
        ("{a} and {slo", "", ["{a} and {slotted"]),
        ("{wea", "", []),
        ("{mat", "", []),
        ("{Pers", "", ["{person"]),
        ("{person} per", "", []),
        ("for person in ro", "", []),
        ("import ma", "", []),
        ("person.n", "", []),
        ("%ti", "", []),
        ("", "", []),
        ('{"type": per', "", []),
    ],
)
def test_the_prompt(shell, line, after, expected):
    """References a prompt would fill in; prose is left alone, and no property is read."""
    assert offered(shell, f"%%llm\n{line}", after) == expected


def test_raw_prompts_name_nothing(shell):
    assert offered(shell, "%%llm --raw\n{per") == []


def test_every_flag_is_offered_with_what_it_does(shell):
    with provisionalcompleter():
        found = {one.text: one.type for one in shell.Completer.completions("%%llm ", 6)}
    assert {"-m", "--model", "-c", "--schema", "-T", "--replay", "--raw"} <= found.keys()
    assert found["-T"].startswith("function of the notebook")
    assert all(found.values())


def test_a_terminal_shows_what_it_is_beside_it(shell):
    """Through IPython's own way to prompt_toolkit."""
    completer = IPythonPTCompleter(ipy_completer=shell.Completer)
    found = [*completer.get_completions(Document("%%llm --ret"), CompleteEvent())]
    (one,) = found
    assert (one.text, one.start_position) == ("--retries", -len("--ret"))
    assert one.display_meta_text == "ask again if it does not fit"
    assert [*completer.get_completions(Document("%%llm\nimp"), CompleteEvent())] == []


def test_other_cells_keep_their_completions(shell):
    """Python's in a cell, IPython's for the magic itself."""
    assert "person.walk" in offered(shell, "person.wa")
    assert "%%llm" in offered(shell, "%%ll")


def test_threads_and_aliases_are_offered(shell, monkeypatch):
    monkeypatch.setattr(aliases, "_aliases", {"fast": "groq/one"})
    threads = shell.magics_manager.registry["LlmMagics"].threads
    threads._by_name["tutor"] = SimpleNamespace(name="tutor", fresh=[], turns=[1])
    assert offered(shell, "%%llm -m fa") == ["%%llm -m fast"]
    assert offered(shell, "%%llm -c tu") == ["%%llm -c tutor"]
    assert offered(shell, "%llm thread tu") == ["%llm thread tutor"]


def test_files(tmp_path):
    """Folders end with a slash; blanks are escaped unless quoted; hidden ones only when asked for."""
    (tmp_path / "my data").mkdir()
    for name in ("my data/a b.csv", "mine.txt", ".env"):
        (tmp_path / name).touch()
    assert texts(files("m")) == ["mine.txt", r"my\ data/"]
    assert texts(files(r"my\ data/")) == [r"my\ data/a\ b.csv"]
    assert texts(files('"my data/a')) == ['"my data/a b.csv']
    assert texts(files(f"{tmp_path}/mi")) == [f"{tmp_path}/mine.txt"]
    assert texts(files(".e")) == [".env"]
    assert texts(files("nowhere/")) == []


def texts(choices: Choices) -> list[str]:
    return [one.text for one in choices.choices]


def test_an_error_says_nothing(shell, monkeypatch, capsys):
    """Whatever breaks, Tab is quiet, and works the next time."""
    with monkeypatch.context() as broken:
        broken.setattr(complete, "place", None)
        offered(shell, "%%llm --sch")
    assert capsys.readouterr() == ("", "")
    assert offered(shell, "%%llm --sch") == ["%%llm --schema"]


def listed(mock: MockServer, *names: str) -> None:
    mock.respond(whole({"data": [{"id": name} for name in names]}))


def models_of(choices: Choices, provider: str) -> list[str]:
    return [one.text for one in choices.choices if one.text.startswith(f"{provider}/")]


def soon(models: Models, fragment: str, wanted: str) -> list[str]:
    """Press Tab until it is there."""
    end = time.monotonic() + 10
    while wanted not in (found := texts(models.choices(fragment))):
        assert time.monotonic() < end, found
    return found


def test_models_come_from_who_is_up_and_are_kept(mock, monkeypatch):
    """One request; the next after FRESH seconds. Names that would need quotes are left out."""
    monkeypatch.setenv("OLLAMA_HOST", mock.base_url)
    mock.respond(whole({"models": [{"name": "llama3.2:1b"}, {"name": "a b"}, {"name": "qwen"}]}))
    listed(mock, "new")
    now = 0.0
    models = Models(lambda: now)
    assert soon(models, "ollama/", "ollama/qwen") == [
        "ollama/",
        "ollama/llama3.2:1b",
        "ollama/qwen",
    ]
    assert texts(models.choices("ollama/LL")) == ["ollama/llama3.2:1b"]
    assert len(mock.exchanges) == 1
    now = FRESH + 1
    assert soon(models, "ollama/", "ollama/new") == ["ollama/", "ollama/new"]
    assert len(mock.exchanges) == 2


def test_a_service_is_asked_with_the_users_key_or_not_at_all(mock, monkeypatch):
    """And the key is nowhere, even if the service says it."""
    monkeypatch.setenv("OPENAI_BASE_URL", mock.base_url)
    now = 0.0
    models = Models(lambda: now)
    found = models.choices("openai/")
    assert mock.exchanges == []
    listed(mock, "gpt-x", f"echo-{PLANTED}")
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    now = RETRY + 1
    assert soon(models, "openai/", "openai/gpt-x") == ["openai/", "openai/gpt-x"]
    assert PLANTED not in repr(models.choices(""))
    assert found.choices == (Choice("openai/", "OPENAI_API_KEY is not set"),)


def test_a_server_that_is_silent_holds_up_nobody(monkeypatch):
    """Tab waits PATIENCE at most, the second time too."""
    with unanswered_port() as port:
        monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{port}")
        models = Models()
        models.choices("browser")  # loads what is loaded once
        for _ in range(2):
            before = time.monotonic()
            assert texts(models.choices("ollama/")) == ["ollama/"]
            assert time.monotonic() - before < PATIENCE + 0.2


def test_nobody_is_asked_where_the_user_does_not_want_it(mock, monkeypatch, shell):
    """`%config IPyLLM.list_models = False`."""
    monkeypatch.setenv("OLLAMA_HOST", mock.base_url)
    shell.run_cell("%config IPyLLM.list_models = False")
    assert offered(shell, "%%llm -m ollama-c") == ["%%llm -m ollama-cloud/"]
    assert offered(shell, "%%llm -m ollama/") == ["%%llm -m ollama/"]
    assert mock.exchanges == []


def test_lists_are_asked_for_on_the_networks_loop(mock, monkeypatch):
    """Never in a thread or loop of the user's."""
    seen = []

    async def names(name, _limit):
        seen.append((name, asyncio.get_running_loop()))
        return []

    monkeypatch.setattr(complete_models, "model_names", names)
    Models().choices("ollama/")
    from ipyllm.transport.loop import network_loop

    assert seen == [("ollama", network_loop())]


@pytest.fixture(scope="module", params=KERNELS)
def kernel(request, _mock_server):
    kernel = Kernel(python_of(request.param), env_for(_mock_server))
    kernel.run("%load_ext ipyllm")
    kernel.run(SETUP)
    yield kernel
    kernel.close()


def asked(kernel: Kernel, code: str) -> dict:
    """Give what a page gets at Tab."""
    reply = kernel.client.complete(code, reply=True, timeout=30)
    content = reply["content"]
    assert content["status"] == "ok"
    assert code[content["cursor_start"] : content["cursor_end"]] == code[content["cursor_start"] :]
    return content


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%%llm --sch", ["--schema"]),
        ("%%llm -T wea", ["weather"]),
        ("%%llm\nOf {person.n", ["name", "nickname"]),
        ("%%llm\nfor person in ro", []),
        ("%llm thread main fo", ["fork"]),
        ("%%time\n%%llm -m loc", ["local"]),
    ],
)
def test_a_kernel_answers_its_page(kernel, code, matches):
    assert asked(kernel, code)["matches"] == matches


def test_a_kernels_models_are_those_of_its_servers(kernel, mock):
    """The mock is asked once with the key, and the key stays there."""
    listed(mock, "live:1b")
    matches: list[str] = []
    end = time.monotonic() + 10
    while "llamacpp/live:1b" not in matches and time.monotonic() < end:
        content = asked(kernel, "%%llm -m llamacpp/l")
        matches = content["matches"]
    assert matches == ["llamacpp/live:1b"]
    assert PLANTED not in repr(content)

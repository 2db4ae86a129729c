"""The models a page can choose among: what it is told, and what it can set."""

from __future__ import annotations

import queue
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from mock_server import whole
from traitlets.config import Config

from ipyllm.magic import models_comm
from ipyllm.magic.magic import LlmMagics
from ipyllm.magic.models_comm import TARGET

pytestmark = pytest.mark.usefixtures("nothing_set")

OWN_SERVERS = {"ollama", "vllm"}
LIMIT = 10  # seconds until something is told


class Comm:
    """A page's end: what it gets, in order, and what it sends."""

    def __init__(self) -> None:
        self._got: queue.Queue = queue.Queue()
        self.send = self._got.put
        self.closed = False

    def on_msg(self, heard):
        self._heard = heard

    def on_close(self, heard):
        self._gone = heard

    def say(self, **data):
        self._heard({"content": {"data": data}})

    def close(self):
        self.closed = True

    def get(self, kind):
        """Give the next message of this kind."""
        while (message := self._got.get(timeout=LIMIT))["kind"] != kind:
            pass
        return message

    def listed(self):
        """Give the models by name once nobody is being asked any more."""
        while (message := self.get("models"))["asking"]:
            pass
        return {row["name"]: row for row in message["models"]}

    @property
    def is_quiet(self):
        return self._got.empty()


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.register_magics(LlmMagics)
    targets = {}
    manager = SimpleNamespace(targets=targets, register_target=targets.__setitem__)
    shell.kernel = SimpleNamespace(comm_manager=manager)
    models_comm.register(shell)
    yield shell
    models_comm.unregister(shell)


@pytest.fixture
def comm(shell):
    comm = Comm()
    shell.kernel.comm_manager.targets[TARGET](comm, {})
    return comm


def test_the_default_model_is_told_when_a_page_opens(comm):
    """It is what `%llm model` says."""
    assert comm.get("default") == {"kind": "default", "model": "local"}


def test_a_list_says_what_each_needs(comm, monkeypatch):
    """Keys by the names of their variables."""
    monkeypatch.setenv("GROQ_API_KEY", "sk-secret")
    comm.say(kind="list")
    rows = comm.listed()
    assert rows["local"]["state"] == "ready"
    assert rows["groq/"] == {"name": "groq/", "state": "ready", "detail": "GROQ_API_KEY is set"}
    assert rows["mistral/"]["state"] == "unset"
    assert rows["mistral/"]["detail"] == "MISTRAL_API_KEY is not set"
    assert rows["ollama/"]["state"] == "off"
    assert "sk-secret" not in str(rows)


def test_servers_that_are_up_give_their_models(comm, mock, monkeypatch):
    """One that is down holds up nobody."""
    monkeypatch.setenv("VLLM_BASE_URL", mock.base_url)
    mock.respond(whole({"data": [{"id": "b"}, {"id": "a"}]}))
    comm.say(kind="list")
    rows = comm.listed()
    assert rows["vllm/a"]["state"] == rows["vllm/b"]["state"] == "ready"
    assert "vllm/" not in rows


def test_one_message_alone_says_that_nobody_is_asked_any_more(comm):
    """It is the last: what is asked for after it is not answered by one that was late."""
    for _ in range(5):
        comm.say(kind="list")
        comm.listed()
        assert comm.is_quiet


def test_a_hosted_provider_is_asked_only_when_it_is_wanted(comm, mock, monkeypatch):
    """A list opens no connection to anybody's API."""
    monkeypatch.setenv("OPENAI_BASE_URL", mock.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    comm.say(kind="list")
    assert comm.listed()["openai/"]["state"] == "ready"
    mock.respond(whole({"data": [{"id": "gpt"}]}))
    comm.say(kind="ask", provider="openai")
    assert "openai/gpt" in comm.listed()
    assert mock.exchange().path == "/v1/models"


def test_a_choice_is_the_default_from_then_on(comm, shell):
    """For `%%llm` without -m."""
    comm.get("default")
    comm.say(kind="choose", model="ollama/llama3.2:1b")
    assert comm.get("default")["model"] == "ollama/llama3.2:1b"
    assert shell.magics_manager.registry["LlmMagics"].default_model == "ollama/llama3.2:1b"


@pytest.mark.parametrize("name", ["nobody/x", "", "openai/gpt"])
def test_what_cannot_answer_is_refused_in_one_line(comm, shell, name):
    """An unknown provider, no name, no key."""
    comm.say(kind="choose", model=name)
    assert "\n" not in comm.get("refused")["message"]
    assert shell.magics_manager.registry["LlmMagics"].default_model == ""


def test_a_cell_that_changes_it_is_heard_by_every_page(comm, shell, capsys):
    """And one that does not says nothing."""
    other = Comm()
    shell.kernel.comm_manager.targets[TARGET](other, {})
    comm.get("default")
    other.get("default")
    shell.run_cell("1 + 1")
    assert comm.is_quiet
    shell.run_cell("%llm model ollama/one")
    assert comm.get("default")["model"] == other.get("default")["model"] == "ollama/one"


@pytest.mark.parametrize(
    "message", [{}, {"kind": "list2"}, {"kind": "choose"}, {"kind": "ask", "provider": "nobody"}]
)
def test_what_it_does_not_know_does_no_harm(comm, message):
    """A newer page may ask more."""
    comm.get("default")
    comm.say(**message)
    assert comm.is_quiet


def test_unregistered_it_answers_nobody(comm, shell):
    """`%unload_ext` leaves nothing."""
    models_comm.unregister(shell)
    assert comm.closed
    assert TARGET not in shell.kernel.comm_manager.targets
    shell.run_cell("1 + 1")


def test_a_terminal_has_no_pages():
    """There is no kernel to talk to."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    models_comm.register(shell)
    models_comm.unregister(shell)

"""What people do with any magic: `?`, `%%time`, `%%capture`, load, reload and unload, in real kernels."""

from __future__ import annotations

import pytest
from kernel.conftest import KERNELS, env_for, python_of
from kernel.driver import Kernel
from mock_server import End, MockServer, Token

ASK = "%%llm -m llamacpp/mock\nhi"
VIEW = "application/vnd.jupyter.widget-view+json"
# Where an extension could leave something; IPython's own magics come as they are needed.
STATE = """
def ours(things):
    return [one for one in things if type(one).__module__.startswith("ipyllm")]
def state():
    ip = get_ipython()
    manager = ip.magics_manager
    return (
        ours(manager.registry.values()), ours(ip.configurables),
        ["llm" in manager.magics[kind] for kind in ("cell", "line")],
        {name: len(each) for name, each in ip.events.callbacks.items()},
        len(ip.Completer.custom_matchers), sorted(ip.kernel.comm_manager.targets),
    )
"""


@pytest.fixture(scope="module", params=KERNELS)
def loaded(request, _mock_server):
    kernel = Kernel(python_of(request.param), env_for(_mock_server))
    kernel.run(STATE)
    kernel.run("import ipywidgets\nbefore = state()")
    kernel.run("%load_ext ipyllm")
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(loaded: Kernel, mock: MockServer) -> Kernel:
    mock.answer(Token("Hello"), Token(" you"), End())
    loaded.run("_llm = out = None")
    return loaded


def page_of(kernel: Kernel, code: str) -> str:
    """Give the text that `?` opens below the notebook."""
    reply = kernel.client.execute(code, reply=True, timeout=30)
    (page,) = reply["content"]["payload"]
    return page["data"]["text/plain"]


def test_help_shows_the_flags(kernel):
    """Not a method's docstring."""
    shown = page_of(kernel, "%%llm?")
    assert "usage: %%llm" in shown
    assert "--schema TYPE" in shown
    assert "Stream a model's answer to the cell's text" not in shown


def test_help_of_the_line_magic_lists_its_commands(kernel):
    """One below the other, the first too."""
    shown = page_of(kernel, "%llm?")
    lines = [line for line in shown.splitlines() if "%llm model " in line or "%llm keys " in line]
    assert len(lines) == 2
    assert lines[0].index("%llm") == lines[1].index("%llm")
    assert "--schema TYPE" in shown


def test_time_above_it_shows_times_and_lets_it_stream(kernel):
    cell = kernel.run(f"%%time\n{ASK}")
    assert cell.shown == "Hello you"
    assert "Wall time" in cell.stdout
    assert cell.final["text/markdown"] == "Hello you"
    assert kernel.value("_llm") == "'Hello you'"


@pytest.mark.parametrize("flags", ["", " --bg"])
def test_capture_keeps_the_static_answer_and_shows_nothing(kernel, flags):
    """One output, with no widget that is gone later."""
    line, _, prompt = ASK.partition("\n")
    cell = kernel.run(f"%%capture out\n{line}{flags} -o kept\n{prompt}")
    assert cell.error is None
    assert not [m for m in cell.messages if "data" in m["type"] or m["type"] == "stream"]
    assert kernel.value("_llm, kept, out.stdout") == "('Hello you', 'Hello you', '')"
    assert kernel.value("len(out.outputs), out.outputs[0].update") == "(1, False)"
    data = kernel.value("sorted(out.outputs[0].data)")
    assert "text/html" in data
    assert "text/markdown" in data
    assert VIEW not in data
    assert kernel.value("out.outputs[0].metadata['ipyllm']['model']") == "'llamacpp/mock'"


def test_what_was_captured_can_be_shown(kernel):
    """As one output of the cell that shows it."""
    kernel.run(f"%%capture out\n{ASK}")
    cell = kernel.run("out.show()")
    assert [m["type"] for m in cell.messages if "data" in m["type"]] == ["display_data"]
    assert cell.final["text/markdown"] == "Hello you"


def test_capture_without_display_streams(kernel):
    """`--no-display` captures what is printed only."""
    cell = kernel.run(f"%%capture --no-display out\n{ASK}")
    assert cell.shown == "Hello you"
    assert cell.final["text/markdown"] == "Hello you"


def test_a_race_is_captured_too(kernel):
    """As one output as well."""
    kernel.run("%%capture out\n%%llm -m llamacpp/one -m llamacpp/two\nhi")
    assert kernel.value(f"len(out.outputs), {VIEW!r} in out.outputs[0].data") == "(1, False)"


def test_reload_hands_over(kernel):
    """The conversations, the default model, the purse: all that was chosen or said."""
    kernel.run("%%llm -m llamacpp/mock -c tutor\nhi")
    kernel.run("%llm model llamacpp/mock")
    kernel.run("%config IPyLLM.list_models = False")
    kernel.run("%llm budget 2000tok")
    left = kernel.run("%llm budget").stdout
    cell = kernel.run("%reload_ext ipyllm")
    assert cell.error is None
    assert kernel.run("%llm model").stdout.strip() == "llamacpp/mock"
    assert kernel.value("get_ipython().run_line_magic('config', 'IPyLLM.list_models')") == "False"
    assert "tutor" in kernel.run("%llm threads").stdout
    assert kernel.run("%llm budget").stdout == left
    kernel.run("%llm budget off")
    assert kernel.run("%%llm\nhi").final["text/markdown"] == "Hello you"


def test_unload_leaves_nothing_and_load_begins_anew(kernel):
    """No magics, settings, matchers, handlers, comm targets; no threads from before."""
    kernel.run("%%llm -m llamacpp/mock -c tutor\nhi")
    kernel.run("%llm model llamacpp/mock")
    for _ in range(2):
        kernel.run("%unload_ext ipyllm")
        assert kernel.value("state() == before") == "True", kernel.value("state(), before")
        assert "not found" in kernel.run(ASK).stdout
        kernel.run("%load_ext ipyllm")
        assert "tutor" not in kernel.run("%llm threads").stdout
        assert kernel.run("%llm model").stdout.strip() == "local"
        assert kernel.run(ASK).final["text/markdown"] == "Hello you"


def test_loading_twice_completes_once(kernel):
    """However often it is reloaded."""
    kernel.run("%reload_ext ipyllm")
    assert kernel.value("len(get_ipython().Completer.custom_matchers)") == "1"
    names = "[type(one).__name__ for one in get_ipython().configurables]"
    assert kernel.value(f"{names}.count('LlmMagics'), {names}.count('IPyLLM')") == "(1, 1)"

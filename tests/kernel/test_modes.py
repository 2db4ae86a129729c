"""Where there is no page: nbclient and nbval get one static display, a terminal gets text."""

from __future__ import annotations

import subprocess
import sys

from mock_server import End, Token

ASK = "%%llm -m llamacpp/mock\nHello?"


def test_without_a_page_there_is_one_display_without_times(new_kernel, mock):
    kernel = new_kernel(JPY_SESSION_NAME="")
    kernel.run("%load_ext ipyllm")
    mock.answer(Token("yes"), End())
    cell = kernel.run(ASK)
    displays = [m for m in cell.messages if "display" in m["type"]]
    assert len(displays) == 1
    assert not any(m["type"].startswith("comm") for m in cell.messages)
    assert cell.metadata["ipyllm"]["tokens"] == 1
    assert "ttft" in cell.metadata["ipyllm"]
    assert " ms" not in cell.final["text/html"]
    assert "timing" not in cell.final["application/vnd.ipyllm.v1+json"]


def test_without_a_page_a_background_run_is_waited_for(new_kernel, mock):
    kernel = new_kernel(JPY_SESSION_NAME="")
    kernel.run("%load_ext ipyllm")
    mock.answer(Token("yes"), End())
    assert kernel.run("%%llm -m llamacpp/mock --bg\nhi").final["text/markdown"] == "yes"


def test_another_llm_magic_is_named_in_a_warning(new_kernel, mock):
    kernel = new_kernel()
    kernel.run(
        "from IPython.core.magic import register_cell_magic\n"
        "@register_cell_magic\n"
        "def llm(line, cell): pass"
    )
    cell = kernel.run("%load_ext ipyllm")
    assert "%%llm was already registered by '__main__'" in cell.stdout


def test_unload_takes_the_magic_away(new_kernel, mock):
    kernel = new_kernel()
    kernel.run("%load_ext ipyllm\n%unload_ext ipyllm")
    assert "not found" in kernel.run(ASK).stdout


def test_a_terminal_gets_the_text_on_stdout(mock, tmp_path):
    mock.answer(Token("yes "), Token("indeed"), End())
    code = (
        "ip = get_ipython()\n"
        "ip.run_line_magic('load_ext', 'ipyllm')\n"
        "ip.run_cell_magic('llm', '-m llamacpp/x', 'hi')"
    )
    said = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={
            "LLAMACPP_BASE_URL": mock.base_url,
            "IPYTHONDIR": str(tmp_path),
            "PATH": "",
            "HOME": str(tmp_path),
        },
    ).stdout
    assert said.startswith("yes indeed\n[llamacpp/x · ")
    assert "2 tok" in said


def test_without_a_page_a_stream_as_the_last_value_is_waited_for(new_kernel, mock):
    kernel = new_kernel(JPY_SESSION_NAME="")
    mock.answer(Token("yes"), End())
    cell = kernel.run("import ipyllm\nipyllm.stream('hi', model='llamacpp/mock')")
    assert cell.final["text/markdown"] == "yes"

"""The browser tests' own tools work: kernels, cells, saving, reloading, interrupting."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("kernel", "version"), [("ipykernel7", "7."), ("ipykernel6", "6.31.")])
def test_cell_prints_on_each_kernel(open_notebook, kernel, version):
    notebook = open_notebook("import ipykernel; print(ipykernel.__version__)", kernel=kernel)
    notebook.run(0)
    assert notebook.output_text(0).startswith(version)


def test_notebook_is_saved_with_its_outputs_and_survives_a_reload(open_notebook):
    notebook = open_notebook("seen = 'kept'\nprint(seen)", "print(seen * 2)")
    notebook.run(0)
    saved = notebook.save()
    assert saved["cells"][0]["outputs"][0]["text"] == ["kept\n"]
    notebook.reload()
    assert notebook.output_text(0).strip() == "kept"
    notebook.run(1)
    assert notebook.output_text(1).strip() == "keptkept"


def test_interrupted_cell_stops_run_all(open_notebook):
    notebook = open_notebook("import time\nprint('on')\ntime.sleep(60)", "print('never')")
    notebook.run_all()
    notebook.wait_for_output(0, "on")
    assert notebook.is_running(0)
    notebook.interrupt()
    notebook.wait_done(0)
    notebook.wait_done(1)
    assert "KeyboardInterrupt" in notebook.output_text(0)
    assert notebook.output_text(1) == ""

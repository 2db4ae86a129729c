"""Messages from the page reach Python while a cell blocks, and no other message is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from kernel.driver import Cell

SETUP = """
import time
from comm import create_comm
from ipyllm.run.cancel import Interrupts
from ipyllm.widget.comm_pump import CommPump
got, late, order = [], [], []
def on_msg(message):
    data = message["content"]["data"]
    got.append(data["n"])
    late.append(time.monotonic() - data["sent"])
    if data.get("bad"):
        raise ValueError("bad")
page = create_comm(target_name="page", comm_id="COMM")
page.on_msg(on_msg)
if hasattr(page, "_reply_subshell_for"): page._reply_subshell_for = lambda data, default: default
def pumped(until, limit=10.0):
    end = time.monotonic() + limit
    with CommPump.here() as pump:
        print("blocked", flush=True)
        while not until() and time.monotonic() < end:
            pump.wait(limit)
"""


def blocked(kernel, code, *, stop_on_error=True):
    kernel.run(SETUP)
    cell = kernel.start(code, stop_on_error=stop_on_error)
    cell.wait_for(lambda: "blocked" in cell.stdout)
    return cell


def send(kernel, n, **more):
    data = {"n": n, "sent": time.monotonic(), **more}
    message = kernel.client.session.msg("comm_msg", {"comm_id": "COMM", "data": data})
    kernel.client.shell_channel.send(message)


def test_a_message_arrives_while_the_cell_blocks(kernel):
    """Long before the ten seconds the cell would wait."""
    cell = blocked(kernel, "pumped(lambda: len(got) == 1)")
    send(kernel, 0)
    cell.wait_idle()
    assert kernel.value("got") == "[0]"
    assert float(kernel.value("late[0]")) < 2


def test_two_hundred_messages_arrive_in_order(kernel):
    """One handler that raises breaks nothing."""
    cell = blocked(kernel, "pumped(lambda: len(got) == 200)")
    for n in range(200):
        send(kernel, n, bad=n == 7)
    cell.wait_idle()
    assert cell.error is None
    assert kernel.value("got == list(range(200))") == "True"
    assert [m["content"]["execution_state"] for m in cell.messages if m["type"] == "status"] == [
        "busy",
        "idle",
    ]


def test_run_all_runs_every_later_cell_once_and_in_order(kernel):
    """Requests before, between and after the messages."""
    cell = blocked(kernel, "pumped(lambda: len(got) == 2)")
    cells = queue(kernel, range(10))
    info = kernel.client.kernel_info()
    send(kernel, 0)
    cells += queue(kernel, range(10, 20))
    send(kernel, 1)
    cell.wait_idle()
    for later in cells:
        later.wait_idle()
    assert kernel.value("order") == repr(list(range(20)))
    assert info in replies(kernel)


def test_an_exception_in_the_body_loses_no_cell(kernel):
    """The cells after it run, unless the page asked to stop on errors."""
    code = "with CommPump.here():\n    pumped(lambda: got)\n    1 / 0"
    cell = blocked(kernel, code, stop_on_error=False)
    cells = queue(kernel, range(5))
    send(kernel, 0)
    cell.wait_idle()
    for later in cells:
        later.wait_idle()
    assert cell.error is not None
    assert kernel.value("order, CommPump._entered") == "([0, 1, 2, 3, 4], None)"


def test_an_interrupt_in_a_handler_keeps_the_messages_behind_it(kernel):
    """They are delivered when the cell has ended."""
    kernel.run(SETUP)
    code = """
def first(message):
    page.on_msg(on_msg)
    raise KeyboardInterrupt
page.on_msg(first)
print("blocked", flush=True)
try:
    with CommPump.here() as pump:
        time.sleep(1)  # both are there
        pump.wait(10)
except KeyboardInterrupt:
    order.append("interrupted")
"""
    cell = kernel.start(code)
    cell.wait_for(lambda: "blocked" in cell.stdout)
    send(kernel, 0)
    send(kernel, 1)
    cell.wait_idle()
    assert kernel.value("order, got") == "(['interrupted'], [1])"


def test_our_interrupt_ends_the_wait_and_loses_nothing(kernel):
    """The handler raises nothing; the cell after it runs."""
    cell = blocked(kernel, "with Interrupts(lambda: None) as i:\n    pumped(lambda: i.hit, 30)")
    cells = queue(kernel, range(3))
    sent = kernel.interrupt()
    assert cell.wait_idle() - sent < 3
    for later in cells:
        later.wait_idle()
    assert cell.error is None
    assert kernel.value("order") == "[0, 1, 2]"


def test_a_keyboard_interrupt_goes_through(kernel):
    """With ipykernel's own handler; every queued request is answered."""
    cell = blocked(kernel, "try:\n    pumped(lambda: got, 30)\nexcept KeyboardInterrupt: pass")
    cells = queue(kernel, range(3))
    kernel.interrupt()
    cell.wait_idle()
    for later in cells:
        later.wait_idle()
    assert kernel.value("order") == "[0, 1, 2]"


def test_there_is_none_in_a_thread(kernel):
    """There the main thread is free, or not ours to read for."""
    kernel.run(SETUP)
    code = "import threading; t = threading.Thread(target=lambda: got.append(CommPump.here()))"
    kernel.run(code + "; t.start(); t.join()")
    assert kernel.value("got, CommPump.here() is None") == "([None], False)"


def test_there_is_none_outside_kernels():
    """Neither in Python nor in a terminal's IPython."""
    code = """
from ipyllm.widget.comm_pump import CommPump
from IPython.core.interactiveshell import InteractiveShell
before = CommPump.here()
InteractiveShell.instance()
print([before, CommPump.here()])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "[None, None]"


def queue(kernel, numbers) -> list[Cell]:
    return [kernel.start(f"order.append({json.dumps(n)})") for n in numbers]


def replies(kernel) -> list[str]:
    socket, found = kernel.client.shell_channel.socket, []
    while socket.poll(500):
        _, message = kernel.client.session.recv(socket)
        found.append(message["parent_header"]["msg_id"])
    return found

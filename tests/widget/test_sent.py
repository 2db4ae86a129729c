"""What was sent, message by message."""

from __future__ import annotations

from html_check import check, said

from ipyllm.widget.sent import sent_details, sent_html


def test_every_message_is_there_in_order():
    """With its role."""
    html = sent_html(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello Ann"},
        ],
        [(6, 9, "name")],
    )
    assert said(check(html)) == "system Be brief. user Hello Ann"


def test_values_are_marked_in_the_last_message_only():
    """An earlier turn's text has places of its own."""
    message = {"role": "user", "content": "Ann"}
    one = sent_html([message], [(0, 3, "name")])
    assert sent_html([message, message], [(0, 3, "name")]).count("rgba(33") == one.count("rgba(33")


def test_calls_and_their_results_are_shown_as_data():
    """Keys beside the content, too."""
    html = sent_html(
        [
            {"role": "assistant", "content": None, "tool_calls": [{"id": "<1>"}]},
            {"role": "tool", "content": "42", "tool_call_id": "<1>"},
        ]
    )
    assert said(check(html)) == ("assistant tool_calls: [{'id': '<1>'}] tool 42 tool_call_id: <1>")


def test_it_is_folded_below_the_panel():
    """With how many there are."""
    assert "What was sent: 1 message<" in sent_details([{"role": "user", "content": "x"}])

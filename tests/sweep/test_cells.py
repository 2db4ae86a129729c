"""Combinations of a grid, and the one sentence for each thing that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.sweep.cells import cells
from ipyllm.sweep.model import models_of
from ipyllm.sweep.schedule import Schedule
from ipyllm.sweep.template import filled

MODELS = models_of(["vllm/a", "vllm/b"])


def shown(*args, **options) -> list[tuple]:
    made = cells(*args, **options)
    return [(c.prompt, c.model.label, dict(c.params), c.repeat) for c in made]


def test_every_combination_is_there_once_and_models_run_side_by_side():
    """Prompts outermost, repeats innermost."""
    assert shown(["x", "y"], MODELS, {"t": [0, 1]}, 1) == [
        (prompt, model, {"t": t}, 0)
        for prompt in "xy"
        for t in (0, 1)
        for model in ("vllm/a", "vllm/b")
    ]


def test_a_list_of_dicts_is_taken_as_it_is():
    """No product is made of it."""
    made = cells("x", MODELS[:1], [{"t": 0, "n": 1}, {"t": 1}])
    assert [dict(c.params) for c in made] == [{"t": 0, "n": 1}, {"t": 1}]


def test_variables_fill_prompt_and_system():
    """A list of dicts may have a name no prompt uses: what the right answer is, say."""
    made = cells(
        "Of {city}?", MODELS[:1], variables=[{"city": "Rome", "right": "IT"}], system="In {city}."
    )
    assert [(c.prompt, c.system, c.variables) for c in made] == [
        ("Of Rome?", "In Rome.", {"city": "Rome", "right": "IT"})
    ]


def test_without_variables_a_prompt_is_no_template():
    """Braces stay as they are."""
    assert shown("{city} {{x}}", MODELS[:1]) == [("{city} {{x}}", "vllm/a", {}, 0)]


@pytest.mark.parametrize(
    "template, text",
    [
        ("{x}", "1"),
        ("{{x}}", "{x}"),
        ('{"a": {x}}', '{"a": 1}'),
        ("def f(): {return}{x}", None),
        ("{ x } {0} {x.y} {x!r}", "{ x } {0} {x.y} {x!r}"),
    ],
)
def test_only_plain_names_in_braces_are_variables(template, text):
    if text is None:
        with pytest.raises(UsageError, match="return"):
            filled(template, {"x": 1})
    else:
        assert filled(template, {"x": 1}) == text


@given(st.text(), st.text(alphabet="{}xy "))
def test_what_is_put_in_is_not_looked_at_again(before, value):
    """Whatever a variable holds comes out as it is."""
    safe = before.replace("{", "(")
    assert filled(safe + "{x}", {"x": value}) == safe + value


@pytest.mark.parametrize(
    "options, words",
    [
        ({"prompts": []}, "nothing to ask"),
        ({"prompts": ""}, "empty"),
        ({"prompts": ["x", "  "]}, "empty"),
        ({"prompts": [3]}, "'3' is no prompt"),
        ({"prompts": "{citty}", "variables": {"city": ["a"]}}, "No prompt names {city}"),
        ({"prompts": "{citty}", "variables": [{"city": "a"}]}, "Did you mean {city}"),
        ({"variables": []}, "variables is empty"),
        ({"variables": {"x": []}, "prompts": "{x}"}, "nothing for 'x'"),
        ({"params": "t=0"}, "neither a dict of lists nor a list of dicts"),
        ({"params": [1]}, "neither"),
        ({"params": {1: [2]}}, "the name 1"),
        ({"repeats": 0}, "repeats=0"),
        ({"repeats": True}, "repeats=True"),
        ({"repeats": 10**9}, "calls"),
    ],
)
def test_bad_input_is_one_sentence(options, words):
    with pytest.raises(UsageError, match=words.replace("{", r"\{").replace("}", r"\}")) as caught:
        cells(**{"prompts": "x", "models": MODELS, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "models, words",
    [
        ([], "no model"),
        ("", "no model"),
        (None, "no model"),
        ([3], "'3' is no model"),
        (["vllm/a", "vllm/a"], "twice"),
        ([{"model": "vllm/a", "temperature": 0}], "has no 'temperature'"),
        ([{"base_url": "http://x"}], "No model named"),
    ],
)
def test_bad_models_are_one_sentence(models, words):
    with pytest.raises(UsageError, match=words):
        models_of(models)


def test_one_model_at_two_addresses_is_told_apart():
    """The label says where, and holds no password."""
    two = models_of(
        [{"model": "vllm/a", "base_url": f"http://u:pw@{h}/v1"} for h in ("x:1", "y:2")]
    )
    assert [model.label for model in two] == ["vllm/a @ x:1", "vllm/a @ y:2"]


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(1, 5))
def test_each_endpoint_has_its_own_limit_and_nothing_is_lost(endpoints, at_once):
    """Whatever the mix: never more than `at_once` of one endpoint, each item once, in its order."""
    schedule: Schedule[tuple[str, int]] = Schedule(at_once)
    for number, endpoint in enumerate(endpoints):
        schedule.add(endpoint, (endpoint, number), alone=endpoint == "c")
    seen: list[tuple[str, int]] = []
    while not schedule.is_over:
        taken = schedule.take()
        for endpoint in "abc":
            assert sum(one == endpoint for one, _ in taken) <= (1 if endpoint == "c" else at_once)
        for endpoint, _ in taken:
            schedule.done(endpoint)
        seen += taken
    for endpoint in "abc":
        wanted = [(one, number) for number, one in enumerate(endpoints) if one == endpoint]
        assert [item for item in seen if item[0] == endpoint] == wanted

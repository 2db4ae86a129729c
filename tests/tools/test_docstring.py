from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.tools.docstring import read_docstring

GOOGLE = """Forecast the weather.

    Asks the station nearest to the city.

    Args:
        city (str, optional): Where: a city's name,
            in English.
        days: How many days.
        **more: Anything else.

    Returns:
        dict: the forecast.

    Raises:
        ValueError: no such city.
    """

NUMPY = """
    Forecast the weather.

    Asks the station nearest to the city.

    Parameters
    ----------
    city : str, optional
        Where: a city's name,
        in English.
    days, hours : int
        How many.

    Returns
    -------
    dict
        The forecast.
    """

SPHINX = """Forecast the weather.

    Asks the station nearest to the city.

    :param str city: Where: a city's name,
        in English.
    :param days: How many days.
    :type days: int
    :returns: the forecast
    :rtype: dict
    """

TEXT = "Forecast the weather.\n\nAsks the station nearest to the city."
CITY = "Where: a city's name, in English."

CASES = {
    "google": (GOOGLE, TEXT, {"city": CITY, "days": "How many days.", "more": "Anything else."}),
    "numpy": (NUMPY, TEXT, {"city": CITY, "days": "How many.", "hours": "How many."}),
    "sphinx": (SPHINX, TEXT, {"city": CITY, "days": "How many days."}),
    "none": (None, "", {}),
    "no section": ("Add: one and one.", "Add: one and one.", {}),
    "google, not indented": ("Add.\n\nArgs:\na: one\nb: two\n", "Add.", {"a": "one", "b": "two"}),
    "google, tabs": ("Add.\n\n\tArgs:\n\t\ta: one\n", "Add.", {"a": "one"}),
    "a section alone": ("Args:\n    a: one", "", {"a": "one"}),
    "text after fields": (":param a: one\n\nMore words.", "More words.", {"a": "one"}),
    "a role is no field": (":func:`f` is called.", ":func:`f` is called.", {}),
}


@pytest.mark.parametrize("raw, text, parameters", CASES.values(), ids=CASES)
def test_the_styles_are_read(raw, text, parameters):
    read = read_docstring(raw)
    assert (text, parameters) == (read.text, read.parameters)


@given(st.text(alphabet=" \n:-*(),aAgrsPmet", max_size=200))
def test_any_text_is_read(raw):
    read = read_docstring(raw)
    assert all(name and said and "\n" not in said for name, said in read.parameters.items())

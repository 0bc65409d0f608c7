"""Sections: what scripts get of them, and that a key more makes nothing stale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.planning.config.section import Distinct, Number, Section, checked, key, optional
from megascience.storage.errors import InputError


class Inner(Section):
    rate: Number = key("A rate.", 0.5, ge=0, le=1)
    names: Distinct[str] | None = optional("Names.")


class Settings(Section):
    k: int = key("A count.", 5)
    inner: Inner = key("A section.", Inner)
    note: str | None = optional("A note.", unset="none")


class More(Settings):
    """The same section in a later version."""

    later: int | None = optional("A key that was added.", unset=3)
    later_section: Inner | None = optional("A section that was added.")


@given(st.permutations([("k", 7), ("inner", {"rate": 1}), ("note", "x")]), st.integers(0, 3))
def test_equal_sections_have_equal_plain_values_whatever_their_order(items: list, count: int) -> None:
    given_keys = dict(items[:count])
    plain = checked(Settings, given_keys, "here").plain()
    assert repr(plain) == repr(checked(Settings, dict(reversed(list(given_keys.items()))), "here").plain())
    assert repr(plain) == repr(checked(Settings, plain, "here").plain())


@pytest.mark.parametrize("given_keys", [{}, {"k": 7}, {"note": "x", "inner": {"rate": 1}}])
def test_a_new_optional_key_changes_nothing_where_it_is_not_set(given_keys: dict) -> None:
    assert repr(checked(More, given_keys, "here").plain()) == repr(checked(Settings, given_keys, "here").plain())
    assert checked(More, {**given_keys, "later": 4}, "here").plain()["later"] == 4


def test_a_default_and_the_same_value_written_down_are_equal() -> None:
    assert checked(Settings, {"k": 5, "inner": {}}, "here").plain() == checked(Settings, {}, "here").plain()
    assert checked(Settings, {"note": None}, "here").plain() == {"k": 5, "inner": {"rate": 0.5}}


def test_plain_values_are_of_the_plain_types_and_numbers_as_they_were_written() -> None:
    plain = checked(Settings, {"inner": {"rate": 1, "names": ["a"]}}, "here").plain()
    assert plain == {"k": 5, "inner": {"rate": 1, "names": ["a"]}}
    assert [type(value) for value in (plain, plain["inner"], plain["inner"]["names"])] == [dict, dict, list]
    assert isinstance(plain["inner"]["rate"], int)


def test_nothing_can_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().k = 3


@pytest.mark.parametrize("value", ["1", True, [1], None, {"a": 1}])
def test_values_are_not_converted(value: object) -> None:
    with pytest.raises(InputError, match=r"here: k is .*; it must be a whole number"):
        checked(Settings, {"k": value}, "here")


def test_a_mapping_of_sections_is_checked_as_a_section_is() -> None:
    with pytest.raises(
        InputError, match=r"^here: one\.inner: unknown key 'rat'; did you mean 'rate'\? Known: rate, na"
    ):
        checked(dict[str, Settings], {"one": {"inner": {"rat": 1}}}, "here")

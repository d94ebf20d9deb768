"""What a frozen value does, whichever library makes it."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import pydoc
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import pytest

import assetgen
from assetgen.core.value import Value, asdict, field, field_names, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

T = TypeVar("T")


class Fruit(Value):
    kind: ClassVar[str] = "fruit"

    name: str
    seeds: int = 0
    prices: Mapping[str, Decimal] = field(default_factory=dict)


class Apple(Fruit):
    sour: bool = False


class Wrapped(Value, Generic[T]):
    content: T


class Named(Value, kw_only=True):
    size: int = 1
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    line: int
    column: int = 1


def test_a_value_is_frozen_and_has_no_attributes_but_its_fields() -> None:
    apple = Apple("boskoop", sour=True)
    for name in ("seeds", "sour", "other"):
        with pytest.raises(AttributeError):
            setattr(apple, name, 1)
    assert not hasattr(apple, "__dict__")


def test_values_are_equal_by_class_and_fields() -> None:
    assert Apple("boskoop", 5) == Apple("boskoop", seeds=5)
    assert Apple("boskoop") != Apple("cox")
    assert Fruit("boskoop") != Apple("boskoop")
    assert hash(Wrapped((1, "a"))) == hash(Wrapped((1, "a")))
    with pytest.raises(TypeError):
        hash(Fruit("boskoop"))


def test_each_value_has_a_default_of_its_own() -> None:
    assert Fruit("a").prices == {}
    assert Fruit("a").prices is not Fruit("b").prices


def test_a_value_can_be_copied() -> None:
    apple = Apple("boskoop", 5)
    assert copy.copy(apple) == copy.deepcopy(apple) == apple
    assert pickle.loads(pickle.dumps(apple)) == apple  # noqa: S301 - our own bytes


def test_replace_takes_values_and_dataclasses() -> None:
    assert replace(Apple("boskoop", 5), sour=True) == Apple("boskoop", 5, sour=True)
    assert replace(Place(1, 2), line=3) == Place(3, 2)
    with pytest.raises(TypeError):
        replace(Apple("boskoop"), colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        replace(Place(1), colour="red")  # type: ignore[call-arg]


def test_fields_are_named_in_their_order() -> None:
    assert field_names(Apple) == field_names(Apple("a")) == ("name", "seeds", "prices", "sour")
    assert list(asdict(Wrapped(Place(1)))) == ["content"]


def test_a_pattern_takes_a_value_apart() -> None:
    match Apple("boskoop", 5):
        case Apple(name, seeds):
            assert (name, seeds) == ("boskoop", 5)


def test_the_signature_is_the_one_that_is_written() -> None:
    assert str(inspect.signature(Apple)) == (
        "(name: 'str', seeds: 'int' = 0, prices: 'Mapping[str, Decimal]' = <factory>,"
        " sour: 'bool' = False)"
    )
    assert str(inspect.signature(Named)) == "(*, size: 'int' = 1, label: 'str')"


@pytest.mark.parametrize("name", sorted(assetgen._homes()))
def test_there_is_help_for_every_public_name(name: str) -> None:
    assert pydoc.render_doc(getattr(assetgen, name))

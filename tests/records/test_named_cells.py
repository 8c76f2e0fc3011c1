"""A cell in an environment with a name, and how it stays itself without one."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from harness.analysis.work import alike_but_one
from harness.records.cell import Cell, parts_of, place_of


def test_without_a_name_a_cell_has_no_such_field(make_cell):
    assert b"name" not in msgspec.json.encode(make_cell())
    assert make_cell().place == "jax"


def test_with_one_it_is_another_cell_and_says_so(make_cell):
    old, new = make_cell(name="old"), make_cell(name="new")
    assert len({old.digest, new.digest, make_cell().digest}) == 3
    assert old.label == "jax (old) cpu fit"
    assert msgspec.json.decode(msgspec.json.encode(old), type=Cell) == old


@pytest.mark.parametrize("name", ["old", "3.14.0", "a-b_c+d", msgspec.UNSET])
def test_a_place_is_told_apart_again(name):
    assert parts_of(place_of("jax", name)) == ("jax", name)


def pairs(*places):
    """The pairs among cells of these places, in words."""
    cells = [
        Cell(scenario="ranking", backend=backend, device="cpu", name=name or msgspec.UNSET)
        for backend, name in places
    ]
    return {frozenset((a.place, b.place)) for a, b in alike_but_one(cells)}


def test_two_versions_are_a_pair_and_backends_are_compared_within_one():
    everything = list(itertools.product(("jax", "torch"), ("old", "new")))
    assert pairs(*everything) == {
        frozenset(two)
        for two in [
            ("jax (old)", "jax (new)"),
            ("torch (old)", "torch (new)"),
            ("jax (old)", "torch (old)"),
            ("jax (new)", "torch (new)"),
        ]
    }


def test_backends_in_environments_of_their_own_are_compared_across():
    assert pairs(("jax", "a"), ("torch", "b")) == {frozenset(("jax (a)", "torch (b)"))}
    assert pairs(("jax", "old"), ("jax", "new"), ("torch", "")) == {
        frozenset(("jax (old)", "jax (new)")),
        frozenset(("jax (old)", "torch")),
        frozenset(("jax (new)", "torch")),
    }

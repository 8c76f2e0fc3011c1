"""A model that draws random numbers in training is judged over seeds, never seed by seed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.analysis.notes.quality import quality_differs
from harness.analysis.quality import compare_quality
from harness.analysis.rows import grouped
from harness.analysis.study import About, study_of
from harness.scenario import Metric

TOLERANCE = {"ranking": 0.01}
METRIC = Metric(
    name="rmse",
    label="RMSE",
    direction="lower",
    reference=None,
    source="",
    target=None,
    tolerance=0.01,
)
ABOUT = {"ranking": About(metric=METRIC, defaults={})}


@pytest.fixture
def campaign(make_campaign):
    """Two backends whose quality scatters by ``scatter``, with random draws or silent about it."""

    def make(rounds, *, scatter, apart=0.0, random_draws=True, seed=3):
        chance = np.random.default_rng(seed)
        records = []
        for record in make_campaign({"jax": 0.002, "torch": 0.003}, rounds):
            moved = chance.normal() * scatter + apart * (record.cell.backend == "torch")
            quality = msgspec.structs.replace(record.quality, value=0.5 + moved)
            records.append(
                msgspec.structs.replace(record, quality=quality, random_draws=random_draws)
            )
        return records

    return make


def notes(records):
    return {note.code: note.text for note in quality_differs(grouped(records), TOLERANCE)}


@pytest.mark.parametrize("unknown", [False, None])
def test_without_draws_a_single_seed_tells(campaign, unknown):
    told = notes(campaign(6, scatter=0.05, random_draws=unknown))
    assert "from equal initial weights and seed" in told["quality-differs"]


def test_with_draws_no_single_seed_does(campaign):
    told = notes(campaign(6, scatter=0.05))
    assert set(told) == {"seed-randomness"}
    text = told["seed-randomness"]
    assert "draws random numbers in training" in text
    assert "jax and torch learn the same within 0.01000" in text


def test_one_backend_that_tells_of_draws_is_enough(campaign):
    records = campaign(6, scatter=0.05)
    silent = [
        msgspec.structs.replace(r, random_draws=None) if r.cell.backend == "jax" else r
        for r in records
    ]
    assert set(notes(silent)) == {"seed-randomness"}


def test_it_says_how_many_seeds_would_tell_and_so_many_do(campaign):
    """With as many seeds as were named, cells that learn alike are found equivalent, mostly."""
    (pair,) = study_of(campaign(8, scatter=0.012), about=ABOUT).answers.pairs
    needed = pair.quality.seeds_needed
    assert (pair.quality.kind, 8 < needed < 1000) == ("undecided", True)
    assert f"about {needed} seeds" in pair.quality.reason
    assert f"about {needed} seeds" in notes(campaign(8, scatter=0.012))["seed-randomness"]
    spread, found = 0.012 * 2**0.5, []
    for seed in range(40):
        differences = np.random.default_rng(seed).normal(0, spread, 60)
        first = dict(enumerate(differences[: _needed(spread)]))
        second = dict.fromkeys(first, 0.0)
        found.append(
            compare_quality(first, second, tolerance=0.01, direction="lower", random_draws=True)
        )
    assert sum(one.kind == "equivalent" for one in found) >= 32


def _needed(spread):
    """Seeds for this spread, as told by a sample that shows it."""
    normal = np.random.default_rng(0).normal(0, 1, 30)
    values = (normal - normal.mean()) / normal.std(ddof=1) * spread + 0.011
    first = dict(enumerate(values))
    found = compare_quality(
        first, dict.fromkeys(first, 0.0), tolerance=0.01, direction="lower", random_draws=True
    )
    assert found.seeds_needed is not None
    return found.seeds_needed


def test_three_seeds_are_too_few_and_it_says_so(campaign):
    (pair,) = study_of(campaign(3, scatter=0.05), about=ABOUT).answers.pairs
    assert pair.quality.kind == "undecided"
    assert "the seed's randomness hides it" in pair.quality.reason
    assert pair.quality.seeds_needed == 4
    assert "at least 4 seeds" in notes(campaign(3, scatter=0.05))["seed-randomness"]


def test_within_the_tolerance_over_seeds_nothing_weakens_the_answer(campaign):
    records = campaign(40, scatter=0.008)
    assert notes(records) == {}
    (pair,) = study_of(records, about=ABOUT).answers.pairs
    assert pair.quality.kind == "equivalent"


def test_a_difference_that_randomness_does_not_explain_is_said(campaign):
    text = notes(campaign(12, scatter=0.01, apart=0.2))["quality-differs"]
    assert "over 12 seeds" in text
    assert "more than the seed's randomness explains" in text
    assert "equal initial weights" not in text


def test_other_initial_weights_are_no_equal_start(campaign):
    records = [
        msgspec.structs.replace(
            r, hashes=msgspec.structs.replace(r.hashes, initial_weights=r.cell.backend * 8)
        )
        for r in campaign(6, scatter=0.05, random_draws=False)
    ]
    told = notes(records)
    assert set(told) == {"initial-weights"}
    assert "began from 2 different sets (jax; torch)" in told["initial-weights"]


def test_two_versions_of_keras_are_named_where_initial_weights_differ(campaign, make_environment):
    records = [
        msgspec.structs.replace(
            r,
            hashes=msgspec.structs.replace(r.hashes, initial_weights=r.cell.backend * 8),
            environment=make_environment(
                packages={"keras": "3.14.0" if r.cell.backend == "jax" else "3.15.1"}
            ),
        )
        for r in campaign(6, scatter=0.05, random_draws=False)
    ]
    assert "Keras 3.14.0 and 3.15.1 may draw them" in notes(records)["initial-weights"]

"""What is said of scripts beside their figures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.analysis.notes.programs import other_data, programs
from harness.analysis.rows import grouped
from harness.records.program import ProgramFit, ProgramRun


@pytest.fixture
def told(make_record):
    """The texts of the notes on a script's trials, of which each is a backend with its facts."""

    def told(*trials, seeds=(1,)):
        records = [
            make_record(
                scenario="train.py",
                backend=backend,
                seed=seed,
                program=ProgramRun(
                    arguments=[],
                    training="fit",
                    script_s=1.0,
                    calls=1,
                    counts=1,
                    fits=[ProgramFit(number=1, model="m", epochs=1, wall_s=1.0, **fit)],
                    **run,
                ),
            )
            for backend, fit, run in trials
            for seed in seeds
        ]
        return [note.text for note in programs(grouped(records))]

    return told


def test_equal_batches_are_nothing_to_tell(told):
    assert (
        told(("jax", {"batches_sha256": "a" * 64}, {}), ("torch", {"batches_sha256": "a" * 64}, {}))
        == []
    )


def test_other_batches_are_told_with_their_hashes(told):
    (text,) = told(
        ("jax", {"batches_sha256": "a" * 64}, {}), ("torch", {"batches_sha256": "b" * 64}, {})
    )
    assert text.startswith("The backends did not see the same batches in train.py")
    assert "jax aaaaaaaa…" in text
    assert "torch bbbbbbbb…" in text


def test_batches_that_fit_shuffles_are_other_ones_on_each_backend(told):
    shuffled = {"batches_sha256": "a" * 64, "shuffled": True}
    (text,) = told(("jax", shuffled, {}), ("torch", shuffled, {}))
    assert "fit shuffles its arrays" in text
    assert "shuffle=False" in text
    assert told(("jax", shuffled, {})) == []


def test_batches_that_nobody_could_look_at_are_not_told(told):
    assert told(("jax", {}, {}), ("torch", {"batches_sha256": "b" * 64}, {})) == []


def test_seeds_may_have_batches_of_their_own(told):
    # As np.random gives them, which the seed of the trial sets.
    assert told(("jax", {"batches_sha256": "a" * 64}, {}), seeds=(1, 2)) == []


def test_a_framework_beside_the_backend_is_told(told):
    (text,) = told(("jax", {}, {"beside": ["tensorflow"]}))
    assert text.startswith("TensorFlow was imported beside jax in train.py")


def test_remarks_are_told_once_with_their_backends(told):
    texts = told(
        ("jax", {}, {"remarks": ["it is odd"]}),
        ("torch", {}, {"remarks": ["it is odd"]}),
        seeds=(1, 2),
    )
    assert texts == ["train.py on jax and torch: it is odd."]


@pytest.mark.parametrize(
    ("hashes", "told"),
    [
        ({"jax": "a" * 64, "torch": "a" * 64}, None),
        ({"jax": "a" * 64, "torch": None}, None),
        ({"jax": "a" * 64, "torch": "b" * 64}, "jax aaaaaaaa… and torch bbbbbbbb… (SHA-256)"),
    ],
)
def test_parity_says_that_the_backends_were_given_other_data(make_cell, hashes, told):
    records = [
        SimpleNamespace(cell=make_cell(backend=backend), split_sha256=sha256)
        for backend, sha256 in hashes.items()
    ]
    text = other_data(records)
    assert text is None if told is None else told in text

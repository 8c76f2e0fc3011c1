"""A split: arrays in the trees that Keras takes, of equally many examples."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.scenario import Split, SplitError
from harness.tree import first_leaf, leaves, map_leaves

COLUMN, IMAGES = np.arange(6.0), np.arange(24.0).reshape(6, 2, 2)


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (COLUMN, ["inputs"]),
        ({"a": COLUMN, "b": IMAGES}, ["inputs/a", "inputs/b"]),
        ([COLUMN, IMAGES], ["inputs/0", "inputs/1"]),
        ({"a": (COLUMN, {"b": [IMAGES]})}, ["inputs/a/0", "inputs/a/1/b/0"]),
    ],
    ids=["array", "dictionary", "list", "nested"],
)
def test_every_array_has_a_path_and_is_cut_alike(inputs, names):
    split = Split(inputs=inputs, labels=COLUMN, sample_weights=COLUMN)
    assert split.examples == 6
    assert list(split.arrays()) == [*names, "labels", "sample_weights"]
    cut = split.map(lambda values: values[2:4])
    assert cut.examples == 2
    for name, values in cut.arrays().items():
        np.testing.assert_array_equal(values, split.arrays()[name][2:4])


def test_a_batch_is_what_keras_unpacks_with_tuples_for_lists():
    split = Split(inputs=[COLUMN, IMAGES], labels={"x": [COLUMN]})
    inputs, labels = split.batch
    assert isinstance(inputs, tuple)
    assert isinstance(labels["x"], tuple)
    weighted = msgspec.structs.replace(split, sample_weights=COLUMN)
    assert len(weighted.batch) == 3


def test_different_lengths_are_refused_with_names_and_lengths():
    with pytest.raises(SplitError, match=r"inputs/a 6, inputs/b 5, labels 6"):
        Split(inputs={"a": COLUMN, "b": IMAGES[:5]}, labels=COLUMN)
    with pytest.raises(SplitError, match=r"labels 6, sample_weights 1"):
        Split(inputs=IMAGES, labels=COLUMN, sample_weights=COLUMN[:1])


@pytest.mark.parametrize("labels", [1.0, None, np.float32(1), [1.0, 0.0], np.array(3.0)])
def test_what_is_no_array_of_examples_is_named(labels):
    with pytest.raises(SplitError, match=r"labels(/0)? of a split is a .*numpy.asarray"):
        Split(inputs=COLUMN, labels=labels)


def test_no_array_at_all_is_refused():
    with pytest.raises(SplitError, match=r"inputs"):
        Split(inputs={}, labels=COLUMN)


def test_a_tree_keeps_its_order_and_form():
    tree = {"b": 1, "a": [2, (3,)]}
    assert leaves(tree) == {"b": 1, "a/0": 2, "a/1/0": 3}
    assert map_leaves(lambda value: value * 10, tree) == {"b": 10, "a": (20, (30,))}
    assert first_leaf(tree) == 1

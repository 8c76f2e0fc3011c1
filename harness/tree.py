"""Trees of arrays: one array, or dictionaries, lists and tuples of such, as Keras takes them.

The command line reads scenarios without Keras, so these walks do not come from ``keras.tree``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def leaves(tree: Any, name: str = "") -> dict[str, Any]:
    """The arrays of ``tree`` by their paths, ``inputs/user_id``, in the order of the tree.

    Args:
        tree: an array, or a mapping, list or tuple of such trees.
        name: what the paths begin with.
    """
    if isinstance(tree, Mapping):
        branches = [(str(key), branch) for key, branch in tree.items()]
    elif isinstance(tree, list | tuple):
        branches = [(str(index), branch) for index, branch in enumerate(tree)]
    else:
        return {name: tree}
    found: dict[str, Any] = {}
    for key, branch in branches:
        found |= leaves(branch, f"{name}/{key}" if name else key)
    return found


def map_leaves(change: Callable[[Any], Any], tree: Any) -> Any:
    """``tree`` with each array changed; lists become tuples, since ``tf.data`` stacks a list."""
    if isinstance(tree, Mapping):
        return {key: map_leaves(change, branch) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return tuple(map_leaves(change, branch) for branch in tree)
    return change(tree)


def first_leaf(tree: Any) -> Any:
    """The first array of ``tree``, for what all of them have in common."""
    return next(iter(leaves(tree).values()))

"""Is what parity calls round-off round-off? The first gradients of four programs, in float64.

    harness parity tests/programs/NAME.py --backend jax,tf,torch --results FOLDER   (each of four)
    .tox/torch/bin/python -m studies.programs.float64 FOLDER

Parity keeps the weights that training starts from and the gradients of the first batch, in float32.
Here these gradients are computed again in float64, from the same weights and examples, by PyTorch's
functions alone and without a layer of Keras. Printed are, for the worst variable of each backend,
the largest distance from that, and the largest distance of two backends from each other, both in
units of what the float64 gradient moves when each weight is moved by one unit in its last place
(the largest of 20 such sets), which no computation in float32 can know better; and in units in the
last place of the gradient's largest element. ``small_mnist`` is run with ``Dropout(0.0)``: its
masks are the harness's own.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Array = NDArray[Any]
Loss = Callable[[list[Tensor], Tensor, Tensor], Tensor]
PROGRAMS = Path(__file__).parents[2] / "tests" / "programs"
SETS = 20
KINDS = ("lstm", "gru", "conv", "dense")
START, GRADIENT = "as it is/start/", "as it is/first-batch/gradient of "


def conv1d_flatten(w: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Two convolutions along the steps, flattened with the channels first."""
    h = functional.pad(x.transpose(1, 2), (2, 2))
    h = torch.relu(functional.conv1d(h, filters(w[0]), w[1]))
    h = torch.relu(functional.conv1d(h, filters(w[2]), w[3], stride=2))
    output = torch.sigmoid(h.flatten(1) @ w[4] + w[5])
    return functional.binary_cross_entropy(output, y)


def small_mnist(w: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Two convolutions with pooling, and a layer of ten classes."""
    h = x.permute(0, 3, 1, 2)
    for kernel, bias in ((w[0], w[1]), (w[2], w[3])):
        h = functional.max_pool2d(torch.relu(functional.conv2d(h, filters(kernel), bias)), 2)
    logits = h.permute(0, 2, 3, 1).flatten(1) @ w[4] + w[5]
    return functional.cross_entropy(logits, y)


def two_paths(w: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """LSTM and GRU over the rows, a convolution over the pixels, added."""
    states = lstm(x.reshape(len(x), 16, 48), *w[:3])
    recurrent = gru(states, *w[3:6])
    pixels = functional.conv2d(x.permute(0, 3, 1, 2), filters(w[6]), w[7], padding=1)
    spatial = torch.relu(pixels).mean(dim=(2, 3))
    output = torch.tanh((recurrent + spatial) @ w[8] + w[9])
    return ((output - y) ** 2).mean()


def wide_dilated(w: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """A dilated convolution over 1,024 channels, averaged."""
    h = functional.conv2d(x.permute(0, 3, 1, 2), filters(w[0]), w[1], padding=2, dilation=2)
    output = torch.relu(h).mean(dim=(2, 3)) @ w[2] + w[3]
    return ((output - y) ** 2).mean()


LOSSES: dict[str, Loss] = {
    each.__name__: each for each in (conv1d_flatten, wide_dilated, two_paths, small_mnist)
}


def filters(kernel: Tensor) -> Tensor:
    """Keras' ``[size, …, in, out]`` as PyTorch's ``[out, in, size, …]``."""
    return kernel.permute(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))


def lstm(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
    """Keras' LSTM, gates in the order input, forget, cell, output; every state."""
    units = len(recurrent)
    h = cell = x.new_zeros(len(x), units)
    states = []
    for step in range(x.shape[1]):
        gates = x[:, step] @ kernel + h @ recurrent + bias
        i, f, c, o = gates.split(units, dim=1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(c)
        h = torch.sigmoid(o) * torch.tanh(cell)
        states.append(h)
    return torch.stack(states, dim=1)


def gru(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
    """Keras' GRU with ``reset_after``, gates in the order update, reset, candidate; its end."""
    units = len(recurrent)
    h = x.new_zeros(len(x), units)
    for step in range(x.shape[1]):
        xz, xr, xh = (x[:, step] @ kernel + bias[0]).split(units, dim=1)
        hz, hr, hh = (h @ recurrent + bias[1]).split(units, dim=1)
        z = torch.sigmoid(xz + hz)
        h = z * h + (1 - z) * torch.tanh(xh + torch.sigmoid(xr + hr) * hh)
    return h


def first_batch(name: str, size: int) -> tuple[Tensor, Tensor]:
    """The script's first examples; what stands before its model is run, and nothing else."""
    names: dict[str, Any] = {}
    _docstring, *body = ast.parse((PROGRAMS / f"{name}.py").read_text(encoding="utf-8")).body
    for node in body:
        if "keras" not in ast.unparse(node):
            exec(compile(ast.Module([node], []), name, "exec"), names)  # noqa: S102 - our own
        elif not isinstance(node, ast.Import):
            break
    x, y = names.get("x_train", names["x"]), names.get("y_train", names["y"])
    labels = torch.from_numpy(y[:size])
    return torch.from_numpy(x[:size]).double(), labels if y.ndim == 1 else labels.double()


def gradients(loss: Loss, weights: Iterable[Array], x: Tensor, y: Tensor) -> list[Array]:
    """Of every variable, in float64."""
    w = [torch.from_numpy(each.astype(np.float64)).requires_grad_() for each in weights]
    return [each.numpy() for each in torch.autograd.grad(loss(w, x, y), w)]


def moved(weights: Iterable[Array], seed: int) -> list[Array]:
    """Each weight one unit in the last place up or down."""
    rng = np.random.default_rng(seed)
    return [
        np.nextafter(
            each, np.where(rng.random(each.shape) < 0.5, np.inf, -np.inf), dtype=np.float32
        )
        for each in weights
    ]


def layer(path: str) -> str:
    """The kind of layer that a variable belongs to."""
    return next(kind for kind in KINDS if path.startswith(kind))


def distance(one: Array, other: Array) -> float:
    """Of the two elements that differ most."""
    return float(np.abs(one.astype(np.float64) - other).max())


def report(name: str, files: dict[str, Path]) -> None:
    """Print the lines of one program."""
    kept = {backend: np.load(path) for backend, path in files.items()}
    first = next(iter(kept.values()))
    paths = [each.removeprefix(GRADIENT) for each in first.files if each.startswith(GRADIENT)]
    # A model lists its layers by their depth; the two paths come one behind the other here.
    paths.sort(key=lambda path: KINDS.index(layer(path)))
    weights = [first[START + path] for path in paths]
    sizes = {"conv1d_flatten": 64, "wide_dilated": 16, "two_paths": 32, "small_mnist": 128}
    x, y = first_batch(name, sizes[name])
    exact = gradients(LOSSES[name], weights, x, y)
    others = [gradients(LOSSES[name], moved(weights, seed), x, y) for seed in range(SETS)]
    shifts = [max(distance(e, o[i]) for o in others) for i, e in enumerate(exact)]
    units = [float(np.spacing(np.float32(np.abs(each).max()))) for each in exact]
    found = {b: [arrays[GRADIENT + path] for path in paths] for b, arrays in kept.items()}

    def worst(label: str, distances: list[float]) -> None:
        place = max(range(len(paths)), key=lambda i: distances[i] / shifts[i])
        d = distances[place]
        told = f"{d / shifts[place]:.2f} moves, {d / units[place]:.1f} units in the last place"
        print(f"{name}: {label}: {told}, {paths[place]}")

    for backend, values in found.items():
        worst(
            f"{backend} from float64", [distance(v, e) for v, e in zip(values, exact, strict=True)]
        )
    for one, other in itertools.combinations(found, 2):
        pairs = zip(found[one], found[other], strict=True)
        worst(f"{one} from {other}", [distance(a, b) for a, b in pairs])


def main(folder: Path) -> None:
    """All four."""
    for name in LOSSES:
        files = {
            path.stem.partition("-")[0].partition(" ")[0]: path
            for path in sorted(folder.rglob("*.npz"))
            if f"{name}.py" in str(path)
        }
        report(name, files)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

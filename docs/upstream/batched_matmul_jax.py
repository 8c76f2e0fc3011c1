"""A matrix product over a batch takes JAX two to four times as long as NumPy on a CPU.

    python docs/upstream/batched_matmul_jax.py

Seen with JAX 0.10.2 and NumPy 2.4.6 on two cores of an Intel Xeon with AVX-512. It was found by a
Transformer whose step takes JAX longest of Keras' three backends: the second product of its
attention is ``[128, 200, 200] @ [128, 200, 50]``. As one product of two matrices the same
arithmetic is nearly as fast as NumPy's. No Keras is needed to see it.

Expected: both ratios near 1. The first is 2.3 to 4.1, the second 1.0 to 1.4.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)
scores = rng.normal(size=(128, 200, 200)).astype(np.float32)
values = rng.normal(size=(128, 200, 50)).astype(np.float32)


def took_s(product, *arrays):
    """How long a call takes: the median of 25, after one that is not counted."""
    jax.block_until_ready(product(*arrays))
    times = []
    for _ in range(25):
        begin = time.perf_counter()
        jax.block_until_ready(product(*arrays))
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


product = jax.jit(jnp.matmul)
for name, arrays in {
    "a product for each of 128": (scores, values),
    "one product, as much arithmetic": (scores.reshape(-1, 200), values[0]),
}.items():
    ours, theirs = took_s(product, *map(jnp.asarray, arrays)), took_s(np.matmul, *arrays)
    times = f"JAX {1e3 * ours:.1f} ms, NumPy {1e3 * theirs:.1f} ms"
    print(f"{name}: {times}, ratio {ours / theirs:.1f}")

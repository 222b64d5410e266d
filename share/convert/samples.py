# SPDX-License-Identifier: Apache-2.0
"""Random inputs, and what the original computes from them, as NPY files."""
import os

import numpy as np

from refused import Refused, reason
from source import sample_shape


def draw(dtype, shape, seed):
    """Floats from 0 to 1, as pixels are, in the first batch, and normal ones in the others; whole numbers are 0 or 1, so that they are
    valid indices, too."""
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return (random.random(shape) if seed % 100 == 0 else random.standard_normal(shape)).astype(dtype)
    if kind in "iub":
        return random.integers(0, 2, shape).astype(dtype)
    raise Refused(f"an input of type {dtype} cannot be checked", "--no-check writes the model unchecked")


def rows(source, arrays, batch):
    """What the original computes. One that runs single batches only gets row after row."""
    own = source.inputs[0].shape[0] if source.inputs and source.inputs[0].shape else batch
    if not source.fixed_batch or own == batch:
        return source.run(arrays)
    if own != 1:
        raise Refused(f"the original runs batches of {own} only", "convert it with --static")
    parts = [source.run([a[k:k + 1] for a in arrays]) for k in range(batch)]
    return [np.concatenate(column) for column in zip(*parts)]


def write(source, request, batches):
    fixed = source.batch(request["static"]) == "fixed"
    own = next((i.shape[0] or 1 for i in source.inputs if i.shape), 1)
    sizes, made = [own if fixed else b for b in batches], []
    for k, batch in enumerate(sizes):
        arrays = [draw(i.dtype, sample_shape(i, batch), 100 * n + k) for n, i in enumerate(source.inputs)]
        try:
            results = rows(source, arrays, batch)
        except Refused:
            raise
        except Exception as e:
            shapes = ", ".join(f"{i.name} {list(a.shape)}" for i, a in zip(source.inputs, arrays))
            raise Refused(f"the original does not run on random input ({shapes}): {reason(e)}", "give sizes by --input-shape, or leave the check out by --no-check") from e
        sample = {"inputs": {}, "outputs": {}}
        for role, values, data in (("inputs", source.inputs, arrays), ("outputs", source.outputs, results)):
            for n, (value, array) in enumerate(zip(values, data)):
                file = os.path.join(request["samples"], f"{role}_{k}_{n}.npy")
                np.save(file, np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array))
                sample[role][value.name] = file
        made.append(sample)
    return sizes, made

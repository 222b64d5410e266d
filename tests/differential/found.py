# SPDX-License-Identifier: Apache-2.0
"""Failing cases as folders, as ONNX's own backend tests are: model.onnx, test_data_set_*/{input,output}_*.pb. So `tercet check` reads
them, too. case.txt says in lines what is wrong, which seed it came from, and the case."""
import shutil

import onnx
from onnx import numpy_helper

import compare
from model import name_of
from subject import Broken, Unsupported


def write(folder, trial, outcome, seed):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(trial.model)
    for k, (feed, results) in enumerate(zip(trial.feeds, trial.results)):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for i, (name, x) in enumerate(feed.items()):
            (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(x, name).SerializeToString())
        for i, (name, x) in enumerate(zip(trial.case.outputs, results)):
            (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(x, name).SerializeToString())
    (folder / "case.txt").write_text(f"{outcome.reason}\n{trial.case.text()}\nseed {seed}, {outcome.setting.text()}\n", encoding="utf-8")


def description(folder):
    file = folder / "case.txt"
    return file.read_text(encoding="utf-8").splitlines()[0] if file.exists() else "no description"


def tensors(folder, prefix):
    out = {}
    for i in range(len(list(folder.glob(f"{prefix}_*.pb")))):
        t = onnx.TensorProto.FromString((folder / f"{prefix}_{i}.pb").read_bytes())
        out[t.name] = numpy_helper.to_array(t)
    return out


def run(folder, tercet, setting):
    """What is wrong with a kept case now; None if nothing is."""
    sets = sorted(folder.glob("test_data_set_*"))
    feeds, wanted = [tensors(s, "input") for s in sets], [tensors(s, "output") for s in sets]
    model = (folder / "model.onnx").read_bytes()
    try:
        results = tercet.run(model, list(wanted[0]), feeds, setting)
    except Unsupported as e:
        return f"unsupported: {e}"
    except Broken as e:
        return str(e)
    dtypes = dtypes_of(onnx.load_from_string(model)) | {name_of(x.dtype) for group in feeds + wanted for x in group.values()}
    for k, (got, want) in enumerate(zip(results, wanted)):
        for x, (name, y) in zip(got, want.items()):
            if line := compare.difference(name, x, y, compare.tolerance_for(dtypes)):
                return f"data set {k}: {line}"
    return None


def dtypes_of(model):
    return {name_of(numpy_helper.to_array(t).dtype) for t in model.graph.initializer}

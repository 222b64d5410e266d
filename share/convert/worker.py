# SPDX-License-Identifier: Apache-2.0
"""Turns a model of another framework into ONNX, and writes down what the original computes, so that the result can be checked.
`tercet convert` runs this with the Python of an environment that holds the framework:

    python worker.py REQUEST.json

REQUEST.json, written by src/api/convert.cpp:
    format        keras, hdf5, saved_model, tflite, torch_export, torch_script, torch_pickle or pickle
    model         the file or folder
    output        the ONNX file to write; tensors beyond 2 GB go to OUTPUT.data
    answer        the JSON file to write, see below
    samples       the folder for random inputs and what the original makes of them; "" for none
    static        whether the batch is fixed, too
    opset         the operator set to write; 0: the converter's usual one
    shapes        {input: [sizes]}; the only input's may have an empty name
    types         {input: type}, NumPy's names
    signature     of a SavedModel
    allow_code    whether Python code in the file may run
    python_path   folders with the classes of a pickled model

The answer is {"error": {"what", "fix"}}, or
    inputs, outputs   names, in order
    batch             "dynamic", "forced" (the original's is fixed; the result may not bear another one) or "fixed"
    notes             lines for the user
    converter         "tf2onnx 1.2.3"
    tolerance         {output: steps}: whole numbers that may differ by so much
    batches           sizes of the batches below
    samples           [{"inputs": {name: NPY file}, "outputs": {name: NPY file}}, ...]

Exit status 0 unless something unforeseen happened."""
import importlib
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # `python -I` leaves it out

from refused import Refused

MODULES = {"keras": "from_tensorflow", "hdf5": "from_tensorflow", "saved_model": "from_tensorflow", "tflite": "from_tflite",
           "torch_export": "from_torch", "torch_script": "from_torch", "torch_pickle": "from_torch", "pickle": "from_sklearn"}
BATCHES = (1, 3, 3)  # of the random inputs


def convert(request):
    module = importlib.import_module(MODULES[request["format"]])
    import finish  # needs the environment's packages
    source = module.load(request)
    model = source.to_onnx(request)
    notes = list(source.notes)
    finish.finish(model, source, request["static"])
    finish.save(model, request["output"])
    answer = {"inputs": [i.name for i in source.inputs], "outputs": [o.name for o in source.outputs], "batch": source.batch(request["static"]),
              "converter": source.converter, "notes": notes, "tolerance": {o.name: o.steps for o in source.outputs if o.steps}, "samples": [], "batches": []}
    if request["samples"]:
        import samples
        answer["batches"], answer["samples"] = samples.write(source, request, BATCHES)
    return answer


def main(path):
    with open(path, encoding="utf-8") as f:
        request = json.load(f)
    sys.path[1:1] = request["python_path"]
    try:
        answer = convert(request)
    except Refused as refused:
        answer = {"error": {"what": refused.what, "fix": refused.fix}}
    with open(request["answer"], "w", encoding="utf-8") as f:
        json.dump(answer, f)


if __name__ == "__main__":
    main(sys.argv[1])

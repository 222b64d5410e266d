# SPDX-License-Identifier: Apache-2.0
"""Converts the models that make_*.py made, and holds each to what is expected: what `tercet convert` says of inputs, batch and difference,
and what it refuses. tests/convert/run calls it."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

IMAGE = ["image f32 [N, 16, 16, 3]"]
CODE = ["--allow-code"]
SHAPE = ["--input-shape", "image:1x3x16x16"]
PICTURE = ["image f32 [N, 3, 16, 16]"]
FEATURES = ["input f32 [N, 4]"]

# file, options, inputs of the result
CONVERTED = {
    "tensorflow": [
        ("image.keras", [], IMAGE), ("image.keras", ["--static"], ["image f32 [1, 16, 16, 3]"]), ("image.keras", ["--opset", "13"], IMAGE), ("image.h5", [], IMAGE), ("image_saved", [], IMAGE),
        ("two_inputs.keras", [], ["ids i32 [N, 6]", "values f32 [N, 4]"]), ("lstm.keras", [], ["sequence f32 [N, 7, 5]"]),
        ("open_sizes.keras", [], ["image f32 [N, image_1, image_2, 3]"]), ("open_sizes.keras", ["--input-shape", "1x20x24x3"], ["image f32 [N, 20, 24, 3]"]),
        ("lambda.keras", CODE, ["x f32 [N, 5]"]), ("image.tflite", [], IMAGE), ("reshape.tflite", [], ["x f32 [N, 8, 8, 3]"]), ("image_int8.tflite", [], ["image i8 [N, 16, 16, 3]"]),
    ],
    "pytorch": [
        ("dynamic.pt2", [], PICTURE), ("fixed.pt2", [], ["image f32 [1, 3, 16, 16]"]), ("traced.pt", SHAPE, PICTURE), ("scripted.pt", SHAPE, PICTURE), ("scripted.pt", [*SHAPE, "--static"], ["image f32 [1, 3, 16, 16]"]),
        ("pickled.pt", [*SHAPE, *CODE, "--python-path", "."], PICTURE), ("sequential.pth", ["--input-shape", "1x3x16x16", *CODE], ["input f32 [N, 3, 16, 16]"]),
        ("words.pt", ["--input-shape", "ids:1x7,scale:1x7", "--input-type", "ids:int64", *CODE, "--python-path", "."], ["ids i64 [N, 7]", "scale f32 [N, 7]"]),
    ],
    "scikit-learn": [(f"{name}.pkl", CODE, FEATURES) for name in ("linear", "logistic", "two_classes", "strings", "mlp", "tree", "forest", "forest_two_classes", "forest_regression", "boosting",
                                                                  "boosting_two_classes", "boosting_regression", "histograms", "means", "columns")]
                    + [("packed.joblib", CODE, FEATURES), ("plain.joblib", CODE, FEATURES)],
}

# file, options, what the error says
REFUSED = {
    "tensorflow": [
        ("image.weights.h5", [], "weights only"), ("lambda.keras", [], "--allow-code"), ("own_layer.keras", [], "does not know its layer Shift"), ("image_saved", ["--signature", "other"], "it has no signature 'other'"),
        ("unsupported_saved", [], "Betainc"), ("image.keras", ["--input-shape", "1x8x8x3"], "8 at axis 1, the model has 16"),
    ],
    "pytorch": [
        ("traced.pt", [], "add --input-shape image:1x3x224x224"), ("pickled.pt", SHAPE, "--allow-code"), ("pickled.pt", [*SHAPE, *CODE], "No module named 'own_module'"), ("state.pt", [], "state_dict"),
        ("checkpoint.pth", [], "weights without the model"), ("traced.pt", ["--input-shape", "1x4x16x16"], "does not run on inputs of these shapes"),
    ],
    "scikit-learn": [("forest.pkl", [], "--allow-code"), ("svc.pkl", CODE, "SVMClassifier")],
}


def described(value):
    return f"{value['name']} {value['dtype']} [{', '.join(map(str, value['shape']))}]"


def convert(tercet, folder, file, options, output):
    return subprocess.run([tercet, "convert", file, *options, "-o", output, "--json"], cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def problem_of(tercet, folder, file, options, inputs, output):
    done = convert(tercet, folder, file, options, output)
    if done.returncode != 0:
        return done.stderr.strip()
    answer = json.loads(done.stdout)
    print(f"  {file} {' '.join(options)}: differs by " + ", ".join(f"{o['max_abs_error']:.2g} (bound {o['bound']:.2g})" for o in answer["checked"]), flush=True)
    if sorted(map(described, answer["inputs"])) != sorted(inputs):
        return f"its inputs are {list(map(described, answer['inputs']))}, expected {inputs}"
    dynamic = inputs[0].split("[")[1].startswith("N")
    if answer["batches"] != ([1, 3, 3] if dynamic else [1, 1, 1]):
        return f"it was checked on batches of {answer['batches']}"
    built = subprocess.run([tercet, "build", output, "--tune", "none", "-o", output + ".engine"], capture_output=True, text=True, timeout=600, check=False)
    open_sizes = "image_1" in inputs[0]  # these need a profile
    return "" if built.returncode == 0 or open_sizes else "cannot be built as a user would: " + built.stderr.strip()


def refusal_problem(tercet, folder, file, options, says, output):
    done = convert(tercet, folder, file, options, output)
    if done.returncode != 1 or says not in done.stderr or done.stderr.count("\n") != 1:
        return f"status {done.returncode}, expected 1 and one line with '{says}': {done.stderr.strip()}"
    return "it left a file" if os.path.exists(output) else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tercet", required=True)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("frameworks", nargs="+", choices=list(CONVERTED))
    a = parser.parse_args()
    failed = 0
    for framework in a.frameworks:
        print(framework, flush=True)
        for cases, check in ((CONVERTED, problem_of), (REFUSED, refusal_problem)):
            for file, options, expected in cases[framework]:
                with tempfile.TemporaryDirectory() as place:
                    problem = check(a.tercet, a.folder / framework, file, options, expected, os.path.join(place, "model.onnx"))
                if problem:
                    failed += 1
                    print(f"FAILED {file} {' '.join(options)}: {problem}", flush=True)
        print(f"  {len(CONVERTED[framework])} converted, {len(REFUSED[framework])} refused", flush=True)
    print(f"{failed} failed" if failed else "all as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Pickled scikit-learn models (pickle or joblib), by skl2onnx. They have one input, `input` [N, features], and no strings: classes that
are strings are left out, and their order is told."""
import warnings

import numpy as np
import onnx

import onnx_ml
from refused import Refused, reason
from source import Source, Value

OPSET = 17
ML_OPSET = 3
# Operators that skl2onnx can say in ONNX's own.
AVOIDED = {"LinearClassifier", "LinearRegressor", "Scaler", "Normalizer", "ZipMap"}


def unpickle(request, notes):
    if not request["allow_code"]:
        raise Refused("loading it runs Python code that lies in it", "add --allow-code, if you trust whoever made it")
    import joblib
    import sklearn
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = joblib.load(request["model"])
    except (ModuleNotFoundError, AttributeError) as e:
        raise Refused(f"code that it needs is not found: {reason(e)}", "own classes: --python-path FOLDER; other packages or versions: an environment with them by --venv") from e
    except Exception as e:
        raise Refused(f"it cannot be loaded: {reason(e)}", "save it again with joblib.dump") from e
    for version in {getattr(w.message, "original_sklearn_version", None) for w in caught} - {None}:
        notes.append(f"it was made by scikit-learn {version} and loaded by {sklearn.__version__}; an environment with the first may be named by --venv")
    if not isinstance(model, sklearn.base.BaseEstimator):
        raise Refused(f"it holds a {type(model).__module__}.{type(model).__name__}, not a scikit-learn model", "pickle the fitted model itself; PyTorch: torch.save(model, \"model.pt\")")
    if not hasattr(model, "n_features_in_"):
        raise Refused("the model is not fitted, or does not say how many features it takes", "pickle it behind fit()")
    return model


def number_columns(model, names):
    """Columns that are chosen by name are chosen by place: the only input is an array."""
    for part in [step for _, step in getattr(model, "steps", [])] or [model]:
        if type(part).__name__ == "ColumnTransformer":
            own = list(getattr(part, "feature_names_in_", names))
            part.transformers_ = [(label, what, [own.index(c) if isinstance(c, str) else c for c in ([columns] if isinstance(columns, str) else columns)])
                                  for label, what, columns in part.transformers_]


def computed(model, output, x):
    """What the original gives for an output of skl2onnx."""
    if output == "label":
        return np.asarray(model.predict(x))
    for method in ("predict_proba", "decision_function", "transform", "predict"):
        if hasattr(model, method) and (output != "variable" or method in ("transform", "predict")):
            y = getattr(model, method)(x)
            return np.asarray(y.todense() if hasattr(y, "todense") else y)
    raise Refused(f"the model has no way to compute '{output}'", "--no-check writes the model unchecked")


def convert(model, features, opset):
    """Probabilities are one array, not a list of dictionaries, where the converter of the last step knows that option."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    settings = {"initial_types": [("input", FloatTensorType([None, features]))], "black_op": AVOIDED, "target_opset": {"": opset, "ai.onnx.ml": ML_OPSET}}
    try:
        return skl2onnx.convert_sklearn(model, options={id(last): {"zipmap": False}}, **settings)
    except Exception as e:
        if "zipmap" not in str(e):
            raise
    return skl2onnx.convert_sklearn(model, **settings)


def load(request):
    import skl2onnx
    converter = "skl2onnx " + skl2onnx.__version__
    notes = []
    model = unpickle(request, notes)
    names = [str(n) for n in getattr(model, "feature_names_in_", [])]
    original = model
    if names:
        import copy
        original, model = model, copy.deepcopy(model)
        number_columns(model, names)
        notes.append("columns of the input: " + ", ".join(names))
    features = int(model.n_features_in_)
    try:
        made = convert(model, features, request["opset"] or OPSET)
    except Exception as e:
        cause = e.__cause__ or e  # skl2onnx tells what it was doing, not what happened
        raise Refused(f"{converter} cannot convert it: {reason(cause)}", "see all that it says with --verbose") from e
    classes = getattr(model, "classes_", None)
    if classes is not None and np.asarray(classes).dtype.kind not in "iub" and len(made.graph.output) > 1:
        onnx_ml.drop_output(made, "label")
        notes.append("the label is left out, for it is a string; the scores' columns are " + ", ".join(map(str, classes)))
    onnx_ml.rewrite(made)

    def table(x):
        if not names:
            return x
        import pandas
        return pandas.DataFrame(x, columns=names)

    def run(arrays):
        results = []
        for o in made.graph.output:
            try:
                y = computed(original, o.name, table(arrays[0].astype(np.float64)))
            except ValueError:  # some models compute in the type that they were fitted in
                y = computed(original, o.name, table(arrays[0]))
            rank = len(o.type.tensor_type.shape.dim)
            results.append(y.reshape(len(y), *[-1] * (rank - 1)).astype(np.int64 if o.type.tensor_type.elem_type == onnx.TensorProto.INT64 else np.float32))
        return results

    outputs = [Value(o.name) for o in made.graph.output]
    return Source([Value("input", "float32", (None, features))], outputs, lambda _: made, run, converter, notes=notes)

# SPDX-License-Identifier: Apache-2.0
"""TreeEnsembleClassifier and TreeEnsembleRegressor in ONNX's own operators. All nodes of all trees lie in one table; every sample walks
all trees at once, one level a step, by

    at[N, trees] <- x[n, feature[at]] <= threshold[at] ? yes[at] : no[at]

and a leaf leads to itself, so that after as many steps as the deepest tree has levels all have arrived. `tabulate` needs the standard
library only."""
import dataclasses


@dataclasses.dataclass
class Table:
    roots: list
    feature: list
    threshold: list
    yes: list
    no: list
    missing: list  # whether a sample without this feature (NaN) goes to `yes`
    weights: list  # a row per node: what a leaf adds to each target
    depth: int


def tabulate(attributes, role, targets):
    """The table of an ensemble, `role` being "class" or "target"; None if it has what is not said here."""
    modes = [m.decode() if isinstance(m, bytes) else m for m in attributes["nodes_modes"]]
    if set(modes) - {"BRANCH_LEQ", "LEAF"}:
        return None
    keys = list(zip(attributes["nodes_treeids"], attributes["nodes_nodeids"]))
    place = {key: k for k, key in enumerate(keys)}
    leaf = [m == "LEAF" for m in modes]
    yes = [k if leaf[k] else place[keys[k][0], child] for k, child in enumerate(attributes["nodes_truenodeids"])]
    no = [k if leaf[k] else place[keys[k][0], child] for k, child in enumerate(attributes["nodes_falsenodeids"])]
    children = {c for k in range(len(keys)) if not leaf[k] for c in (yes[k], no[k])}
    roots = [k for k in range(len(keys)) if k not in children]
    depth, level = 0, [k for k in roots if not leaf[k]]
    while level:
        depth += 1
        level = [c for k in level for c in (yes[k], no[k]) if not leaf[c]]
    weights = [[0.0] * targets for _ in keys]
    for tree, node, target, weight in zip(*(attributes[f"{role}_{part}"] for part in ("treeids", "nodeids", "ids", "weights"))):
        weights[place[tree, node]][target] += weight
    missing = list(attributes.get("nodes_missing_value_tracks_true", [])) or [0] * len(keys)
    return Table(roots, list(attributes["nodes_featureids"]), list(attributes["nodes_values"]), yes, no, missing, weights, depth)


def scores(x, table, average, base, b):
    """Nodes for the sum over all trees, [N, targets]."""
    import numpy as np

    columns = {"feature": np.int64, "threshold": np.float32, "yes": np.int64, "no": np.int64, "missing": np.bool_, "weights": np.float32}
    constants = {what: b.constant(what, np.array(getattr(table, what), dtype)) for what, dtype in columns.items() if what != "missing" or any(table.missing)}

    def of(what, at):
        return b.node("Gather", [constants[what], at])

    samples = b.node("Slice", [b.node("Shape", [x]), b.constant("zero", np.array([0], np.int64)), b.constant("one", np.array([1], np.int64))])
    shape = b.node("Concat", [samples, b.constant("trees", np.array([len(table.roots)], np.int64))], axis=0)
    at = b.node("Expand", [b.constant("roots", np.array([table.roots], np.int64)), shape])
    for _ in range(table.depth):
        value = b.node("GatherElements", [x, of("feature", at)], axis=1)
        goes = b.node("LessOrEqual", [value, of("threshold", at)])
        if any(table.missing):
            lacks = b.node("And", [b.node("IsNaN", [value]), of("missing", at)])
            goes = b.node("Or", [goes, lacks])
        at = b.node("Where", [goes, of("yes", at), of("no", at)])
    leaves = of("weights", at)
    total = b.node("ReduceMean", [leaves], axes=[1], keepdims=0) if average else b.node("ReduceSum", [leaves, b.constant("axis", np.array([1], np.int64))], keepdims=0)
    return b.node("Add", [total, b.constant("base", np.array(base, np.float32))]) if any(base) else total


def regressor(node, graph, b):
    from onnx import helper
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    targets = attributes.get("n_targets", 1)
    aggregate = attributes.get("aggregate_function", b"SUM")
    table = tabulate(attributes, "target", targets)
    if table is None or aggregate not in (b"SUM", b"AVERAGE") or attributes.get("post_transform", b"NONE") != b"NONE":
        return False
    b.node("Identity", [scores(node.input[0], table, aggregate == b"AVERAGE", list(attributes.get("base_values", [])) or [0.0] * targets, b)], node.output[0])
    return True


def classifier(node, graph, b):
    """The label is the class with the greatest score: its number, where classes are strings."""
    import numpy as np
    from onnx import helper
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    names = list(attributes.get("classlabels_int64s", [])) or list(range(len(attributes["classlabels_strings"])))
    after = attributes.get("post_transform", b"NONE")
    used = set(attributes["class_ids"])
    binary = len(names) == 2 and len(used) == 1  # the score of one class tells the other's
    targets = 1 if binary else len(names)
    if binary:
        attributes = {**attributes, "class_ids": [0] * len(attributes["class_ids"])}
    table = tabulate(attributes, "class", targets)
    base = list(attributes.get("base_values", []))
    if table is None or after not in (b"NONE", b"SOFTMAX", b"LOGISTIC") or len(base) not in (0, targets) or binary and after == b"SOFTMAX":
        return False
    y = scores(node.input[0], table, False, base or [0.0] * targets, b)
    if after != b"NONE":
        y = b.node("Softmax", [y], axis=1) if after == b"SOFTMAX" else b.node("Sigmoid", [y])
    if binary:
        y = b.node("Concat", [b.node("Sub", [b.constant("whole", np.array(1, np.float32)), y]), y], axis=1)
    b.node("Identity", [y], node.output[1])
    b.node("Gather", [b.constant("classes", np.array(names, np.int64)), b.node("ArgMax", [y], axis=1, keepdims=0)], node.output[0])
    return True

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds TensorRT engines from job files that Tercet wrote: TensorRT 8.x, 10.x, 11.x and TensorRT-RTX.

    build.py                    every *.job.json in this script's folder
    build.py JOB.json ...       these
    build.py --find             the TensorRT modules of this Python, as JSON

Needs Python 3.8 or newer with a TensorRT module, nothing else. A job's engine appears whole or not at all; beside it RESULT.json
says what came out. Exit status: 0 if all were built, 1 if one was not, 2 for wrong usage.
"""
import glob
import json
import os
import re
import struct
import subprocess
import sys
import time

FORMAT = 1
MODULES = ("tensorrt", "tensorrt_rtx", "tensorrt_bindings", "tensorrt_rtx_bindings")

# What differs between versions: the first version that has it and the first that has not (None: still there), and whether
# TensorRT-RTX, which counts its versions from 1 again, has it.
FEATURES = {
    #                              since     until     RTX
    "explicit_batch":            ((8, 0),   (10, 0),  False),  # the flag; since 10 there is nothing else
    "strongly_typed_flag":       ((10, 0),  None,     True),
    "weak_typing":               ((8, 0),   (11, 0),  False),  # FP16 and INT8 flags, precisions of layers, calibrators
    "bf16_flag":                 ((9, 0),   (11, 0),  False),
    "strict_types":              ((8, 0),   (8, 2),   False),  # the flag before the next two
    "precision_constraints":     ((8, 2),   (11, 0),  False),  # OBEY_ and PREFER_
    "max_workspace_size":        ((8, 0),   (8, 4),   False),
    "memory_pool_limit":         ((8, 4),   None,     True),
    "inspector":                 ((8, 2),   None,     True),
    "layer_metadata":            ((8, 6),   None,     True),
    "timing_cache":              ((8, 0),   None,     False),  # RTX asks for a GPU when there is one
    "compute_capabilities":      (None,     None,     True),
    "builds_without_gpu":        (None,     None,     True),
}

# Layers that move elements without changing them: their output has the scale of their input.
PARTS = ("SLICE", "GATHER")  # what they take a part of may be larger
MOVES = ("SHUFFLE", "IDENTITY", "SLICE", "GATHER", "SQUEEZE", "UNSQUEEZE", "REVERSE_SEQUENCE", "PADDING")
WIDTHS = {"int8": 1, "fp8": 1, "fp16": 2, "bf16": 2, "fp32": 4}


class Failure(Exception):
    """What stops a job: one line, and the ONNX nodes that it is about."""

    def __init__(self, text, nodes=()):
        Exception.__init__(self, text)
        self.nodes = list(nodes)


def one_line(text):
    return " ".join(str(text).split())


def version_of(trt):
    numbers = re.findall(r"\d+", trt.__version__)
    return tuple(int(n) for n in (numbers + ["0", "0", "0"])[:3])


def is_rtx(trt):
    return "rtx" in trt.__name__


def has(trt, feature):
    since, until, rtx = FEATURES[feature]
    if is_rtx(trt):
        return rtx
    version = version_of(trt)[:2]
    return since is not None and since <= version and (until is None or version < until)


def cache_header(trt):
    """The first line of a calibration cache that this version takes: TRT-8503-..., since 9 TRT-100300-..."""
    major, minor, patch = version_of(trt)
    number = major * 1000 + minor * 100 + patch if major < 9 else major * 10000 + minor * 100 + patch
    return "TRT-%d-EntropyCalibration2" % number


def type_name(text):
    """"fp16" of "Half", "DataType.HALF", "Two wide channel vectorized row major FP16 format"; "" of what is no such type."""
    text = str(text).lower()
    for name, words in (("int8", r"(?<!u)int8"), ("fp8", "fp8"), ("bf16", "bf16|bfloat16"), ("fp16", "(?<!b)float16|fp16|half"), ("fp32", r"fp32|float(?!8|16)")):
        if re.search(words, text):
            return name
    return ""


def nodes_of_metadata(text, labels):
    """The ONNX nodes that a layer's metadata names; the parser calls a node without a name node_of_ and its first output."""
    named = re.findall(r"\[ONNX Layer: ([^\]]*)\]", text or "")
    named = [n if n in labels else n[len("node_of_"):] if n.startswith("node_of_") else n for n in named]
    return [n for n in named if n in labels]


class Job:
    """A job file; its paths are relative to the folder that it lies in."""

    def __init__(self, path):
        try:
            with open(path) as f:
                self.fields = json.load(f)
            self.folder = os.path.dirname(os.path.abspath(path))
            if self.fields["format"] != FORMAT:
                raise Failure("%s has format %s, this script reads %s; take both from one version of Tercet" % (path, self.fields["format"], FORMAT))
            self.model, self.engine, self.result = (self.path(n) for n in ("model", "engine", "result"))
            self.precision, self.target = self.fields["precision"], self.fields["target"]
            self.layers = self.fields["layers"]  # {"layer": label, "outputs": [tensors], "chosen": precision, "fixed": whether it must be}
            self.labels = [l["layer"] for l in self.layers]
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise Failure("%s is no job file of Tercet: %s" % (path, one_line(e)))

    def path(self, name):
        value = self.fields.get(name)
        return os.path.join(self.folder, value) if value else None

    def get(self, name, default=None):
        return self.fields.get(name, default)


def say(severity, text):
    """One message, on one line, with its severity in front."""
    print("[%s] %s" % (severity, " / ".join(l.strip() for l in str(text).splitlines() if l.strip())), flush=True)


def make_log(trt, job):
    """TensorRT's logger: passes everything on, keeps the errors, and explains what it can."""

    class Log(trt.ILogger):
        def __init__(self):
            trt.ILogger.__init__(self)
            self.errors, self.warnings, self.explained = [], [], False

        def log(self, severity, message):
            letter = {"INTERNAL_ERROR": "F", "ERROR": "E", "WARNING": "W", "INFO": "I", "VERBOSE": "V"}.get(str(severity).split(".")[-1], "I")
            if letter == "V" and not job.get("verbose"):
                return
            say(letter, message)
            if letter in "FE":
                self.errors.append(one_line(message))
            if letter == "W":
                self.warnings.append(one_line(message))
            note = job.get("subnormal_note")
            if note and not self.explained and "subnormal" in message.lower():
                self.explained = True
                say("W", note)

    return Log()


# ---- The network ------------------------------------------------------------------------------------------------------------


def create_network(trt, builder):
    flags = 0
    if has(trt, "explicit_batch"):
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    if has(trt, "strongly_typed_flag") and not has(trt, "weak_typing"):
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    return builder.create_network(flags)


def parse(trt, network, log, job):
    parser = trt.OnnxParser(network, log)
    if parser.parse_from_file(job.model):
        return parser
    reasons = {}
    for i in range(parser.num_errors):
        error = parser.get_error(i)
        node = "node '%s' (%s): " % (error.node_name(), error.node_operator()) if hasattr(error, "node_name") else "node %d: " % error.node() if error.node() >= 0 else ""
        code = str(error.code()).split(".")[-1].lower().replace("_", " ")  # often all there is: the text may be a bare "false"
        reasons["%s%s (%s)" % (node, one_line(error.desc()), code)] = None
    raise Failure("TensorRT's parser refuses the model: " + ("; ".join(reasons) or (log.errors or ["no reason given"])[-1]))


class Network:
    """The parsed network, and which ONNX node each of its layers came from."""

    def __init__(self, trt, network, job):
        self.trt, self.network = trt, network
        self.layers = [network.get_layer(i) for i in range(network.num_layers)]
        self.node_of = self._nodes(job)

    def _nodes(self, job):
        # Where the parser does not say it, layers belong to the node whose output is next: it adds a node's layers in a row, the last
        # of them with the node's output.
        by_output = {o: l["layer"] for l in job.layers for o in l["outputs"]}
        node_of, waiting = {}, []
        for layer in self.layers:
            waiting.append(layer.name)
            names = [layer.get_output(i).name for i in range(layer.num_outputs)]
            node = next((by_output[n] for n in names if n in by_output), None)
            if node is None:
                continue
            for name in waiting:
                node_of.setdefault(name, node)
            waiting = []
        if has(self.trt, "layer_metadata"):
            for layer in self.layers:
                for node in nodes_of_metadata(layer.metadata, job.labels):
                    node_of[layer.name] = node
        return node_of

    def computes_floats(self, layer):
        """Whether a precision is about it: not about constants, shapes and indices."""
        if str(layer.type).split(".")[-1] in ("CONSTANT", "SHAPE", "ASSERTION", "CAST"):
            return False
        outputs = [layer.get_output(i) for i in range(layer.num_outputs)]
        return bool(outputs) and all(type_name(t.dtype) in WIDTHS and not t.is_shape_tensor for t in outputs)

    def types(self):
        """By ONNX node: what a strongly typed network says that its layers compute in, the narrowest of its inputs."""
        found = {}
        for layer in self.layers:
            node = self.node_of.get(layer.name)
            if node is None or not self.computes_floats(layer) or str(layer.type).split(".")[-1] in ("QUANTIZE", "DEQUANTIZE"):
                continue
            inputs = [layer.get_input(i) for i in range(layer.num_inputs)]
            names = [self.stored_type(t) for t in inputs if t is not None]
            names = [n for n in names if n]
            if names:
                name = min(names, key=lambda n: WIDTHS[n])
                if node not in found or WIDTHS[name] < WIDTHS[found[node]]:
                    found[node] = name
        return found

    def stored_type(self, tensor):
        """int8 for what comes from a DequantizeLinear: TensorRT computes on its bytes."""
        if not hasattr(self, "dequantized"):
            self.dequantized = {l.get_output(0).name for l in self.layers if str(l.type).split(".")[-1] == "DEQUANTIZE"}
        return "int8" if tensor.name in self.dequantized else type_name(tensor.dtype)


# ---- INT8 and precisions of layers, where typing is weak ----------------------------------------------------------------------


class Cache:
    """A calibration cache: a header, then `tensor: hexadecimal float` lines; the scale of 127 steps."""

    def __init__(self, path):
        self.scales = {}
        with open(path) as f:
            lines = f.read().splitlines()
        for number, line in enumerate(lines[1:], 2):
            name, colon, value = line.rpartition(": ")
            if not line.strip():
                continue
            if not colon or not re.fullmatch("[0-9a-fA-F]{1,8}", value.strip()):
                raise Failure("%s:%d: '%s' is no line of a calibration cache" % (path, number, line))
            self.scales[name] = struct.unpack("!f", bytes.fromhex(value.strip().rjust(8, "0")))[0]

    def text(self, header):
        lines = [header] + ["%s: %s" % (n, struct.pack("!f", s).hex()) for n, s in self.scales.items()]
        return ("\n".join(lines) + "\n").encode()


def constant_range(trt, layer):
    """The greatest magnitude in a Constant layer; None if this Python cannot read it."""
    try:
        layer.__class__ = trt.IConstantLayer  # the bindings give the base class
        weights = layer.weights
        weights = weights.numpy() if hasattr(weights, "numpy") else weights
        return max(abs(float(weights.max())), abs(float(weights.min())))
    except Exception:  # no numpy, no weights, another kind of array
        return None


def is_sum(trt, layer):
    layer.__class__ = trt.IElementWiseLayer  # the bindings give the base class, which has no op
    return layer.op == trt.ElementWiseOperation.SUM


def add_scales(trt, net, cache):
    """Scales for tensors that the parser made. Returns how many were added, and float tensors that still have none."""
    scales, before = cache.scales, len(cache.scales)
    ranges = {}
    for layer in net.layers:
        if str(layer.type).split(".")[-1] == "CONSTANT":
            name, most = layer.get_output(0).name, constant_range(trt, layer)
            if most:
                ranges[name] = most
                scales.setdefault(name, most / 127)
    changed = True
    while changed:
        changed = False
        for layer in net.layers:
            kind = str(layer.type).split(".")[-1]
            if layer.num_inputs == 0 or layer.num_outputs == 0 or layer.get_input(0) is None:
                continue
            source, result = layer.get_input(0).name, layer.get_output(0).name
            if kind in MOVES:
                known, wanted = (source, result) if source in scales or kind in PARTS else (result, source)
                if known in scales and wanted not in scales and type_name(layer.get_output(0).dtype):
                    scales[wanted] = scales[known]
                    changed = True
                if source in ranges and result not in ranges:  # a bias is a Constant behind a Shuffle
                    ranges[result] = ranges[source]
                    changed = True
            elif kind == "ELEMENTWISE" and result in scales and layer.num_inputs == 2 and is_sum(trt, layer):
                # A product and its bias: the product is at most the sum and the bias together.
                other = layer.get_input(1)
                if other is not None and other.name in ranges and source not in scales:
                    scales[source] = scales[result] + ranges[other.name] / 127
                    changed = True
    missing = []
    for layer in net.layers:
        for i in range(layer.num_outputs):
            tensor = layer.get_output(i)
            if type_name(tensor.dtype) in WIDTHS and not tensor.is_shape_tensor and tensor.name not in scales:
                missing.append(tensor.name)
    return len(scales) - before, missing


def make_calibrator(trt, text):
    """Returns the cache and nothing else: no samples, no GPU memory."""

    class Calibrator(trt.IInt8EntropyCalibrator2):
        def __init__(self):
            trt.IInt8EntropyCalibrator2.__init__(self)

        def get_batch_size(self):
            return 1

        def get_batch(self, names, *rest):
            return None

        def read_calibration_cache(self):
            return text

        def write_calibration_cache(self, cache):
            return None

    return Calibrator()


def set_weak_precisions(trt, config, net, job, result):
    """Flags for what the plan's layers are in, and the plan's exceptions as precisions of their layers."""
    flag = trt.BuilderFlag
    precisions = {l["chosen"] for l in job.layers} | {job.precision}
    if "fp16" in precisions:
        config.set_flag(flag.FP16)
    if "bf16" in precisions:
        if not has(trt, "bf16_flag"):
            raise Failure("TensorRT %s has no BF16; build with fp16, or for trt10x or trt11x" % trt.__version__)
        config.set_flag(flag.BF16)
    if "int8" in precisions:
        config.set_flag(flag.INT8)
        if job.get("cache"):
            cache = Cache(job.path("cache"))
            result["scales_added"], result["tensors_without_scale"] = add_scales(trt, net, cache)
            config.int8_calibrator = result["keep"] = make_calibrator(trt, cache.text(cache_header(trt)))

    dtype = {"fp32": trt.DataType.FLOAT, "fp16": trt.DataType.HALF, "int8": trt.DataType.INT8}
    if hasattr(trt.DataType, "BF16"):
        dtype["bf16"] = trt.DataType.BF16
    fixed = {l["layer"]: l["chosen"] for l in job.layers if l["fixed"]}
    constrained = 0
    for layer in net.layers:
        precision = fixed.get(net.node_of.get(layer.name))
        if precision is None or not net.computes_floats(layer):
            continue
        layer.precision = dtype[precision]
        if precision != "int8":
            for i in range(layer.num_outputs):
                layer.set_output_type(i, dtype[precision])
        constrained += 1
    if constrained:
        if has(trt, "precision_constraints"):
            config.set_flag(flag.OBEY_PRECISION_CONSTRAINTS if job.get("obey") else flag.PREFER_PRECISION_CONSTRAINTS)
        elif has(trt, "strict_types"):
            config.set_flag(flag.STRICT_TYPES)
    result["layers_constrained"] = constrained


# ---- Building ---------------------------------------------------------------------------------------------------------------


def set_profile(builder, config, network, job, calibrates):
    profiles = job.get("profiles", {})
    if not profiles:
        return
    profile = builder.create_optimization_profile()
    inputs = {network.get_input(i).name: network.get_input(i) for i in range(network.num_inputs)}
    for name, (least, best, most) in profiles.items():
        if name not in inputs:
            raise Failure("the network has no input '%s', it has %s" % (name, ", ".join(sorted(inputs))))
        setter = profile.set_shape_input if inputs[name].is_shape_tensor else profile.set_shape
        setter(name, least, best, most)
    config.add_optimization_profile(profile)
    if calibrates:
        config.set_calibration_profile(profile)


def set_compute_capabilities(trt, config, wanted):
    """"8.6" is trt.ComputeCapability.SM86; none: what TensorRT-RTX builds for by itself."""
    if not wanted:
        return
    known = trt.ComputeCapability.__members__
    names = ["SM" + w.replace(".", "").upper().replace("SM", "") if w.lower() != "current" else "CURRENT" for w in wanted]
    for name, asked in zip(names, wanted):
        if name not in known:
            raise Failure("TensorRT-RTX %s has no compute capability %s; it has %s" % (trt.__version__, asked, ", ".join(sorted(k for k in known if k.startswith("SM")))))
    config.num_compute_capabilities = len(names)
    for i, name in enumerate(names):
        config.set_compute_capability(known[name], i)


def use_timing_cache(config, job):
    path = job.path("timing_cache")
    content = b""
    if path and os.path.exists(path):
        with open(path, "rb") as f:
            content = f.read()
    cache = config.create_timing_cache(content)
    config.set_timing_cache(cache, False)


def make_config(trt, builder, net, job, result):
    config = builder.create_builder_config()
    workspace = int(job.get("workspace_bytes", 1 << 30))
    if has(trt, "memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace)
    else:
        config.max_workspace_size = workspace
    if has(trt, "inspector"):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.clear_flag(trt.BuilderFlag.TF32)  # on by default: 10 bits of mantissa, under the name of FP32
    if has(trt, "weak_typing"):
        set_weak_precisions(trt, config, net, job, result)
    set_profile(builder, config, net.network, job, "keep" in result)
    if has(trt, "compute_capabilities"):
        set_compute_capabilities(trt, config, job.get("compute_capabilities"))
    if has(trt, "timing_cache") and job.get("timing_cache"):
        use_timing_cache(config, job)
    return config


def nodes_in(text, labels):
    """The ONNX nodes that a layer's name stands for: "a + b", "PWN(a, b)", "{ForeignNode[a...z]}"."""
    place = {label: i for i, label in enumerate(labels)}
    found = []
    for first, last in re.findall(r"ForeignNode\[(.*?)\.\.\.(.*?)\]", text):
        first, last = (nodes_in(x, labels) for x in (first, last))
        if first and last:
            found += labels[min(place[first[0]], place[last[-1]]):max(place[first[0]], place[last[-1]]) + 1]
    if not found:
        words = [w.strip() for w in re.split(r" \+ |, |[(){}\[\]]| \|\| ", text)]
        found = [w for w in words if w in place]
    if not found:  # a layer of several that the parser made of the node: its name and something behind it
        longest = max((l for l in labels if l and l in text), key=len, default=None)
        found = [longest] if longest else []
    return list(dict.fromkeys(found))


def explain_failure(log, job):
    """What a build that gave nothing failed by."""
    text = next((e for e in log.errors if "Could not find any implementation" in e), "")
    kernel = next((m for m in log.errors + log.warnings if "No low-precision conv kernel" in m), "")
    if text or kernel:
        named = re.search(r"implementation for node (.*?)(?:\.\)?$|\. | due to)", text) or re.search(r"Failing node: (\S+)", kernel)
        nodes = nodes_in(named.group(1) if named else text, job.labels)
        if "insufficient workspace" in text:
            fix = "; allow more by --workspace"
        else:
            fix = "; keep it in fp32: --layer-precisions '%s:fp32'" % nodes[0] if nodes and job.precision != "fp32" else "; a larger --workspace may help"
        raise Failure("TensorRT has no kernel for %s: %s%s" % (", ".join("'%s'" % n for n in nodes) or "a layer", kernel or text, fix), nodes)
    if any("out of memory" in e.lower() or "OutOfMemory" in e for e in log.errors):
        raise Failure("TensorRT ran out of memory: %s; use smaller --max-shapes or a smaller --workspace" % log.errors[-1])
    raise Failure("TensorRT built nothing: " + ("; ".join(dict.fromkeys(log.errors)) or "it gave no reason"))


def engine_layers(text, labels):
    """By ONNX node: the precision in the inspector's JSON, and how many layers it tells nothing about. Versions 8 and 10 write
    "Format/Datatype", 11 "Format" and "DataType" apart; brief entries are plain strings."""
    found, silent = {}, 0
    for layer in json.loads(text).get("Layers", []):
        if not isinstance(layer, dict) or "Inputs" not in layer:
            silent += 1
            continue
        types = [type_name(t.get("DataType") or t.get("Datatype") or t.get("Format/Datatype") or "") for t in layer["Inputs"]]
        types = [t for t in types if t]
        weights = layer.get("Weights")
        if isinstance(weights, dict):
            types += [type_name(weights.get("Type", ""))]
        types = [t for t in types if t]
        nodes = nodes_of_metadata(layer.get("Metadata"), labels) or nodes_in(layer.get("Name", ""), labels)
        if not types or layer.get("LayerType") in ("Reformat", "NoOp", "Constant"):
            continue
        narrowest = min(types, key=lambda t: WIDTHS[t])
        for node in nodes:
            if node not in found or WIDTHS[narrowest] < WIDTHS[found[node]]:
                found[node] = narrowest
    return found, silent


def read_back(trt, log, engine_bytes, net, job, result):
    """What the engine's layers run in, from itself where this machine can load it, else from the network's types, which bind."""
    if has(trt, "inspector") and not (has(trt, "builds_without_gpu") and result["without_gpu"]):
        engine = trt.Runtime(log).deserialize_cuda_engine(engine_bytes)
        if engine is not None:
            inspector = engine.create_engine_inspector()
            layers, silent = engine_layers(inspector.get_engine_information(trt.LayerInformationFormat.JSON), job.labels)
            result["layers"], result["layers_unnamed"], result["layers_from"] = layers, silent, "engine"
            return
    if not has(trt, "weak_typing"):
        result["layers"], result["layers_from"] = net.types(), "network"


def has_gpu():
    return os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/nvhost-gpu") or os.path.exists("/dev/dxg")


def write_whole(path, content):
    part = path + ".part"
    try:
        with open(part, "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    except OSError as e:
        if os.path.exists(part):
            os.remove(part)
        raise Failure("%s cannot be written: %s" % (path, one_line(e)))


def build(trt, job, result):
    log = make_log(trt, job)
    result["without_gpu"] = not has_gpu()
    try:
        builder = trt.Builder(log)
    except Exception as e:
        builder = None
        log.errors.append(one_line(e))
    if builder is None:
        raise Failure("TensorRT %s gives no builder%s: %s" % (trt.__version__, "; it needs a GPU to build, and there is none here" if result["without_gpu"] else "", log.errors[0]))
    network = create_network(trt, builder)
    parser = parse(trt, network, log, job)
    net = Network(trt, network, job)
    config = make_config(trt, builder, net, job, result)
    start = time.time()
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        explain_failure(log, job)
    result["build_ms"] = 1000 * (time.time() - start)
    content = bytes(serialized)
    read_back(trt, log, content, net, job, result)  # a TensorRT that crashes on its own engine leaves none
    if has(trt, "timing_cache") and job.get("timing_cache"):
        write_whole(job.path("timing_cache"), bytes(config.get_timing_cache().serialize()))
    write_whole(job.engine, content)  # last: what fails before leaves none
    result["bytes"] = len(content)
    result["warnings"] = log.warnings
    del parser


def import_tensorrt(job):
    """The module that the target wants, of the version that it wants."""
    wanted, found = job.fields["modules"], []
    for name in wanted:
        try:
            trt = __import__(name)
        except Exception as e:
            found.append("%s: %s" % (name, one_line(e)))
            continue
        if not getattr(trt, "__version__", None):  # a folder of that name
            found.append("%s at %s is no TensorRT" % (name, ", ".join(getattr(trt, "__path__", ["an unknown place"]))))
            continue
        low, high = job.fields["versions"]
        if low <= version_of(trt)[0] < high:
            return trt
        found.append("%s is version %s" % (name, trt.__version__))
    raise Failure("%s needs %s, and %s has not: %s" % (job.target, job.fields["wants"], sys.executable, "; ".join(found)))


def run(path):
    """Builds one job and writes its result. Returns whether it was built."""
    job = Job(path)
    result = {"format": FORMAT, "status": "failed", "error": "", "nodes": []}
    try:
        trt = import_tensorrt(job)
        result["version"], result["module"] = trt.__version__, trt.__name__
        say("I", "%s: %s %s, %s" % (os.path.basename(path), trt.__name__, trt.__version__, job.precision))
        build(trt, job, result)
        result["status"] = "ok"
    except Failure as e:
        result["error"], result["nodes"] = one_line(e), e.nodes
    except MemoryError:
        result["error"] = "out of memory; use smaller --max-shapes, or close other programs"
    except Exception as e:  # a TensorRT that is not what the table above says
        result["error"] = "%s: %s" % (type(e).__name__, one_line(e))
    result.pop("keep", None)
    write_whole(job.result, json.dumps(result, indent=1).encode())
    return job, result


def find():
    """Every TensorRT module of this Python. Each is imported in a process of its own: a broken one can take it down."""
    modules = []
    # Not in the current folder, and a folder without __init__.py is none: sources have folders of that name.
    program = "import sys\nsys.path = [p for p in sys.path if p]\nimport json\nimport %s as m\nprint(json.dumps([m.__version__, m.__file__] if m.__file__ else None))"
    for name in MODULES:
        done = subprocess.run([sys.executable, "-c", program % name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        lines = done.stdout.strip().splitlines()
        if done.returncode == 0 and lines:
            found = json.loads(lines[-1])
            if found:
                modules.append({"module": name, "version": found[0], "file": found[1], "problem": ""})
        elif "No module named '%s'" % name not in done.stderr:
            reason = (done.stderr.strip().splitlines() or ["ended by signal %d" % -done.returncode])[-1]
            modules.append({"module": name, "version": "", "file": "", "problem": reason})
    return modules


def print_summary(results):
    """For people: what was built, and what did not come out as asked."""
    for job, result in results:
        if result["status"] != "ok":
            print("%s: failed: %s" % (os.path.basename(job.engine), result["error"]))
            continue
        print("%s: %.2f MiB, TensorRT %s, %.1f s" % (job.engine, result["bytes"] / 2**20, result["version"], result["build_ms"] / 1000))
        layers = result.get("layers", {})
        wrong = [(l["layer"], l["chosen"], layers[l["layer"]]) for l in job.layers
                 if l["layer"] in layers and WIDTHS[layers[l["layer"]]] > WIDTHS[l["chosen"]]]
        for layer, asked, got in wrong[:10]:
            print("  %s: %s asked, %s in the engine" % (layer, asked, got))
        if len(wrong) > 10:
            print("  and %d more layers" % (len(wrong) - 10))


def main(arguments):
    if arguments == ["--find"]:
        print(json.dumps(find()))
        return 0
    if any(a.startswith("-") for a in arguments):
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    jobs = arguments or sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.job.json")))
    if not jobs:
        print("no *.job.json beside this script; `tercet build MODEL.onnx --target trt8x --job DIR` writes them", file=sys.stderr)
        return 2
    results, faulty = [], False
    for path in jobs:
        try:
            results.append(run(path))
        except Failure as e:  # no job, or its result cannot be written
            print(one_line(e), file=sys.stderr)
            faulty = True
    print_summary(results)
    return 0 if not faulty and all(r["status"] == "ok" for _, r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

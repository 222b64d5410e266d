# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for TensorRT 8, 10 and 11, for tests: nothing here builds an engine, and what passes with them is no proof that one comes out.

They hold the caller to the real Python bindings, which import beside stub libraries: which classes, methods, arguments, properties and
enums a version has. A scenario says what the stand-in's parser finds and what its builder does:

    version     "8.6.1"; a lower one than the bindings' own may be claimed, with what it lacked in `hidden`: "Class.member" or "Class"
    network     inputs and layers, as stand_in_network() of standin_test.py makes them
    parse_errors, log, build ("engine", "nothing", "abort", "memory", "exception"), fails_first, information, unloadable, numpy, gives

What was asked of the builder is appended to the file `record`, one JSON document a build.
"""
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys

STUBS = ["createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL", "createNvOnnxParser_INTERNAL",
         "createNvOnnxParserRefitter_INTERNAL", "getBuilderPluginRegistry", "getNvOnnxParserVersion", "getPluginRegistry", "initLibNvInferPlugins",
         "_ZN11nvuffparser15createUffParserEv", "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
         "_ZN14nvcaffeparser117createCaffeParserEv", "_ZN14nvcaffeparser123shutdownProtobufLibraryEv"]  # the last four: version 8
LIBRARIES = ["nvinfer", "nvonnxparser", "nvinfer_plugin", "nvparsers"]


def make_stub_libraries(folder, major, compiler="cc"):
    """Shared libraries whose functions do nothing, by the names that the bindings link to."""
    source = os.path.join(folder, "stub.c")
    with open(source, "w") as f:
        f.write("".join("void *%s(void) { return 0; }\n" % name for name in STUBS))
    for library in LIBRARIES:
        name = "lib%s.so.%d" % (library, major)
        subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", os.path.join(folder, name), source, "-Wl,-soname," + name], check=True)


def import_bindings(bindings, libraries):
    """The real bindings, beside the stub libraries: their builders and parsers are null."""
    for name in sorted(os.listdir(libraries)):
        if ".so." in name:
            ctypes.CDLL(os.path.join(libraries, name), mode=ctypes.RTLD_GLOBAL)
    sys.path.insert(0, bindings)
    import tensorrt_bindings
    return tensorrt_bindings


# ---- What the bindings say of themselves ----------------------------------------------------------------------------------------


def parameters_of(text):
    """[(name, type, whether it may be left out)] of "self: A, x: List[int], y: B = None"."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text + ","):
        depth += (c in "[(<") - (c in "])>")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    found = []
    for part in parts:
        name, _, rest = part.partition(":")
        kind, default, _ = rest.partition(" = ")
        if name.strip() not in ("", "self"):
            found.append((name.strip(), kind.strip(), bool(default)))
    return found


def signatures_of(name, doc):
    """Every overload's parameters, from the docstring that pybind11 writes."""
    return [parameters_of(m.group(1)) for m in re.finditer(r"^(?:\d+\. )?%s\((self: .*)\) ->" % re.escape(name), doc or "", re.M)]


def takes(bindings, value, kind):
    """Whether an argument is of the type that a signature names; types of other modules are not looked at."""
    if kind in ("int", "typing.SupportsInt"):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in ("str", "bool"):
        return isinstance(value, {"str": str, "bool": bool}[kind])
    if kind in ("buffer", "typing_extensions.Buffer"):
        return isinstance(value, (bytes, bytearray, memoryview, IHostMemory))
    if kind.endswith(".Dims"):
        return isinstance(value, (list, tuple)) and all(isinstance(v, int) for v in value)
    name = kind.split(".")[-1].split("::")[-1]
    real = getattr(bindings, name, None)
    if hasattr(real, "__members__") or name in ("ILogger", "IInt8Calibrator"):
        return isinstance(value, real)
    if name in STAND_INS:
        return isinstance(value, STAND_INS[name])
    return True


def check_call(bindings, where, signatures, arguments, named):
    for parameters in signatures:
        given = dict(zip((p[0] for p in parameters), arguments))
        if len(arguments) > len(parameters) or set(given) & set(named) or set(named) - {p[0] for p in parameters}:
            continue
        given.update(named)
        if all(p[0] in given or p[2] for p in parameters) and all(takes(bindings, given[p[0]], p[1]) for p in parameters if p[0] in given):
            return
    raise TypeError("%s(): incompatible function arguments: %r %r; it takes %r" % (where, arguments, named, signatures))


def stand_in(bindings, hidden, behaviour):
    """The behaviour under the real class's members: what that lacks cannot be called, what it does not let be set cannot be set."""
    name = behaviour.__name__
    real = getattr(bindings, name)
    members = {"__slots__": (), "__module__": "standin", "__doc__": "A stand-in for %s." % name}
    constructor = signatures_of("__init__", real.__init__.__doc__)

    def create(self, *arguments, **named):
        if not constructor:
            raise TypeError("%s: No constructor defined!" % name)
        check_call(bindings, name, constructor, arguments, named)
        behaviour.__init__(self, *arguments, **named)

    def refuse(self, attribute, value):
        if not (attribute == "__class__" or isinstance(getattr(type(self), attribute, None), property)):
            raise AttributeError("'%s' object has no attribute '%s'" % (name, attribute))
        object.__setattr__(self, attribute, value)

    members["__init__"], members["__setattr__"] = create, refuse
    for base in reversed([c for c in real.__mro__ if c.__module__.startswith("tensorrt")]):
        for member, value in vars(base).items():
            if member.startswith("_") or "%s.%s" % (base.__name__, member) in hidden:
                continue
            if isinstance(value, property):
                members[member] = stand_in_property(member, value.fset is not None, behaviour)
            elif callable(value):
                members[member] = stand_in_method(bindings, "%s.%s" % (name, member), signatures_of(member, value.__doc__), getattr(behaviour, member, None))
    for member in dir(behaviour):
        if not member.startswith("_") and member != "state" and member not in members:
            members[member] = property(lacking(name, member))
    return type(name, (behaviour,), members)


def lacking(name, member):
    def get(self):
        raise AttributeError("'%s' object has no attribute '%s'" % (name, member))
    return get


def stand_in_method(bindings, where, signatures, does):
    def method(self, *arguments, **named):
        check_call(bindings, where, signatures, arguments, named)
        if does is None:
            raise NotImplementedError("the stand-in has no %s" % where)
        return does(self, *arguments, **named)
    return method


def stand_in_property(name, settable, behaviour):
    own = getattr(behaviour, name, None)
    own = own if isinstance(own, property) else None

    def get(self):
        if own:
            return own.fget(self)
        if name not in self.state:
            raise NotImplementedError("the stand-in has no %s.%s" % (type(self).__name__, name))
        return self.state[name]

    def put(self, value):
        (own.fset if own and own.fset else lambda s, v: s.state.__setitem__(name, v))(self, value)

    return property(get, put if settable else None)


# ---- What the stand-ins do ------------------------------------------------------------------------------------------------------

SCENARIO, BINDINGS, STAND_INS = {}, None, {}


def make(kind, /, **state):
    """An object that the real library would make; it has no constructor."""
    made = object.__new__(STAND_INS[kind])
    object.__setattr__(made, "state", state)
    return made


class Object:
    """What all stand-ins have in common: a state."""
    __slots__ = ("state",)

    def __init__(self, *arguments):
        object.__setattr__(self, "state", {"arguments": arguments})


class Builder(Object):
    """A stand-in: it builds no engine, it says whatever the scenario wants said."""
    __slots__ = ()

    def __init__(self, logger):
        Object.__init__(self, logger)
        if SCENARIO.get("gives") == "no builder":
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def create_network(self, flags=0):
        return make("INetworkDefinition", creation_flags=flags, inputs=[], layers=[], name="")

    def create_builder_config(self):
        return make("IBuilderConfig", flags_set=["TF32"], pools={}, max_workspace_size=0, profiles=[], calibration_profile=None, int8_calibrator=None,
                    profiling_verbosity=BINDINGS.ProfilingVerbosity.LAYER_NAMES_ONLY, timing_cache=None)

    def create_optimization_profile(self):
        return make("IOptimizationProfile", shapes={}, values={})

    def build_serialized_network(self, network, config):
        record(network, config)
        for severity, text in SCENARIO.get("log", []):
            self.state["arguments"][0].log(getattr(BINDINGS.ILogger.Severity, severity), text)
        with open(SCENARIO["record"]) as f:
            first = sum(1 for _ in f) <= SCENARIO.get("fails_first", 0)
        does = "nothing" if first else SCENARIO.get("build", "engine")
        if does == "abort":
            print("an assertion of the library's own failed", file=sys.stderr, flush=True)
            os.abort()
        if does == "memory":
            raise MemoryError()
        if does == "exception":
            raise RuntimeError("what()\nof two lines")
        return make("IHostMemory", content=b"stand-in, no engine") if does == "engine" else None


def record(network, config):
    """What the builder was asked."""
    layers = {}
    for layer in network.state["layers"]:
        layers[layer.state["name"]] = {"precision": layer.state["precision"] and layer.state["precision"].name,
                                       "outputs": [t and t.name for t in layer.state["types"]]}
    calibrator = config.state["int8_calibrator"]
    document = {"network_flags": network.state["creation_flags"], "flags": config.state["flags_set"], "pools": config.state["pools"],
                "max_workspace_size": config.state["max_workspace_size"], "verbosity": config.state["profiling_verbosity"].name,
                "profiles": [p.state["shapes"] for p in config.state["profiles"]], "calibration_profile": config.state["calibration_profile"] is not None,
                "cache": calibrator and bytes(calibrator.read_calibration_cache()).decode(), "batch": calibrator and calibrator.get_batch(["x"]),
                "layers": layers, "timing_cache": config.state["timing_cache"] is not None, "model": network.state["model"]}
    with open(SCENARIO["record"], "a") as f:
        f.write(json.dumps(document) + "\n")


class IBuilderConfig(Object):
    """A stand-in."""
    __slots__ = ()

    def set_flag(self, flag):
        self.state["flags_set"] = sorted(set(self.state["flags_set"]) | {flag.name})

    def clear_flag(self, flag):
        self.state["flags_set"] = sorted(set(self.state["flags_set"]) - {flag.name})

    def set_memory_pool_limit(self, pool, pool_size):
        self.state["pools"][pool.name] = pool_size

    def add_optimization_profile(self, profile):
        self.state["profiles"].append(profile)
        return len(self.state["profiles"]) - 1

    def set_calibration_profile(self, profile):
        self.state["calibration_profile"] = profile
        return True

    def create_timing_cache(self, serialized_timing_cache):
        return make("ITimingCache", content=bytes(serialized_timing_cache))

    def set_timing_cache(self, cache, ignore_mismatch):
        self.state["timing_cache"] = cache
        return True

    def get_timing_cache(self):
        return self.state["timing_cache"]


class ITimingCache(Object):
    """A stand-in: one byte longer after each build."""
    __slots__ = ()

    def serialize(self):
        return make("IHostMemory", content=self.state["content"] + b"t")


class IOptimizationProfile(Object):
    """A stand-in."""
    __slots__ = ()

    def set_shape(self, input, min, opt, max):
        self.state["shapes"][input] = [list(min), list(opt), list(max)]

    def set_shape_input(self, input, min, opt, max):
        self.state["values"][input] = [list(min), list(opt), list(max)]


class INetworkDefinition(Object):
    """A stand-in."""
    __slots__ = ()
    num_layers = property(lambda self: len(self.state["layers"]))
    num_inputs = property(lambda self: len(self.state["inputs"]))

    def get_layer(self, index):
        return self.state["layers"][index]

    def get_input(self, index):
        return self.state["inputs"][index]


class ITensor(Object):
    """A stand-in."""
    __slots__ = ()


class ILayer(Object):
    """A stand-in; like the real network it gives this class, whatever the layer is, until its __class__ is set."""
    __slots__ = ()
    num_inputs = property(lambda self: len(self.state["inputs"]))
    num_outputs = property(lambda self: len(self.state["outputs"]))

    def get_input(self, index):
        return self.state["inputs"][index]

    def get_output(self, index):
        return self.state["outputs"][index]

    def set_output_type(self, index, dtype):
        self.state["types"][index] = dtype


class IConstantLayer(ILayer):
    """A stand-in."""
    __slots__ = ()

    @property
    def weights(self):
        if not SCENARIO.get("numpy", True):
            raise ModuleNotFoundError("No module named 'numpy'")
        return Array(self.state["weights"])


class Array(list):
    """As much of a numpy array as is needed here."""

    def max(self):
        return max(self)

    def min(self):
        return min(self)


class IElementWiseLayer(ILayer):
    """A stand-in."""
    __slots__ = ()
    op = property(lambda self: getattr(BINDINGS.ElementWiseOperation, self.state["op"]))


class OnnxParser(Object):
    """A stand-in: it keeps a copy of the model, and finds in it what the scenario says."""
    __slots__ = ()
    num_errors = property(lambda self: len(SCENARIO.get("parse_errors", [])))

    def __init__(self, network, logger):
        Object.__init__(self, network, logger)

    def parse_from_file(self, model):
        network = self.state["arguments"][0].state
        network["model"] = "%s.%d.onnx" % (SCENARIO["record"], os.path.getsize(SCENARIO["record"]))
        shutil.copyfile(model, network["model"])
        if SCENARIO.get("parse_errors"):
            return False
        tensors = {None: None}

        def tensor(name, dtype, shape_tensor=False):
            return tensors.setdefault(name, make("ITensor", name=name, dtype=getattr(BINDINGS.DataType, dtype), is_shape_tensor=shape_tensor))

        network["inputs"] = [tensor(i["name"], i["dtype"]) for i in SCENARIO["network"]["inputs"]]
        for layer in SCENARIO["network"]["layers"]:
            inputs = [tensors[n] for n in layer["inputs"]]
            outputs = [tensor(o["name"], o["dtype"], o.get("shape_tensor", False)) for o in layer["outputs"]]
            network["layers"].append(make("ILayer", name=layer["name"], type=getattr(BINDINGS.LayerType, layer["type"]), inputs=inputs, outputs=outputs,
                                          metadata=layer.get("metadata", ""), weights=layer.get("weights"), op=layer.get("op"), precision=None,
                                          types=[None] * len(outputs)))
        return True

    def get_error(self, index):
        return make("ParserError", **SCENARIO["parse_errors"][index])


class ParserError(Object):
    """A stand-in."""
    __slots__ = ()

    def desc(self):
        return self.state["desc"]

    def node(self):
        return self.state["node"]

    def code(self):
        return getattr(BINDINGS.ErrorCode, self.state["code"])

    def node_name(self):
        return self.state["node_name"]

    def node_operator(self):
        return self.state["node_operator"]


class IHostMemory(Object):
    """A stand-in, whose bytes are whatever it was made of."""
    __slots__ = ()
    nbytes = property(lambda self: len(self.state["content"]))

    def __bytes__(self):
        return self.state["content"]


class Runtime(Object):
    """A stand-in: it loads what the stand-in's builder gave."""
    __slots__ = ()

    def deserialize_cuda_engine(self, serialized_engine):
        return None if SCENARIO.get("unloadable") else make("ICudaEngine")


class ICudaEngine(Object):
    """A stand-in."""
    __slots__ = ()

    def create_engine_inspector(self):
        return make("EngineInspector")


class EngineInspector(Object):
    """A stand-in."""
    __slots__ = ()

    def get_engine_information(self, format):
        assert format == BINDINGS.LayerInformationFormat.JSON
        return json.dumps(SCENARIO["information"])


def install(module, path):
    """Fills a module named tensorrt with the stand-in that the scenario in this file wants."""
    global BINDINGS
    with open(path) as f:
        SCENARIO.update(json.load(f))
    hidden = set(SCENARIO.get("hidden", []))
    BINDINGS = import_bindings(SCENARIO["bindings"], SCENARIO["libraries"])
    for behaviour in (Builder, IBuilderConfig, ITimingCache, IOptimizationProfile, INetworkDefinition, ITensor, ILayer, IConstantLayer, IElementWiseLayer,
                      OnnxParser, ParserError, IHostMemory, Runtime, ICudaEngine, EngineInspector):
        STAND_INS[behaviour.__name__] = stand_in(BINDINGS, hidden, behaviour)
    for name in dir(BINDINGS):
        value = getattr(BINDINGS, name)
        if name.startswith("__") or name in hidden:
            continue
        if hasattr(value, "__members__"):  # an enum: what is hidden of it is gone
            gone = {h.split(".")[1] for h in hidden if h.startswith(name + ".")}
            value = type(name, (), {k: v for k, v in value.__members__.items() if k not in gone}) if gone else value
            module[name] = value
        elif name in STAND_INS:
            module[name] = STAND_INS[name]
        elif isinstance(value, type) and name in ("ILogger", "Logger", "IInt8EntropyCalibrator2"):
            module[name] = value  # the caller derives from them; they need no library
    module["__version__"] = SCENARIO["version"]

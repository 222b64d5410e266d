#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tercet build` for TensorRT 8, 10 and 11 with stand-ins (standin.py): what the script asks of TensorRT, and what it makes of the answers.
The stand-ins take classes, enums and signatures from the real bindings. None of this proves that an engine comes out.

    python3 standin_test.py --tercet build/release/tercet --root . --installed build/tensorrt
"""
import json
import os
import struct
import subprocess
import tempfile

import program
import standin
from program import Program, cache_of, ob, python, write

VERSIONS = {"trt8x": "8.6.1", "trt10x": "10.13.0.35", "trt11x": "11.4.0.106"}
LIBRARIES = {}


def setUpModule():
    for target, version in VERSIONS.items():
        LIBRARIES[target] = tempfile.TemporaryDirectory()
        standin.make_stub_libraries(LIBRARIES[target].name, int(version.split(".")[0]))


def tearDownModule():
    for folder in LIBRARIES.values():
        folder.cleanup()


def layer(name, kind, inputs, outputs, **more):
    outputs = [o if isinstance(o, dict) else {"name": o, "dtype": "FLOAT"} for o in outputs]
    return {"name": name, "type": kind, "inputs": inputs, "outputs": outputs, **more}


def node_metadata(*nodes):
    return "\x1e".join("[ONNX Layer: %s]" % n for n in nodes)


def stand_in_network(dtype="FLOAT"):
    """What a parser makes of small_model(): conv1, relu1, fc (a product, a bias with a Constant and a Shuffle before it), softmax."""
    kind = lambda *names: [{"name": n, "dtype": dtype} for n in names]
    return {"inputs": kind("x"), "layers": [
        layer("conv1", "CONVOLUTION", ["x"], kind("c"), metadata=node_metadata("conv1")),
        layer("relu1", "ACTIVATION", ["c"], kind("r"), metadata=node_metadata("relu1")),
        layer("flat", "SHUFFLE", ["r"], kind("f"), metadata=node_metadata("flat")),
        layer("w2", "CONSTANT", [], kind("w2_constant"), weights=[0.5, -2.54], metadata=""),
        layer("fc", "MATRIX_MULTIPLY", ["f", "w2_constant"], kind("fc_product"), metadata=node_metadata("fc")),
        layer("b2", "CONSTANT", [], kind("b2_constant"), weights=[-1.27, 0.25], metadata=""),
        layer("(Unnamed Layer* 6) [Shuffle]", "SHUFFLE", ["b2_constant"], kind("b2_shuffled"), metadata=node_metadata("fc")),
        layer("(Unnamed Layer* 7) [ElementWise]", "ELEMENTWISE", ["fc_product", "b2_shuffled"], kind("g"), op="SUM", metadata=node_metadata("fc")),
        layer("softmax", "SOFTMAX", ["g"], kind("y"), metadata=node_metadata("softmax")),
        layer("shape", "SHAPE", ["x"], [{"name": "x_shape", "dtype": "INT32", "shape_tensor": True}])]}


def information(version, **types):
    """What the inspector says of an engine whose layers are in these types: conv="Half", fc="Float"."""
    formats = {"Half": "Two wide channel vectorized row major FP16 format", "Float": "Row major linear FP32", "Int8": "Row major Int8 format"}

    def entry(name, kind, nodes):
        tensor = {"Name": "t", "Format": "Linear", "DataType": kind} if version >= 11 else {"Name": "t", "Dimensions": [1, 2], "Format/Datatype": formats[kind]}
        return {"Name": name, "LayerType": "gemm" if version >= 11 else "CaskConvolution", "Inputs": [tensor], "Outputs": [tensor], "Metadata": node_metadata(*nodes)}

    layers = [entry("conv1 + relu1", types.get("conv", "Float"), ["conv1", "relu1"]), entry("fc", types.get("fc", "Float"), ["flat", "fc"]),
              entry("softmax", types.get("softmax", "Float"), ["softmax"]),
              {"Name": "Reformatting CopyNode for Input Tensor 0 to fc", "LayerType": "Reformat", "Inputs": [{"Format/Datatype": formats["Int8"]}]}]
    return {"Layers": layers, ("I/O Tensors" if version >= 11 else "Bindings"): ["x", "y"]}


SCALES = {"x": 1 / 127, "c": 4 / 127, "r": 4 / 127, "f": 4 / 127, "g": 6 / 127, "y": 1 / 127}


class StandIn(Program):
    def setUp(self):
        super().setUp()
        elsewhere = tempfile.TemporaryDirectory()  # what the stand-in leaves is none of the program's files
        self.addCleanup(elsewhere.cleanup)
        self.record = os.path.join(elsewhere.name, "record")
        package = os.path.join(self.folder, "python", "tensorrt")
        os.makedirs(package)
        write(os.path.join(package, "__init__.py"), "import os, sys\nsys.path.append(%r)\nimport standin\nstandin.install(globals(), os.environ['STANDIN'])\n"
              % os.path.dirname(os.path.abspath(standin.__file__)))
        self.small_model()
        write(self.path("scales.cache"), cache_of(SCALES))

    def small_model(self, w1=(0.5, -0.5), group=1):
        channels = 4 if group > 1 else 1
        per_filter = channels // group
        write(self.path("m.onnx"), ob.model(
            [ob.node("Conv", ["x", "w1"], ["c"], name="conv1", attributes=ob.attribute("group", group)), ob.node("Relu", ["c"], ["r"], name="relu1"),
             ob.node("Flatten", ["r"], ["f"], name="flat"), ob.node("Gemm", ["f", "w2", "b2"], ["g"], name="fc"), ob.node("Softmax", ["g"], ["y"], name="softmax")],
            [ob.value_info("x", ["N", channels, 2, 1])], [ob.value_info("y", ["N", 2])],
            [ob.tensor("w1", [4, per_filter, 1, 1], (list(w1) * 16)[:4 * per_filter]), ob.tensor("w2", [8, 2], [0.5, -2.54] * 8), ob.tensor("b2", [2], [-1.27, 0.25])]))

    def scenario(self, target, version=None, **more):
        number = int(VERSIONS[target].split(".")[0])
        document = {"version": version or VERSIONS[target], "bindings": program.installed(VERSIONS[target]), "libraries": LIBRARIES[target].name,
                    "record": self.record, "network": stand_in_network(), "information": information(number), **more}
        write(self.record, "")
        write(self.path("scenario.json"), json.dumps(document))
        return {"STANDIN": self.path("scenario.json"), "PYTHONPATH": self.path("python")}

    def words(self, target, *words):
        return ["m.onnx", "--target", target, "--python", python(), *words]

    def asked(self, target, *words, **scenario):
        """Builds; returns what the stand-in's builder was asked, and what `tercet build` says."""
        result = self.built(*self.words(target, *words), env=self.scenario(target, **scenario))
        with open(self.record) as f:
            return json.loads(f.read().splitlines()[-1]), result

    def refused(self, target, *words, says=(), **scenario):
        return self.fails("build", *self.words(target, *words), says=says, env=self.scenario(target, **scenario))


class Bindings(StandIn):
    """The stand-in refuses what the real bindings refuse."""

    def answers(self, target, program_text, **scenario):
        environment = self.environment(self.scenario(target, **scenario))
        done = subprocess.run([python(), "-c", "import tensorrt as trt\nclass Log(trt.ILogger):\n    def __init__(self): trt.ILogger.__init__(self)\n"
                               "    def log(self, s, m): pass\nb = trt.Builder(Log())\nn = b.create_network()\nc = b.create_builder_config()\n" + program_text],
                              capture_output=True, text=True, env=environment, timeout=60, check=False)
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    def test_what_a_version_lacks(self):
        for target, text, says in [
                ("trt8x", "b.build_serialized_network(n, c, 1)", "incompatible"), ("trt8x", "b.build_serialized_network(n)", "incompatible"),
                ("trt8x", "b.build_it(n, c)", "AttributeError"), ("trt8x", "c.set_flag('FP16')", "incompatible"), ("trt8x", "c.set_flag(trt.BuilderFlag.BF16)", "BF16"),
                ("trt8x", "n.num_layers = 3", "AttributeError"), ("trt8x", "c.speed = 3", "AttributeError"), ("trt8x", "b.create_network(flag=1)", "incompatible"),
                ("trt8x", "trt.INetworkDefinition()", "No constructor"), ("trt8x", "trt.OnnxParser(n)", "incompatible"), ("trt8x", "c.set_memory_pool_limit(0, 1)", "incompatible"),
                ("trt10x", "c.max_workspace_size = 1", "AttributeError"), ("trt10x", "c.set_flag(trt.BuilderFlag.STRICT_TYPES)", "STRICT_TYPES"),
                ("trt11x", "c.int8_calibrator = None", "AttributeError"), ("trt11x", "trt.BuilderFlag.FP16", "FP16"), ("trt11x", "trt.IInt8EntropyCalibrator2", "AttributeError"),
                ("trt11x", "trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH", "EXPLICIT_BATCH")]:
            with self.subTest(target=target, text=text):
                self.assertIn(says, self.answers(target, text))

    def test_what_a_version_has(self):
        common = "c.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1)\nc.set_memory_pool_limit(pool=trt.MemoryPoolType.WORKSPACE, pool_size=1)\nb.create_network(flags=1)\n"
        for target, text in [("trt8x", "c.max_workspace_size = 1\nc.set_flag(trt.BuilderFlag.FP16)"), ("trt10x", "c.set_flag(trt.BuilderFlag.BF16)"),
                             ("trt11x", "b.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))")]:
            with self.subTest(target=target):
                self.assertEqual(self.answers(target, common + text), "")

    def test_what_is_hidden_of_it(self):
        self.assertIn("AttributeError", self.answers("trt8x", "c.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1)", hidden=["IBuilderConfig.set_memory_pool_limit"]))
        self.assertIn("AttributeError", self.answers("trt8x", "trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS", hidden=["BuilderFlag.OBEY_PRECISION_CONSTRAINTS"]))


class Settings(StandIn):
    OLD = ["IBuilderConfig.set_memory_pool_limit", "MemoryPoolType", "ILayer.metadata", "BuilderFlag.OBEY_PRECISION_CONSTRAINTS", "BuilderFlag.PREFER_PRECISION_CONSTRAINTS",
           "EngineInspector", "LayerInformationFormat", "ProfilingVerbosity.DETAILED", "IBuilderConfig.profiling_verbosity", "ICudaEngine.create_engine_inspector"]

    def test_fp32_is_fp32(self):
        for target, network_flags in [("trt8x", 1), ("trt10x", 0), ("trt11x", None)]:
            with self.subTest(target=target):
                asked, result = self.asked(target)
                self.assertEqual(asked["flags"], [])  # not even TF32
                self.assertEqual(asked["pools"], {"WORKSPACE": 1 << 30})
                self.assertEqual(asked["profiles"], [{"x": [[1, 1, 2, 1], [16, 1, 2, 1], [32, 1, 2, 1]]}])
                self.assertEqual(asked["verbosity"], "DETAILED")
                if network_flags is not None:
                    self.assertEqual(asked["network_flags"], network_flags)
                self.assertEqual(result["path"], "m_%s_fp32.trt" % target)
                self.assertEqual(result["version"], "TensorRT " + VERSIONS[target])
                self.assertEqual(result["warnings"], [])

    def test_profiles_and_workspace_are_those_asked_for(self):
        asked, _ = self.asked("trt8x", "--min-shapes", "x:2x1x2x1", "--opt-shapes", "x:4x1x2x1", "--max-shapes", "x:8x1x2x1", "--workspace", "3MiB")
        self.assertEqual(asked["profiles"], [{"x": [[2, 1, 2, 1], [4, 1, 2, 1], [8, 1, 2, 1]]}])
        self.assertEqual(asked["pools"], {"WORKSPACE": 3 << 20})

    def test_versions_before_memory_pools(self):
        asked, result = self.asked("trt8x", "--precision", "fp16", "--layer-precisions", "softmax:fp32", version="8.0.3.4", hidden=self.OLD)
        self.assertEqual(asked["max_workspace_size"], 1 << 30)
        self.assertEqual(asked["pools"], {})
        self.assertEqual(asked["flags"], ["FP16", "STRICT_TYPES"])
        self.assertEqual(asked["layers"]["softmax"], {"precision": "FLOAT", "outputs": ["FLOAT"]})  # by its output: layers have no metadata
        self.assertIn("not read back", result["warnings"][-1])
        asked, _ = self.asked("trt8x", version="8.3.1", hidden=self.OLD[:3])
        self.assertEqual(asked["max_workspace_size"], 1 << 30)

    def test_flags_of_16_bits(self):
        for target, precision, flags in [("trt8x", "fp16", ["FP16"]), ("trt10x", "fp16", ["FP16"]), ("trt10x", "bf16", ["BF16"]), ("trt11x", "fp16", []), ("trt11x", "bf16", [])]:
            with self.subTest(target=target, precision=precision):
                asked, _ = self.asked(target, "--precision", precision)
                self.assertEqual(asked["flags"], flags)
                self.assertFalse([l for l in asked["layers"].values() if l["precision"]])
        self.refused("trt8x", "--precision", "bf16", says="no BF16")

    def test_a_strongly_typed_network_is_typed_by_its_model(self):
        asked, _ = self.asked("trt11x", "--precision", "int8", "--calib-cache", "scales.cache")
        self.assertEqual((asked["flags"], asked["cache"], asked["network_flags"]), ([], None, 1 << self.strongly_typed_bit()))
        text = self.tercet("inspect", asked["model"]).stdout
        self.assertIn("QuantizeLinear", text)

    def strongly_typed_bit(self):
        done = subprocess.run([python(), "-c", "import tensorrt as t; print(int(t.NetworkDefinitionCreationFlag.STRONGLY_TYPED))"], capture_output=True, text=True,
                              env=self.environment(self.scenario("trt11x")), timeout=60, check=True)
        return int(done.stdout)

    def test_timing_caches_are_read_and_extended(self):
        write(self.path("t.cache"), b"before")
        for target in VERSIONS:
            with self.subTest(target=target):
                write(self.path("t.cache"), b"before")
                asked, _ = self.asked(target, "--timing-cache", "t.cache")
                self.assertTrue(asked["timing_cache"])
                self.assertEqual(program.read(self.path("t.cache")), b"beforet")
        self.refused("trt8x", "--timing-cache", "no/such/t.cache", says="no/such/t.cache")


class Int8(StandIn):
    def scales_of(self, cache):
        lines = cache.splitlines()
        return lines[0], {n: struct.unpack("!f", bytes.fromhex(v))[0] for n, _, v in (line.rpartition(": ") for line in lines[1:])}

    def test_the_calibrator_has_only_the_cache_under_the_running_version(self):
        for target, header in [("trt8x", "TRT-8601-EntropyCalibration2"), ("trt10x", "TRT-101300-EntropyCalibration2")]:
            with self.subTest(target=target):
                asked, result = self.asked(target, "--precision", "int8", "--calib-cache", "scales.cache")
                self.assertEqual(self.scales_of(asked["cache"])[0], header)
                self.assertIsNone(asked["batch"])
                self.assertTrue(asked["calibration_profile"])
                self.assertIn("INT8", asked["flags"])
                self.assertNotIn("FP16", asked["flags"])

    def test_scales_are_added_for_what_the_parser_made(self):
        asked, result = self.asked("trt8x", "--precision", "int8", "--calib-cache", "scales.cache")
        scales = self.scales_of(asked["cache"])[1]
        for name, scale in {**SCALES, "w2_constant": 2.54 / 127, "b2_constant": 0.01, "b2_shuffled": 0.01, "fc_product": 6 / 127 + 0.01}.items():
            self.assertAlmostEqual(scales[name], scale, places=6, msg=name)
        self.assertNotIn("x_shape", scales)
        self.assertFalse([w for w in result["warnings"] if "no scale" in w])

    def test_tensors_that_still_have_none_are_told(self):
        network = stand_in_network()
        network["layers"][7]["op"] = "PROD"  # of a product nothing is known
        asked, result = self.asked("trt8x", "--precision", "int8", "--calib-cache", "scales.cache", network=network)
        self.assertNotIn("fc_product", self.scales_of(asked["cache"])[1])
        (warning,) = [w for w in result["warnings"] if "no scale" in w]
        self.assertIn("1 of TensorRT's tensors", warning)
        self.assertIn("'fc_product'", warning)
        network["layers"][7].update(op="SUM", inputs=["part", "b2_shuffled"])
        network["layers"].insert(7, layer("part of it", "SLICE", ["fc_product"], ["part"], metadata=""))
        asked, result = self.asked("trt8x", "--precision", "int8", "--calib-cache", "scales.cache", network=network)
        self.assertIn("part", self.scales_of(asked["cache"])[1])  # what it is a part of may be larger
        (warning,) = [w for w in result["warnings"] if "no scale" in w]
        self.assertIn("'fc_product'", warning)
        _, result = self.asked("trt8x", "--precision", "int8", "--calib-cache", "scales.cache", numpy=False)
        (warning,) = [w for w in result["warnings"] if "no scale" in w]
        self.assertIn("'w2_constant'", warning)

    def test_the_plans_exceptions_are_precisions_of_their_layers(self):
        for words, flag in [([], "PREFER_PRECISION_CONSTRAINTS"), (["--no-fallback"], "OBEY_PRECISION_CONSTRAINTS")]:
            with self.subTest(words=words):
                asked, _ = self.asked("trt10x", "--precision", "fp16", "--layer-precisions", "f*:fp32,softmax:fp32", *words,
                                      information=information(10, conv="Half"))
                self.assertEqual(asked["flags"], ["FP16", flag])
                fp32 = {"precision": "FLOAT", "outputs": ["FLOAT"]}
                for name, layer in asked["layers"].items():
                    constrained = name in ("flat", "fc", "softmax", "(Unnamed Layer* 6) [Shuffle]", "(Unnamed Layer* 7) [ElementWise]")
                    self.assertEqual(layer, fp32 if constrained else {"precision": None, "outputs": [None]}, name)

    def test_one_narrow_layer_lets_no_other_be_narrower(self):
        asked, _ = self.asked("trt8x", "--precision", "fp32", "--layer-precisions", "conv1:fp16")
        self.assertEqual([asked["layers"][n]["precision"] for n in ["conv1", "relu1", "fc", "softmax"]], ["HALF", "FLOAT", "FLOAT", "FLOAT"])
        asked, _ = self.asked("trt8x", "--precision", "fp16", "--layer-precisions", "conv1:int8", "--calib-cache", "scales.cache")
        self.assertEqual([asked["layers"][n]["precision"] for n in ["conv1", "relu1", "fc", "softmax"]], ["INT8", "HALF", "HALF", "HALF"])
        self.assertEqual(asked["flags"], ["FP16", "INT8", "PREFER_PRECISION_CONSTRAINTS"])


class Answers(StandIn):
    """What comes back is told."""

    def test_the_engine_says_what_its_layers_are(self):
        for target in VERSIONS:
            number = int(VERSIONS[target].split(".")[0])
            with self.subTest(target=target):
                _, result = self.asked(target, "--precision", "fp16", information=information(number, conv="Half", fc="Half", softmax="Half"))
                self.assertEqual((result["layers"], result["fallbacks"]), ({"fp16": 5}, []))
                _, result = self.asked(target, "--precision", "fp16", information=information(number, conv="Half", fc="Float", softmax="Half"))
                self.assertEqual([(f["layer"], f["asked"], f["chosen"]) for f in result["fallbacks"]], [("flat", "fp16", "fp32"), ("fc", "fp16", "fp32")])
                self.assertIn("TensorRT built it so", result["fallbacks"][0]["reason"])

    def test_an_fp16_engine_that_is_fp32_inside_is_not_passed_off(self):
        for target in VERSIONS:
            with self.subTest(target=target):
                done = self.tercet("build", *self.words(target, "--precision", "fp16"), env=self.scenario(target))
                self.assertIn("  layers: fp32 5\n  5 layers are not in fp16:\n", done.stdout)
                self.refused(target, "--precision", "fp16", "--no-fallback", "-o", "no.trt", says="5 layers are not in fp16, first conv1 (Conv)")

    def test_an_engine_that_is_refused_leaves_the_one_before(self):
        with open(self.path("kept.trt"), "wb") as f:
            f.write(b"an engine of before")
        done = self.tercet("build", *self.words("trt10x", "--precision", "fp16", "--no-fallback", "-o", "kept.trt"), env=self.scenario("trt10x"), status=1)
        self.assertIn("5 layers are not in fp16", done.stderr)
        with open(self.path("kept.trt"), "rb") as f:
            self.assertEqual(f.read(), b"an engine of before")
        self.assertFalse(os.path.exists(self.path("kept.trt.new")))

    def test_an_engine_that_tells_nothing_is_not_passed_off(self):
        _, result = self.asked("trt8x", "--precision", "fp16", information={"Layers": ["conv1 + relu1", "fc"], "Bindings": []})
        self.assertIn("2 of the engine's layers do not tell their types", result["warnings"][-1])
        _, result = self.asked("trt10x", "--precision", "fp16", unloadable=True)
        self.assertIn("not read back", result["warnings"][-1])

    def test_messages_come_with_their_severity_and_subnormal_values_with_their_count(self):
        self.small_model(w1=[1e-6, 0.5])
        log = [["INFO", "quiet"], ["VERBOSE", "quieter"], ["WARNING", "Weights [name=w1] had: \n - Subnormal FP16 values detected."],
               ["WARNING", "again: subnormal"], ["ERROR", "2: a recovered error"]]
        for target in VERSIONS:
            with self.subTest(target=target):
                done = self.tercet("build", *self.words(target, "--precision", "fp16"), env=self.scenario(target, log=log))
                self.assertIn("TensorRT warning: Weights [name=w1] had: / - Subnormal FP16 values detected.\n", done.stderr)
                self.assertEqual(done.stderr.count("Tercet counted 2 constants"), 1)
                self.assertIn("in 'w1'", done.stderr)
                self.assertIn("TensorRT error: 2: a recovered error\n", done.stderr)
                self.assertNotIn("quiet", done.stderr)
        done = self.tercet("build", *self.words("trt8x", "--precision", "fp16", "-v"), env=self.scenario("trt8x", log=log))
        self.assertIn("quieter", done.stderr)

    def test_layers_without_an_implementation_are_named_by_their_nodes(self):
        for text, nodes in [
                ("10: [optimizer.cpp::computeCosts::3869] Error Code 10: Internal Error (Could not find any implementation for node {ForeignNode[conv1...flat]}.)", ["conv1", "relu1", "flat"]),
                ("Error Code 10: Internal Error (Could not find any implementation for node conv1 + relu1. In computeCosts at /_src/optimizer.cpp:4211)", ["conv1", "relu1"]),
                ("10: [optimizer.cpp::computeCosts::3628] Error Code 10: Internal Error (Could not find any implementation for node fc + relu1.)", ["fc", "relu1"])]:
            with self.subTest(text=text):
                self.refused("trt8x", "--precision", "fp16", log=[["ERROR", text]], build="nothing",
                             says=["TensorRT has no kernel for %s: " % ", ".join("'%s'" % n for n in nodes), "--layer-precisions '%s:fp32'" % nodes[0]])
        self.refused("trt8x", "--precision", "fp16", build="nothing", log=[["ERROR", "Could not find any implementation for node fc due to insufficient workspace. See verbose log."]],
                     says=["'fc'", "allow more by --workspace"])

    def test_failures_of_the_builder(self):
        for number, (scenario, says) in enumerate([
                ({"build": "nothing", "log": [["ERROR", "4: the network has no output"]]}, "built nothing: 4: the network has no output"),
                ({"build": "nothing"}, "no reason"),
                ({"build": "nothing", "log": [["ERROR", "1: [defaultAllocator.cpp] Cuda Runtime (out of memory)"]]}, ["ran out of memory", "--max-shapes"]),
                ({"build": "memory"}, ["out of memory", "--max-shapes"]),
                ({"build": "exception"}, "RuntimeError: what() of two lines"),
                ({"build": "abort", "log": [["ERROR", "the last words"]]}, ["Aborted", "the last words", "an assertion of the library's own failed"]),
                ({"gives": "no builder"}, ["gives no builder", "factory function"]),
                ({"parse_errors": [{"desc": "In node 1 (parseGraph): UNSUPPORTED_NODE:\nNo importer", "node": 1, "code": "UNSUPPORTED_NODE", "node_name": "relu1", "node_operator": "Relu"}]},
                 ["parser refuses the model", "No importer", "unsupported node"])]):
            target = list(VERSIONS)[number % 3]
            with self.subTest(target=target, scenario=scenario):
                self.refused(target, says=says, **scenario)

    def test_grouped_convolutions_stay_in_fp32_for_version_11(self):
        self.small_model(group=2)
        _, result = self.asked("trt11x", "--precision", "fp16", information=information(11, fc="Half", softmax="Half"))
        (fallback,) = [f for f in result["fallbacks"] if f["layer"] == "conv1"]
        self.assertIn("grouped convolutions", fallback["reason"])
        for target, group in [("trt10x", 2), ("trt11x", 4)]:  # the latter is depthwise
            self.small_model(group=group)
            _, result = self.asked(target, "--precision", "fp16", information=information(int(VERSIONS[target].split(".")[0]), conv="Half", fc="Half", softmax="Half"))
            self.assertEqual(result["fallbacks"], [])

    def test_what_has_no_kernel_in_a_typed_network_is_built_again_in_fp32(self):
        kernel = ["WARNING", "No low-precision conv kernel available for this strongly-typed Conv/ConvTranspose. Consider keeping it in FP32. Failing node: conv1"]
        missing = ["ERROR", "IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any implementation for node conv1. In computeCosts at optimizer.cpp:4211)"]
        for log in [[kernel, missing], [missing], [["ERROR", kernel[1]]]]:
            with self.subTest(log=log):
                _, result = self.asked("trt11x", "--precision", "fp16", log=log, fails_first=1, information=information(11, fc="Half", softmax="Half"))
                with open(self.record) as f:
                    models = [json.loads(line)["model"] for line in f]
                self.assertEqual(len(models), 2)
                first, second = (self.tercet("inspect", m).stdout for m in models)
                self.assertNotEqual(first, second)
                (fallback,) = [f for f in result["fallbacks"] if f["layer"] == "conv1"]
                self.assertIn("TensorRT 11.4.0.106 has no kernel for it in fp16", fallback["reason"])
                self.refused("trt11x", "--precision", "fp16", "--no-fallback", "-o", "no.trt", log=log, build="nothing", says="no kernel for 'conv1'")


class Found(StandIn):
    def test_doctor_lists_it(self):
        for target, version in VERSIONS.items():
            found = self.json("doctor", "--python", python(), env=self.scenario(target))["tensorrt"]
            self.assertEqual([(m["module"], m["version"], m["target"]) for m in found if m["module"] == "tensorrt"], [("tensorrt", version, target)])

    def test_another_version_is_named(self):
        environment = self.scenario("trt10x")
        self.fails("build", *self.words("trt8x"), env=environment, says=["TensorRT 8.x is not installed", "tensorrt 10.13.0.35", self.path("python"), "23.03-py3"])


if __name__ == "__main__":
    program.main()

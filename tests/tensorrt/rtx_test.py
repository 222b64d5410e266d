#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Engines that a real TensorRT-RTX builds, without a GPU: what the program says of them, and what the bindings read.

    python3 rtx_test.py --tercet build/release/tercet --root . --installed build/tensorrt
"""
import array
import json
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import tempfile

import program
from program import Program, cache_of, ob, python, read, write

MAGIC = b"vtrt"
TRANSFORMER = "fashion_mnist_vit.onnx"

# The types of a model's layers by the ONNX node that they come from, as the bindings tell them.
READ_TYPES = """
import json, re, sys
import tensorrt_rtx_bindings as trt
log = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(log)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
assert trt.OnnxParser(network, log).parse_from_file(sys.argv[1])
layers = [network.get_layer(i) for i in range(network.num_layers)]
quantized = {l.get_output(0).name for l in layers if l.type == trt.LayerType.DEQUANTIZE}
types = {}
for l in layers:
    if l.type in (trt.LayerType.CONVOLUTION, trt.LayerType.MATRIX_MULTIPLY, trt.LayerType.SOFTMAX):
        name = re.findall(r"ONNX Layer: ([^\\]]*)", l.metadata)[0]
        inputs = [l.get_input(i) for i in range(l.num_inputs) if l.get_input(i) is not None]
        types[name] = "int8" if inputs[0].name in quantized else inputs[0].dtype.name
print(json.dumps(types))
"""


def npy(shape, seed=1):
    values = random.Random(seed)
    count = 1
    for d in shape:
        count *= d
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % "".join("%d, " % d for d in shape)
    header = header.ljust((len(header) + 10 + 1 + 63) // 64 * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("f", (values.random() for _ in range(count))).tobytes()


def random_floats(count, seed):
    """Of either sign, between 2^-7 and 2^-6, as bytes."""
    return array.array("I", [bits & 0x807fffff | 0x3c000000 for bits in array.array("I", random.Random(seed).randbytes(4 * count))]).tobytes()


class Rtx(Program):
    def build(self, *words, env=None):
        return self.built(*words, "--target", "trtrtx", "--python", python(), env=env)

    def build_fails(self, *words, says=(), env=None):
        return self.fails("build", *words, "--target", "trtrtx", "--python", python(), says=says, env=env)

    def example(self):
        return os.path.join(program.arguments.root, "examples", "fashion_mnist", "model.onnx")

    def transformer(self):
        data = os.environ.get("TERCET_TEST_DATA")
        model = data and os.path.join(data, "models", TRANSFORMER)
        if not model or not os.path.exists(model):
            self.skipTest("TERCET_TEST_DATA has no models/" + TRANSFORMER)
        return model

    def samples(self, *shape):
        return write(self.path("samples.npy"), npy(shape or [16, 28, 28, 1]))

    def is_engine(self, path, least=100000):
        content = read(self.path(path))
        self.assertEqual(content[:4], MAGIC)
        self.assertGreater(len(content), least)

    def types_of(self, model):
        done = subprocess.run([python(), "-c", READ_TYPES, model], capture_output=True, text=True, env=self.environment({}), cwd=self.folder, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def two_layers(self, op="Relu", **attributes):
        """y = op(Relu(x)), x [N, 3, 3]."""
        return write(self.path("two.onnx"), ob.model(
            [ob.node("Relu", ["x"], ["r"], name="first"), ob.node(op, ["r"], ["y"], name="second", attributes=b"".join(ob.attribute(k, v) for k, v in attributes.items()))],
            [ob.value_info("x", ["N", 3, 3])], [ob.value_info("y", ["N"] if op == "Det" else ["N", 3, 3])]))

    def overflowing(self):
        """y = Relu(x * [91200, 1, 2]): a constant that FP16 does not reach."""
        return write(self.path("large.onnx"), ob.model(
            [ob.node("Mul", ["x", "big"], ["m"], name="scale"), ob.node("Relu", ["m"], ["y"], name="relu")],
            [ob.value_info("x", ["N", 3])], [ob.value_info("y", ["N", 3])], [ob.tensor("big", [3], [91200.0, 1.0, 2.0])]))


class Engines(Rtx):
    def test_every_precision_of_a_convolutional_network_and_its_table(self):
        done = self.tercet("build", self.example(), "--all", "--calib-data", self.samples(), "-o", "engines", "--max-shapes", "8x28x28x1", "--opt-shapes", "4x28x28x1",
                           "--target", "trtrtx", "--python", python())
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split()[:3], ["precision", "size", "reduction"])
        sizes = []
        for line, precision in zip(lines[1:4], ["fp32", "fp16", "int8"]):
            file = os.path.join("engines", "model_trtrtx_%s.trt" % precision)
            self.assertRegex(line, r"^%s +[\d.]+ (MiB|KiB) +(-|[\d.]+ %%) .* ok +%s$" % (precision, re.escape(file)))
            self.is_engine(file)
            sizes.append(os.path.getsize(self.path(file)))
        self.assertGreater(sizes[0], max(sizes[1:]))  # of small engines the fixed parts count
        self.assertEqual(sorted(os.listdir(self.path("engines"))), ["model_trtrtx_%s.trt" % p for p in ["fp16", "fp32", "int8"]])
        self.assertIn("not read back (no GPU here)", done.stdout)

    def test_every_precision_of_a_transformer(self):
        engines = self.json("build", self.transformer(), "--all", "--calib-data", self.samples(16, 1, 28, 28), "-o", "engines", "--target", "trtrtx", "--python", python())
        self.assertEqual([(e["precision"], e["status"], e["target"]) for e in engines], [(p, "ok", "trtrtx") for p in ["fp32", "fp16", "int8"]])
        for e in engines:
            self.is_engine(e["path"])
            self.assertRegex(e["version"], r"^TensorRT-RTX 1\.\d+")
        self.assertGreater(engines[2]["layers"]["int8"], 4)
        self.assertGreater(engines[1]["layers"]["fp16"], 100)  # and what computes shapes
        self.assertEqual(engines[1]["fallbacks"], [])

    def test_weights_take_the_bytes_of_their_precision(self):
        # Equal weights would be stored once.
        nodes, weights, scales, last, channels = [], [], {"x": 1 / 127}, "x", 64
        for i in range(3):
            nodes += [ob.node("Conv", [last, "w%d" % i], ["c%d" % i], name="conv%d" % i, attributes=ob.attribute("pads", [1, 1, 1, 1])),
                      ob.node("Relu", ["c%d" % i], ["r%d" % i], name="relu%d" % i)]
            weights.append(ob.tensor("w%d" % i, [512, channels, 3, 3], random_floats(512 * channels * 9, i)))
            scales.update({"c%d" % i: 10.0**(i + 1) / 127, "r%d" % i: 10.0**(i + 1) / 127})
            last, channels = "r%d" % i, 512
        model = ob.model(nodes, [ob.value_info("x", ["N", 64, 8, 8])], [ob.value_info(last, ["N", 512, 8, 8])], weights)
        self.assertGreater(len(model), 20e6)
        write(self.path("large.onnx"), model)
        write(self.path("scales.cache"), cache_of(scales))
        fp32, fp16, int8 = self.json("build", "large.onnx", "--all", "--calib-cache", "scales.cache", "--target", "trtrtx", "--python", python())
        self.assertGreater(fp32["bytes"], 19e6)
        self.assertLessEqual(fp16["bytes"], 0.55 * fp32["bytes"])
        self.assertLessEqual(int8["bytes"], 0.32 * fp32["bytes"])
        self.assertEqual(int8["layers"], {"fp32": 3, "int8": 3})

    def test_compute_capabilities_are_chosen(self):
        self.two_layers()
        one = self.build("two.onnx", "--compute-capability", "8.6")
        self.is_engine(one["path"])
        for wrong in ["3.0", "x"]:
            self.build_fails("two.onnx", "--compute-capability", wrong, "-o", "no.trt", says=["no compute capability " + wrong, "SM86"])

    def test_a_constant_beyond_fp16_keeps_its_layer_in_fp32(self):
        self.overflowing()
        engine = self.build("large.onnx", "--precision", "fp16")
        self.assertEqual(engine["layers"], {"fp16": 1, "fp32": 1})
        (fallback,) = engine["fallbacks"]
        self.assertEqual((fallback["layer"], fallback["asked"], fallback["chosen"]), ("scale", "fp16", "fp32"))
        self.assertIn("91200", fallback["reason"])
        self.build_fails("large.onnx", "--precision", "fp16", "--no-fallback", "-o", "no.trt", says=["scale (Mul) cannot be fp16", "91200"])

    def test_layer_precisions_are_followed(self):
        engine = self.build(self.example(), "--precision", "fp16", "--layer-precisions", "*Gemm*:fp32", "--no-fallback")
        self.assertEqual(set(engine["layers"]), {"fp16", "fp32"})


class Jobs(Rtx):
    def test_a_folder_builds_elsewhere_what_was_planned(self):
        job = self.json("build", self.example(), "--all", "--calib-data", self.samples(), "--target", "trtrtx", "--job", "folder")
        self.assertEqual(job["command"], "python3 folder/build.py")
        self.assertEqual([e["status"] for e in job["engines"]], ["ok"] * 3)
        with tempfile.TemporaryDirectory() as away:
            place = os.path.join(away, "moved here")
            shutil.move(self.path("folder"), place)
            environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run([python(), os.path.join(place, "build.py")], cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            summary = [line for line in done.stdout.splitlines() if not line.startswith("[")]
            for precision in ["fp32", "fp16", "int8"]:
                engine = os.path.join(place, "model_trtrtx_%s.trt" % precision)
                self.assertEqual(read(engine)[:4], MAGIC)
                self.assertEqual(sum(line.startswith(engine + ": ") and "MiB, TensorRT 1." in line for line in summary), 1, summary)
                with open(os.path.join(place, precision + ".result.json")) as f:
                    self.assertEqual(json.load(f)["status"], "ok")
            self.assertFalse([f for f in os.listdir(place) if f.endswith(".part")])

    def test_the_types_that_the_bindings_read_are_the_plan(self):
        self.json("build", self.example(), "--all", "--calib-data", self.samples(), "--target", "trtrtx", "--job", "folder", "--layer-precisions", "*Softmax*:fp32")
        names = {"fp32": "FLOAT", "fp16": "HALF", "int8": "int8"}
        for precision in ["fp32", "fp16", "int8"]:
            with open(self.path("folder", precision + ".plan.json")) as f:
                plan = {l["layer"]: l for l in json.load(f)["layers"]}
            with open(self.path("folder", precision + ".job.json")) as f:
                job = json.load(f)
            types = self.types_of(self.path("folder", job["model"]))
            self.assertGreaterEqual(len(types), 6)
            for layer, read_type in types.items():
                with self.subTest(precision=precision, layer=layer):
                    self.assertEqual(read_type, names[plan[layer]["chosen"]])

    def test_another_model_in_the_same_folder_takes_the_place_of_the_first(self):
        self.json("build", self.example(), "--all", "--calib-data", self.samples(), "--target", "trtrtx", "--job", "folder")
        self.two_layers()
        self.json("build", "two.onnx", "--target", "trtrtx", "--job", "folder")
        self.assertEqual(sorted(f for f in os.listdir(self.path("folder")) if f.endswith(".job.json")), ["fp32.job.json"])
        self.assertLess(os.path.getsize(self.path("folder", "model_fp32.onnx")), 1000)

    def test_precisions_of_one_model_stand_in_one_folder_until_it_changes(self):
        self.two_layers()
        jobs = lambda: sorted(f for f in os.listdir(self.path("folder")) if f.endswith(".job.json"))
        for precision in ["fp32", "fp16"]:
            self.json("build", "two.onnx", "--precision", precision, "--target", "trtrtx", "--job", "folder")
        self.assertEqual(jobs(), ["fp16.job.json", "fp32.job.json"])
        newer = os.path.getmtime(self.path("folder", "fp16.job.json")) + 5
        os.utime(self.path("two.onnx"), (newer, newer))
        self.json("build", "two.onnx", "--target", "trtrtx", "--job", "folder")
        self.assertEqual(jobs(), ["fp32.job.json"])

    def test_a_models_own_folder_is_refused(self):
        self.two_layers()
        shutil.move(self.path("two.onnx"), self.path("model.onnx"))  # the name that it would have in the job
        for folder in [".", self.folder]:
            self.fails("build", "model.onnx", "--target", "trt8x", "--job", folder, says=["model lies in this folder"])

    def test_trtexec_commands_are_printed_for_what_is_strongly_typed(self):
        self.two_layers()
        text = self.tercet("build", "two.onnx", "--precision", "fp16", "--target", "trt11x", "--job", "folder").stdout
        self.assertIn("trtexec --onnx=folder/model_fp16.onnx --saveEngine=folder/two_trt11x_fp16.trt --memPoolSize=workspace:1024 "
                      "--minShapes=x:1x3x3 --optShapes=x:16x3x3 --maxShapes=x:32x3x3", text)

    def test_the_container_sees_the_folder_wherever_it_is(self):
        self.two_layers()
        inside = self.json("build", "two.onnx", "--target", "trt8x", "--job", "folder")["command"]
        self.assertEqual(inside, "docker run --rm --gpus all -v $(pwd):/workspace -w /workspace nvcr.io/nvidia/tensorrt:23.03-py3 python3 folder/build.py")
        with tempfile.TemporaryDirectory() as away:
            outside = self.json("build", "two.onnx", "--target", "trt8x", "--job", os.path.join(away, "it"))["command"]
            self.assertIn(" -v %s:/workspace -w /workspace " % os.path.realpath(os.path.join(away, "it")), outside)
            self.assertTrue(outside.endswith(" python3 build.py"), outside)


class Refusals(Rtx):
    def test_an_operator_that_the_parser_does_not_take(self):
        self.two_layers("Det")
        self.build_fails("two.onnx", says=["two.onnx", "parser refuses the model", "'second' (Det)", "unsupported node"])

    def test_an_attribute_that_the_parser_does_not_take(self):
        write(self.path("pool.onnx"), ob.model(
            [ob.node("MaxPool", ["x"], ["y"], name="pool", attributes=ob.attribute("kernel_shape", [2, 2]) + ob.attribute("dilations", [2, 2]))],
            [ob.value_info("x", ["N", 1, 5, 5])], [ob.value_info("y", ["N", 1, 3, 3])]))
        line = self.build_fails("pool.onnx", says=["'pool' (MaxPool)", "does not support dilations other than 1"])
        self.assertEqual(line.count("'pool'"), 1)

    def test_another_tensorrt_than_the_one_installed(self):
        self.two_layers()
        for target, get in [("trt8x", "pip install tensorrt==8.6.1"), ("trt10x", "tensorrt:24.08-py3"), ("trt11x", "tensorrt>=11,<12")]:
            with self.subTest(target=target):
                self.fails("build", "two.onnx", "--target", target, "--python", python(),
                           says=["--target " + target, "is not installed: found tensorrt_rtx_bindings 1.", "looked in " + python(), get, "--job"])

    def test_no_tensorrt_where_it_was_looked_for(self):
        self.two_layers()
        self.fails("build", "two.onnx", "--target", "trtrtx", says=["no TensorRT was found", "looked in ", "pip install tensorrt-rtx-cu13-libs"])
        self.fails("build", "two.onnx", "--target", "trtrtx", "--python", "no/python", says="no/python")
        self.fails("build", "two.onnx", "--target", "trtrtx", env={"TERCET_PYTHON": "no/python"}, says=["TERCET_PYTHON", "no/python"])

    def test_missing_models_and_places_that_cannot_be_written(self):
        self.build_fails("none.onnx", says="none.onnx")
        self.two_layers()
        self.build_fails("two.onnx", "-o", "no/such/folder/e.trt", says="no/such/folder")
        os.mkdir(self.path("taken"))
        self.build_fails("two.onnx", "-o", "taken", says="taken")
        self.fails("build", "two.onnx", "--target", "trt8x", "--job", "two.onnx/x", says="two.onnx/x")

    def test_int8_needs_ranges(self):
        self.two_layers()
        self.build_fails("two.onnx", "--precision", "int8", says="--calib-data")


class Workers(Rtx):
    """A worker that ends before it has said how it went."""

    def wrapper(self, ending):
        script = write(self.path("python"), "#!/bin/sh\ncase \"$2\" in --find) exec %s \"$@\";; esac\n"
                       "engine=$(sed -n 's/ *\"engine\": \"\\(.*\\)\",/\\1/p' \"$2\")\necho part > \"$engine.part\"\n%s\n" % (python(), ending))
        os.chmod(script, os.stat(script).st_mode | stat.S_IXUSR)
        return {"TERCET_PYTHON": script}

    def test_leaves_nothing_and_its_last_lines_are_told(self):
        self.two_layers()
        for ending, says in [("kill -9 $$", ["Killed", "memory may have run out", "last lines: none"]),
                             ("kill -11 $$", ["signal (Segmentation fault)"]),
                             ("echo '[I] fine so far'; echo 'what():  broken' >&2; exit 3", ["status 3", "fine so far", "what():  broken"]),
                             ("exit 0", ["status 0"])]:
            with self.subTest(ending=ending):
                environment = self.wrapper(ending)
                self.fails("build", "two.onnx", "--target", "trtrtx", env=environment, says=["two.onnx", *says])

    def test_its_messages_are_shown(self):
        self.two_layers()
        environment = self.wrapper("rm \"$engine.part\"; echo '[W] mind the gap'; echo '[I] hush'; exec %s \"$@\"" % python())
        done = self.tercet("build", "two.onnx", "--target", "trtrtx", env=environment)
        self.assertIn("TensorRT warning: mind the gap\n", done.stderr)
        self.assertNotIn("hush", done.stderr)
        self.assertIn("hush", self.tercet("build", "two.onnx", "--target", "trtrtx", "--verbose", env=environment).stderr)

    def test_an_engine_of_before_outlives_a_failure(self):
        self.two_layers()
        write(self.path("e.trt"), b"the one before")
        self.fails("build", "two.onnx", "--target", "trtrtx", "-o", "e.trt", env=self.wrapper("exit 3"))
        self.assertEqual(read(self.path("e.trt")), b"the one before")


class Doctor(Rtx):
    def test_lists_what_a_python_has(self):
        found = self.json("doctor", "--python", python())
        (module,) = found["tensorrt"]
        self.assertEqual((module["target"], module["module"], module["problem"]), ("trtrtx", "tensorrt_rtx_bindings", ""))
        self.assertEqual(found["pythons"], [python()])
        self.assertRegex(self.tercet("doctor", "--python", python()).stdout, r"trtrtx +yes +tensorrt_rtx_bindings 1\.\d+")
        self.assertEqual([m["target"] for m in self.json("doctor", env={"TERCET_PYTHON": python()})["tensorrt"]], ["trtrtx"])
        self.assertEqual([m["target"] for m in self.json("doctor", env={"VIRTUAL_ENV": program.installed("rtx")})["tensorrt"]], ["trtrtx"])

    def test_says_where_it_looked_when_there_is_none(self):
        self.assertRegex(self.tercet("doctor").stdout, r"trtrtx +no +no TensorRT module in .*python3")


if __name__ == "__main__":
    program.main()

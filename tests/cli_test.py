# SPDX-License-Identifier: Apache-2.0
"""The program as its users meet it: exit status, one-line errors, JSON keys, files that appear or do not.

    python3 cli_test.py --tercet build/tercet --classify build/classify --examples examples --version 0.1.0 --tensorrt OFF
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # nothing is left in the source folder

import onnx_bytes as ob

VERBS = ["build", "calibrate", "run", "bench", "compare", "inspect", "check", "export", "convert", "doctor"]
arguments = None


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    return path


def npy(shape, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % "".join("%d, " % d for d in shape)
    header = header.ljust((len(header) + 10 + 1 + 63) // 64 * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(values), *values)


def read_npy(path):
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}}, {"False": False, "True": True})
    assert header["descr"] == "<f4", header
    values = data[10 + length:]
    return header["shape"], struct.unpack("<%df" % (len(values) // 4), values)


class Program(unittest.TestCase):
    def setUp(self):
        self.folder_object = tempfile.TemporaryDirectory()
        self.folder = self.folder_object.name
        self.addCleanup(self.folder_object.cleanup)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def tercet(self, *words, status=0, env=None, program=None):
        environment = {k: v for k, v in os.environ.items() if k != "TERCET_MAX_ISA"}
        environment.update(env or {})
        done = subprocess.run([program or arguments.tercet, *map(str, words)], cwd=self.folder, env=environment, capture_output=True,
                              text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, status, "%s\n%s%s" % (words, done.stdout, done.stderr))
        return done

    def fails(self, status, *words, says=(), env=None):
        """Fails with one line on standard error, nothing on standard output, and no file left."""
        before = sorted(os.listdir(self.folder))
        done = self.tercet(*words, status=status, env=env)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("tercet: error: "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        return done.stderr

    def json(self, *words, status=0, env=None):
        return json.loads(self.tercet(*words, "--json", status=status, env=env).stdout)

    def small_model(self, name="small.onnx"):
        """y = Relu(x + b), x [N, 3]."""
        return write(self.path(name), ob.model(
            [ob.node("Add", ["x", "b"], ["s"]), ob.node("Relu", ["s"], ["y"])],
            [ob.value_info("x", ["N", 3])], [ob.value_info("y", ["N", 3])], [ob.tensor("b", [3], [1.0, -1.0, 0.5])]))

    def small_engine(self):
        self.small_model()
        self.tercet("build", "small.onnx", "--tune", "none", "-o", "small.engine")
        return self.path("small.engine")


class Help(Program):
    def test_every_verb_shows_an_example(self):
        self.assertIn("Example", self.tercet("--help").stdout)
        for verb in VERBS:
            text = self.tercet(verb, "--help").stdout
            self.assertIn("Example", text)
            self.assertIn("tercet " + verb, text[text.index("Example"):])

    def test_version(self):
        self.assertEqual(self.tercet("--version").stdout, "tercet %s\n" % arguments.version)


class WrongUsage(Program):
    def test_is_exit_status_2_and_one_line(self):
        model, size = "model.onnx", "--workspace"
        for words, says in [
                ([], "tercet --help"), (["brew"], "brew"), (["build"], "MODEL"), (["build", model, "--brew"], "--brew"),
                (["build", model, "--precision", "fp64"], "fp64"), (["build", model, "--precision", "best"], "not yet"),
                (["build", model, "--best"], "not yet"), (["build", model, "--all", "--fp16"], "twice"),
                (["build", model, "--precision", "fp16", "--int8"], "twice"), (["build", model, "--calibrator", "guess"], "guess"),
                (["build", model, "--calib-samples", "0"], "--calib-samples"), (["build", model, "--layer-precisions", "conv1"], "NAME:PRECISION"),
                (["build", model, "--layer-precisions", "conv1:fp64"], "fp64"), (["build", model, "--layerPrecisions=*:int32"], "int32"),
                (["build", model, "--resize", "0"], "224"), (["build", model, "--resize", "8x8", "--crop", "4"], "shorter side"),
                (["build", model, "--scale", "1/0"], "1/255"), (["build", model, "--color", "cmyk"], "cmyk"), (["build", model, "--layout", "chw"], "chw"),
                (["build", model, "--target", "cuda"], "not yet"), (["build", model, "--tune", "some"], "some"),
                (["build", model, "--min-shapes", "x:1xA"], "'A' is no size"), (["build", model, "--max-shapes", "x:1,x:2"], "twice"),
                (["build", model, size, "much"], "1GiB"), (["build", model, size, "1024"], "1024MiB"),
                (["build", model, "--memPoolSize", "dlaSRAM:1"], "workspace"), (["build", model, "--fix-input", "x"], "name=FILE"),
                (["build", model, "--isa", "mmx"], "mmx"), (["bench", "e.engine", "--streams", "0"], "--streams"),
                (["run", "e.engine", "--threads", "-1"], "--threads"), (["check"], "DIR"), (["compare", model], "--data"),
                (["compare", "--data", "x.npy"], "MODEL"), (["compare", model, "--data", "x.npy", "--engines", "e.engine"], "--engines"),
                (["compare", model, "--data", "x.npy", "--precisions", "fp32,fp64"], "fp64"), (["compare", model, "--data", "x=", "--data", "y"], "name=FILE"),
                (["calibrate", model], "--calib-data"), (["convert"], "MODEL"), (["convert", "--install"], "tensorflow, pytorch, scikit-learn"),
                (["convert", "--install", "caffe"], "there is no 'caffe'"), (["convert", "m.pt", "--input-type", "x:float"], "name:int64"), (["convert", "m.pt", "--opset", "1"], "--opset"),
                (["calibrate", model, "--calib-data", "d", "--calibrator", "max"], "max"), (["calibrate", model, "--calib-data", "d", "--calib-samples", "0"], "--calib-samples"),
                (["calibrate", model, "--calib-data", "d", "--layout", "hwc"], "hwc"), (["calibrate", model, "--calib-data", "d", "--percentile", "0"], "--percentile")]:
            with self.subTest(words=words):
                self.fails(2, *words, says=says)

    def test_unknown_level_in_the_environment(self):
        for words in [["doctor"], ["build", "model.onnx"], ["run", "e.engine"], ["bench", "e.engine"], ["check", "."], ["calibrate", "model.onnx", "--calib-data", "."]]:
            with self.subTest(words=words):
                self.fails(2, *words, says=["TERCET_MAX_ISA", "avx2"], env={"TERCET_MAX_ISA": "mmx"})


class FilesAtFault(Program):
    def test_missing_files(self):
        for words in [["build", "none.onnx"], ["run", "none.engine"], ["bench", "none.engine"], ["inspect", "none"], ["check", "none"]]:
            with self.subTest(words=words):
                self.fails(1, *words, says="none")

    def test_files_of_another_kind(self):
        files = {"empty": b"", "text": b"hello\n", "zeros": bytes(5000), "truncated": b"TERCET\r\n\x01\x00\x00\x00", "folder": None,
                 "other.json": b'{"a": 1}', "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(50)}
        for name, data in files.items():
            if data is None:
                os.mkdir(self.path(name))
            else:
                write(self.path(name), data)
        for name in files:
            for verb in ["build", "run", "bench", "inspect"]:
                with self.subTest(verb=verb, name=name):
                    self.fails(1, verb, name, says=name)

    def test_models_of_other_frameworks_name_the_verb_that_converts_them(self):
        self.fails(1, "build", "none.onnx", says="`tercet convert`")
        write(self.path("net.h5"), b"\x89HDF\r\n\x1a\n model_config")
        os.mkdir(self.path("saved"))
        write(self.path("saved", "saved_model.pb"), b"x")
        for verb in ["build", "inspect", "calibrate", "export"]:
            with self.subTest(verb=verb):
                options = ["--calib-data", "saved"] if verb == "calibrate" else []
                self.fails(1, verb, "net.h5", *options, says="net.h5: is a Keras model, not an ONNX model; convert it: tercet convert net.h5")
        for verb in ["build", "inspect"]:
            self.fails(1, verb, "saved", says="saved: is a TensorFlow SavedModel, not an ONNX model; convert it: tercet convert saved")

    def test_a_converter_that_is_not_installed_names_the_command_that_does_it(self):
        write(self.path("net.tflite"), b"\x1c\0\0\0TFL3")
        self.fails(1, "convert", "net.tflite", says="install it: tercet convert --install tensorflow\n", env={"XDG_DATA_HOME": self.folder})
        write(self.path("net.pkl"), b"\x80\x04\x95")
        self.fails(1, "convert", "net.pkl", says="--allow-code", env={"XDG_DATA_HOME": self.folder})

    def test_a_name_with_a_line_break_stays_on_one_line(self):
        self.fails(1, "build", "a\nb.onnx", says="b.onnx")

    def test_no_place_to_write_to(self):
        self.small_model()
        self.fails(1, "build", "small.onnx", "--tune", "none", "-o", "no/such/folder/x.engine", says="no/such/folder")

    def test_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([arguments.tercet, "doctor"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)


class Build(Program):
    def test_json_and_the_default_name(self):
        self.small_model()
        for words in [["build", "small.onnx"], ["build", "--onnx=small.onnx"]]:
            result, = self.json(*words, "--tune", "none")
            self.assertEqual((result["precision"], result["target"], result["status"], result["reason"]), ("fp32", "cpu", "ok", ""))
            self.assertEqual(result["path"], "small_cpu_fp32.engine")
            self.assertEqual(result["bytes"], os.path.getsize(self.path("small_cpu_fp32.engine")))
            self.assertGreaterEqual(result["build_ms"], 0)
            self.assertGreaterEqual(result["steps"], 1)

    def test_the_spellings_of_trtexec(self):
        self.small_model()
        self.tercet("build", "--onnx=small.onnx", "--saveEngine=a.engine", "--minShapes=x:2x3", "--optShapes=x:4x3", "--maxShapes=x:8x3",
                    "--memPoolSize=workspace:64", "--timingCacheFile=t.json")
        self.assertEqual(self.json("inspect", "a.engine")["profile"], {"N": {"min": 2, "opt": 4, "max": 8}})
        self.assertEqual(self.json("inspect", "t.json")["kind"], "timing_cache")
        self.tercet("run", "--loadEngine=a.engine")
        self.tercet("build", "--onnx=small.onnx", "--saveEngine=a.engine", "--explicitBatch", "--buildOnly", "--noTF32", "--precisionConstraints=prefer")

    def test_a_command_line_of_trtexec_8_becomes_a_folder_to_build(self):
        self.tercet("calibrate", self.fashion(), "--calib-data", os.path.join(arguments.examples, "fashion_mnist", "ankle_boot.png"), "-o", "model.cache")
        for command in (["--fp16", "--int8", "--calib=model.cache"], ["--fp16", "--layerPrecisions=*Softmax*:fp32"]):
            job = self.json("build", "--onnx=" + self.fashion(), *command, "--target", "trt8x", "--job", "job")
            self.assertEqual([e["precision"] for e in job["engines"]], ["int8" if "--int8" in command else "fp16"])
            self.assertIn("nvcr.io/nvidia/tensorrt:23.03-py3 python3 job/build.py", job["command"])
        self.assertEqual(sorted(os.listdir(self.path("job"))),
                         ["build.py", "calibration.cache", "fp16.job.json", "fp16.plan.json", "int8.job.json", "int8.plan.json", "model.onnx"])
        with open(self.path("job", "fp16.job.json")) as f:
            fixed = [l for l in json.load(f)["layers"] if l["fixed"]]
        self.assertEqual([(l["chosen"], "Softmax" in l["layer"]) for l in fixed], [("fp32", True)])

    def fashion(self):
        return os.path.join(arguments.examples, "fashion_mnist", "model.onnx")

    def test_all_builds_what_can_be_built_and_says_why_not_the_rest(self):
        # INT8 has neither data nor a cache here.
        for as_json in [False, True]:
            with self.subTest(json=as_json):
                done = self.tercet("build", self.fashion(), "--all", "--tune", "none", "-o", "engines", *(["--json"] if as_json else []), status=1)
                self.assertTrue(os.path.exists(self.path("engines", "model_cpu_fp32.engine")))
                self.assertFalse(os.path.exists(self.path("engines", "model_cpu_int8.engine")))
                if as_json:
                    results = json.loads(done.stdout)
                    self.assertEqual([r["precision"] for r in results], ["fp32", "fp16", "int8"])
                    self.assertEqual((results[0]["status"], results[2]["status"]), ("ok", "failed"))
                    self.assertEqual((results[0]["reason"], results[2]["path"]), ("", ""))
                    self.assertNotEqual(results[2]["reason"], "")
                    for r in results:
                        self.assertEqual((type(r["layers"]), type(r["fallbacks"]), type(r["warnings"])), (dict, list, list))
                else:
                    lines = done.stdout.split("\n")
                    self.assertEqual(lines[0].split("  ")[0], "precision")
                    self.assertEqual([line.split()[0] for line in lines[1:4]], ["fp32", "fp16", "int8"])
                    self.assertIn("int8 failed: ", done.stdout)

    def calibrated(self):
        write(self.path("data.npy"), npy([4, 28, 28, 1], [i * 37 % 256 / 255 for i in range(4 * 784)]))
        self.tercet("calibrate", self.fashion(), "--calib-data", "data.npy", "-o", "fashion.cache")
        return "fashion.cache"

    def test_int8_names_what_every_layer_became(self):
        self.calibrated()
        [built] = self.json("build", self.fashion(), "--precision", "int8", "--calib-cache", "fashion.cache", "--tune", "none")
        self.assertEqual(built["status"], "ok")
        self.assertGreater(built["layers"]["int8"], 15)
        plan = self.json("inspect", "model_cpu_int8.engine")["plan"]
        self.assertEqual(sum(built["layers"].values()), len(plan["layers"]))
        text = self.tercet("inspect", "model_cpu_int8.engine").stdout
        self.assertIn("layers", text)
        self.assertIn("Softmax computes in fp32", text)

    def test_int8_from_data_corrects_biases_unless_told_not_to(self):
        self.calibrated()
        self.tercet("build", self.fashion(), "--int8", "--calib-data", "data.npy", "--tune", "none", "-o", "a.engine")
        self.tercet("build", self.fashion(), "--int8", "--calib-data", "data.npy", "--tune", "none", "--no-bias-correction", "-o", "b.engine")
        self.assertIn("biases corrected", self.json("inspect", "a.engine")["plan"]["calibrator"])
        self.assertNotIn("biases corrected", self.json("inspect", "b.engine")["plan"]["calibrator"])

    def test_trtexecs_flags_together_name_the_fallback(self):
        self.calibrated()
        with open(self.path("fashion.cache")) as cache, open(self.path("short.cache"), "w") as short:
            short.writelines(line for line in cache if not line.startswith("/net/features/features.0/features.0.2/Relu_output_0:"))
        for words, chosen in [(["--int8", "--fp16"], "fp16"), (["--int8", "--bf16"], "bf16"), (["--int8"], "fp32"), (["--precision", "int8", "--fallback-precision", "bf16"], "bf16")]:
            [built] = self.json("build", self.fashion(), "--calib-cache", "short.cache", "--tune", "none", *words)
            self.assertEqual({f["chosen"] for f in built["fallbacks"]}, {chosen})
        self.fails(2, "build", self.fashion(), "--int8", "--fallback-precision", "int8", says="int8")

    def test_export_calibrates_as_calibrate_does(self):
        self.calibrated()
        a = self.json("export", self.fashion(), "--precision", "int8", "--calib-data", "data.npy", "-o", "a.onnx")
        done = self.tercet("export", self.fashion(), "--precision", "int8", "--calib-cache", "fashion.cache", "-o", "b.onnx")
        self.assertIn("trtexec --onnx=b.onnx --saveEngine=b.trt --memPoolSize=workspace:1024 --minShapes=image:1x28x28x1 --optShapes=image:16x28x28x1", done.stdout)
        with open(self.path("a.onnx"), "rb") as first, open(self.path("b.onnx"), "rb") as second:
            self.assertEqual(first.read(), second.read())
        self.assertEqual(sum(layer["chosen"] == "int8" for layer in a["layers"]), 6)
        self.assertEqual(type(a["warnings"]), list)
        self.fails(1, "export", self.fashion(), "--precision", "int8", says=("--calib-data", "--calib-cache", "--plan"))
        self.fails(2, "export", self.fashion(), "--precision", "int8", "--calib-data", "data.npy", "--calibrator", "max", says="max")

    def test_a_plan_may_be_edited_and_given_back(self):
        self.calibrated()
        self.tercet("build", self.fashion(), "--precision", "int8", "--calib-cache", "fashion.cache", "--tune", "none", "-o", "a.engine")
        plan = json.loads(self.tercet("inspect", "a.engine", "--plan").stdout)
        gemm = next(l for l in plan["layers"] if l["op"] == "Gemm")
        gemm["chosen"] = "fp32"
        write(self.path("plan.json"), json.dumps(plan).encode())
        self.assertIn("precision plan", self.tercet("inspect", "plan.json").stdout)
        self.tercet("build", self.fashion(), "--precision", "int8", "--plan", "plan.json", "--tune", "none", "-o", "b.engine")
        after = {l["layer"]: l["chosen"] for l in self.json("inspect", "b.engine")["plan"]["layers"]}
        self.assertEqual(after[gemm["layer"]], "fp32")
        gemm["layer"] = "nobody"
        write(self.path("plan.json"), json.dumps(plan).encode())
        self.fails(1, "build", self.fashion(), "--precision", "int8", "--plan", "plan.json", "--tune", "none", "-o", "c.engine", says=("plan.json", "nobody"))

    def test_a_tensor_without_a_scale_is_a_fallback_or_an_error(self):
        self.calibrated()
        with open(self.path("fashion.cache")) as f:
            lines = [line for line in f if "features.0.2/Relu" not in line]
        write(self.path("short.cache"), "".join(lines).encode())
        words = ["build", self.fashion(), "--precision", "int8", "--calib-cache", "short.cache", "--tune", "none"]
        [built] = self.json(*words)
        self.assertIn("features.0.2/Relu", built["fallbacks"][0]["reason"])
        self.assertIn("no scale for tensor", self.tercet(*words).stdout)
        os.remove(self.path("model_cpu_int8.engine"))
        self.fails(1, *words, "--no-fallback", says=("no scale for tensor", "--layer-precisions"))

    def test_what_is_no_cache_and_no_plan_is_said(self):
        words = ["build", self.fashion(), "--precision", "int8", "--tune", "none"]
        for option in ["--calib-cache", "--plan"]:
            with self.subTest(option=option):
                self.fails(1, *words, option, "none.txt", says="none.txt")
                write(self.path("bad.txt"), b"\x00\xff no such thing")
                self.fails(1, *words, option, "bad.txt", says="bad.txt")
        write(self.path("other.cache"), b"TRT-8503-EntropyCalibration2\nconv1: 3c892245\nconv2: 3c892245\n")
        self.fails(1, *words, "--calib-cache", "other.cache", says="other.cache")

    def test_int8_without_data_says_both_ways_out(self):
        self.fails(1, "build", self.fashion(), "--precision", "int8", "--tune", "none", says=("--calib-data", "--calib-cache"))

    def test_all_builds_three_precisions(self):
        self.calibrated()
        built = self.json("build", self.fashion(), "--all", "--calib-cache", "fashion.cache", "--tune", "none")
        self.assertEqual([b["status"] for b in built], ["ok", "ok", "ok"])
        sizes = [os.path.getsize(self.path("model_cpu_%s.engine" % p)) for p in ("fp32", "fp16", "int8")]
        model = os.path.getsize(self.fashion())
        for size, most in zip(sizes, (1.03, 0.52, 0.28)):
            self.assertLess(size, model * most)
        table = self.tercet("build", self.fashion(), "--all", "--calib-cache", "fashion.cache", "--tune", "none").stdout
        for text in ("reduction", "fp16", "int8", "model_cpu_int8.engine"):
            self.assertIn(text, table)

    def test_all_says_once_what_is_wrong_with_the_model(self):
        self.fails(1, "build", "none.onnx", "--all", "-o", "engines", says="none.onnx")
        self.small_model()
        write(self.path("file"), b"")
        self.fails(1, "build", "small.onnx", "--all", "-o", "file", says="folder")

    def test_a_shape_without_a_name_is_for_the_only_input(self):
        self.small_model()
        self.tercet("build", "small.onnx", "--tune", "none", "--min-shapes", "1x3", "--opt-shapes", "2x3", "--max-shapes", "3x3", "-o", "a.engine")
        self.assertEqual(self.json("inspect", "a.engine")["profile"], {"N": {"min": 1, "opt": 2, "max": 3}})

    def test_shapes_that_do_not_fit(self):
        self.small_model()
        for shapes in ["z:1x3", "x:1x4", "x:1", "x:9x3"]:
            with self.subTest(shapes=shapes):
                self.fails(1, "build", "small.onnx", "--min-shapes", shapes, "--opt-shapes", shapes.replace("9", "8"),
                           "--max-shapes", shapes.replace("9", "8"), "--tune", "none")

    def test_a_workspace_that_is_too_small(self):
        self.small_model()
        self.fails(1, "build", "small.onnx", "--tune", "none", "--workspace", "1B", "--max-shapes", "x:100000x3", "--opt-shapes", "x:1x3",
                   "--min-shapes", "x:1x3", says="workspace")

    def test_a_level_above_the_cap_cannot_be_tuned_for(self):
        self.small_model()
        cap = {"TERCET_MAX_ISA": "reference"}
        self.fails(1, "build", "small.onnx", "--isa", "avx2", says="--tune none", env=cap)
        self.tercet("build", "small.onnx", "--isa", "avx2", "--tune", "none", "-o", "a.engine", env=cap)
        self.assertEqual(self.json("inspect", "a.engine", env=cap)["isa"], "avx2")
        self.fails(1, "run", "a.engine", says=["avx2", "reference"], env=cap)

    def test_a_cap_above_the_machine_is_no_error(self):
        self.small_model()
        self.tercet("build", "small.onnx", "--tune", "none", "-o", "a.engine", env={"TERCET_MAX_ISA": "amx"})
        self.tercet("run", "a.engine", env={"TERCET_MAX_ISA": "amx"})

    def test_the_cap_holds(self):
        self.small_model()
        result, = self.json("build", "small.onnx", "-o", "a.engine", env={"TERCET_MAX_ISA": "reference"})
        self.assertEqual(result["reference_steps"], result["steps"])
        self.assertEqual(self.json("inspect", "a.engine")["isa"], "reference")

    def test_equal_builds_give_equal_bytes(self):
        self.small_model()
        for name in ["a.engine", "b.engine"]:
            self.tercet("build", "small.onnx", "--tune", "none", "-o", name)
        with open(self.path("a.engine"), "rb") as a, open(self.path("b.engine"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_verbose_goes_to_standard_error(self):
        self.small_model()
        done = self.tercet("build", "small.onnx", "--verbose", "--json", "-o", "a.engine")
        self.assertEqual(len(json.loads(done.stdout)), 1)

    def test_a_fixed_input_is_no_input_any_more(self):
        write(self.path("two.onnx"), ob.model([ob.node("Add", ["x", "y"], ["z"])], [ob.value_info("x", [2]), ob.value_info("y", [2])], [ob.value_info("z", [2])]))
        write(self.path("y.npy"), npy([2], [10.0, 20.0]))
        write(self.path("x.npy"), npy([2], [1.0, 2.0]))
        self.tercet("build", "two.onnx", "--fix-input", "y=y.npy", "--tune", "none", "-o", "a.engine")
        self.tercet("run", "a.engine", "--input", "x=x.npy", "--output", ".")
        self.assertEqual(read_npy(self.path("z.npy")), ((2,), (11.0, 22.0)))


class Calibrate(Program):
    """y = Relu(x + b) on x of [N, 3]: x reaches 2, s 2.5, y 2.5."""

    def data(self, name="data.npy", rows=200, broken=()):
        values = [0.01 * (i % 100) * (1 if i % 2 else -1) for i in range(3 * rows)]
        values[2] = 2.0
        for row in broken:
            values[3 * row] = float("nan")
        return write(self.path(name), npy([rows, 3], values))

    def calibrate(self, *words, status=0):
        return self.json("calibrate", "small.onnx", "--calib-data", "data.npy", *words, status=status)

    def test_writes_a_cache_under_its_default_name(self):
        self.small_model()
        self.data()
        j = self.calibrate("--calibrator", "minmax")
        self.assertEqual((j["path"], j["header"], j["samples"], j["skipped"], j["tensors"]), ("calibration_cache_8x.cache", "TRT-8503-EntropyCalibration2", 200, 0, 3))
        with open(self.path(j["path"])) as f:
            lines = f.read().splitlines()
        scales = {name: struct.unpack("!f", bytes.fromhex(value))[0] for name, value in (line.rsplit(": ", 1) for line in lines[1:])}
        self.assertEqual(lines[0], "TRT-8503-EntropyCalibration2")
        for name, amax in [("x", 2.0), ("s", 2.5), ("y", 2.5)]:
            self.assertAlmostEqual(scales[name] * 127, amax, 5)

    def test_is_the_same_every_time_and_on_any_number_of_threads(self):
        self.small_model()
        self.data()
        for i, words in enumerate([[], [], ["--threads", "3"]]):
            self.calibrate("--calib-samples", "150", "-o", "%d.cache" % i, *words)
        caches = set()
        for i in range(3):
            with open(self.path("%d.cache" % i), "rb") as f:
                caches.add(f.read())
        self.assertEqual(len(caches), 1)

    def test_formats(self):
        self.small_model()
        self.data()
        self.assertEqual(self.calibrate("--format", "10.3")["header"], "TRT-100300-EntropyCalibration2")
        os.remove(self.path("calibration_cache_8x.cache"))
        self.fails(1, "calibrate", "small.onnx", "--calib-data", "data.npy", "--format", "new", says="8.5.3")

    def test_inspect_shows_a_cache(self):
        self.small_model()
        self.data()
        self.calibrate("--calibrator", "minmax")
        j = self.json("inspect", "calibration_cache_8x.cache")
        self.assertEqual((j["kind"], j["tensors"], sorted(j["scales"])), ("calibration_cache", 3, ["s", "x", "y"]))
        self.assertIn("2.5", self.tercet("inspect", "calibration_cache_8x.cache").stdout)
        write(self.path("damaged"), b"TRT-8503-EntropyCalibration2\nx: nothing\n")
        self.fails(1, "inspect", "damaged", says=["line 2", "hexadecimal"])

    def test_samples_with_nan_are_left_out_and_too_many_are_an_error(self):
        self.small_model()
        self.data(broken=[7])
        j = self.calibrate()
        self.assertEqual((j["samples"], j["skipped"]), (199, 1))
        self.assertIn("sample 7: holds NaN", j["warnings"][0])
        os.remove(self.path(j["path"]))
        self.data(broken=[7, 8, 9])
        self.fails(1, "calibrate", "small.onnx", "--calib-data", "data.npy", says=["3 of 200 samples", "data.npy"])

    def test_data_that_do_not_fit(self):
        self.small_model()
        write(self.path("wide.npy"), npy([10, 4], [1.0] * 40))
        self.fails(1, "calibrate", "small.onnx", "--calib-data", "wide.npy", says=["a sample is [4]", "'x' is f32[N,3]"])
        self.fails(1, "calibrate", "small.onnx", "--calib-data", "none", says="none")
        os.mkdir(self.path("empty"))
        self.fails(1, "calibrate", "small.onnx", "--calib-data", "empty", says="empty")


class Run(Program):
    def test_values_from_a_file_to_a_file(self):
        self.small_engine()
        write(self.path("x.npy"), npy([2, 3], [0, 0, 0, -5, 5, 1]))
        done = self.json("run", "small.engine", "--input", "x=x.npy", "--output", "out")
        self.assertEqual(read_npy(self.path("out", "y.npy")), ((2, 3), (1.0, 0.0, 0.5, 0.0, 4.0, 1.5)))
        output, = done["outputs"]
        self.assertEqual((output["name"], output["dtype"], output["shape"]), ("y", "f32", [2, 3]))
        self.assertEqual((output["min"], output["max"], output["nan"]), (0.0, 4.0, 0))
        self.assertAlmostEqual(output["mean"], 7 / 6)

    def test_a_tensor_of_onnx_and_a_missing_batch_axis(self):
        self.small_engine()
        write(self.path("x.pb"), ob.tensor("whatever", [3], [1.0, 2.0, 3.0]))
        self.tercet("run", "small.engine", "--input", "x=x.pb", "--output", "out")
        self.assertEqual(read_npy(self.path("out", "y.npy")), ((1, 3), (2.0, 1.0, 3.5)))

    def test_options_may_stand_before_the_engine(self):
        self.small_engine()
        write(self.path("x.npy"), npy([1, 3], [0, 0, 0]))
        self.tercet("run", "--mean", "0", "--input", "x=x.npy", "small.engine")
        self.tercet("build", "--disable-pass", "all", "small.onnx", "-o", "b.engine", "--tune", "none")

    def test_random_inputs_are_the_same_every_time(self):
        self.small_engine()
        first = self.json("run", "small.engine")
        self.assertEqual(first, self.json("run", "small.engine"))
        self.assertTrue(first["inputs"][0]["random"])
        self.assertEqual(first["inputs"][0]["shape"], [16, 3])
        self.assertEqual(self.json("run", "small.engine", "--shapes", "x:5x3")["outputs"][0]["shape"], [5, 3])

    def test_an_output_with_a_slash_in_its_name(self):
        write(self.path("m.onnx"), ob.model([ob.node("Relu", ["x"], ["a/b"])], [ob.value_info("x", [2])], [ob.value_info("a/b", [2])]))
        self.tercet("build", "m.onnx", "--tune", "none", "-o", "m.engine")
        self.tercet("run", "m.engine", "--output", "out")
        self.assertEqual(os.listdir(self.path("out")), ["a_b.npy"])

    def test_nan_is_counted_and_is_null_in_json(self):
        self.small_engine()
        write(self.path("x.npy"), npy([1, 3], [float("nan")] * 3))
        output = self.json("run", "small.engine", "--input", "x=x.npy")["outputs"][0]
        self.assertIn(output["nan"], (0, 3))  # Relu of NaN may be either by ONNX
        if output["nan"]:
            self.assertIsNone(output["mean"])

    def test_inputs_at_fault(self):
        self.small_engine()
        write(self.path("wide.npy"), npy([2, 4], [0] * 8))
        write(self.path("many.npy"), npy([33, 3], [0] * 99))
        write(self.path("text.npy"), b"hello")
        for words, says in [(["--input", "z=wide.npy"], "'z'"), (["--input", "x=wide.npy"], "x"), (["--input", "x=many.npy"], "33"),
                            (["--input", "x=text.npy"], "text.npy"), (["--input", "x=none.npy"], "none.npy"), (["--shapes", "x:33x3"], "33"),
                            (["--shapes", "q:1x3"], "'q'")]:
            with self.subTest(words=words):
                self.fails(1, "run", "small.engine", *words, says=says)


class Bench(Program):
    def test_json(self):
        self.small_engine()
        result = self.json("bench", "small.engine", "--duration", "0.1", "--batch", "4", "--threads", "1")
        for key in ["samples_per_s", "load_ms", "first_inference_ms", "peak_rss_bytes"]:
            self.assertGreater(result[key], 0, key)
        latency = result["latency_ms"]
        self.assertLessEqual(latency["p50"], latency["p90"])
        self.assertLessEqual(latency["p90"], latency["p95"])
        self.assertLessEqual(latency["p95"], latency["p99"])
        self.assertEqual((result["batch"], result["threads"], result["streams"]), (4, 1, 1))
        self.assertNotIn("steps", result)

    def test_profile_lists_the_steps(self):
        self.small_engine()
        steps = self.json("bench", "small.engine", "--duration", "0.1", "--profile", "--streams", "2", "--threads", "1")["steps"]
        self.assertEqual(len(steps), len(self.json("inspect", "small.engine")["steps"]))
        self.assertEqual(list(steps[0]), ["name", "op", "tactic", "variant", "shape", "us", "share", "gflops", "roof"])
        text = self.tercet("bench", "small.engine", "--duration", "0.1", "--profile").stdout
        for part in ["tactic", "roof", "total"]:
            self.assertIn(part, text)

    def test_profile_sets_the_steps_against_the_roof(self):
        write(self.path("two.onnx"), ob.model(
            [ob.node("MatMul", ["x", "w"], ["p"]), ob.node("Softmax", ["p"], ["y"])],
            [ob.value_info("x", [8, 3])], [ob.value_info("y", [8, 2])], [ob.tensor("w", [3, 2], [1.0] * 6)]))
        self.tercet("build", "two.onnx", "--tune", "none", "-o", "two.engine")
        result = self.json("bench", "two.engine", "--duration", "0.1", "--profile", "--threads", "2")
        for step in [*result["steps"], result["total"]]:
            for key in ["us", "gflops", "roof"]:
                self.assertGreater(step[key], 0, key)
        self.assertAlmostEqual(sum(step["share"] for step in result["steps"]), 1)
        self.assertAlmostEqual(sum(step["us"] for step in result["steps"]), result["total"]["us"])
        self.assertAlmostEqual(result["total"]["roof_us"] / result["total"]["us"], result["total"]["roof"])
        roof = result["roof"]
        self.assertEqual((roof["threads"], roof["peaks"][0]["type"], roof["levels"][-1]["name"]), (2, "f32", "memory"))
        for rate in [*(p["operations_per_s"] for p in roof["peaks"]), *(level["read_bytes_per_s"] for level in roof["levels"])]:
            self.assertGreater(rate["all_threads"], 0)

    def test_a_batch_outside_the_profile(self):
        self.small_engine()
        self.fails(1, "bench", "small.engine", "--batch", "33", says="33")


    def test_peak_memory_is_the_programs_own(self):
        ballast = bytearray(b"x") * 200_000_000  # what a process reports of itself begins at what its parent held
        self.assertLess(self.json("bench", self.small_engine(), "--duration", "0.01")["peak_rss_bytes"], len(ballast) / 2)


class Compare(Program):
    def engines(self):
        """Of scores x + b: the second has 2 more on the last of three classes."""
        for name, last in [("a", 0.0), ("b", 2.0)]:
            write(self.path(name + ".onnx"), ob.model([ob.node("Add", ["x", "b"], ["y"])], [ob.value_info("x", ["N", 3])],
                                                      [ob.value_info("y", ["N", 3])], [ob.tensor("b", [3], [0.0, 0.0, last])]))
            self.tercet("build", name + ".onnx", "--tune", "none", "-o", name + ".engine")
        write(self.path("x.npy"), npy([3, 3], [3.0, 0, 0, 0, 2.0, 1.0, 0, 0, 1.0]))
        write(self.path("labels.csv"), b"label\n0\n2\n2\n")
        return "a.engine,b.engine"

    def test_prints_what_each_gives_and_costs(self):
        words = ["compare", "--engines", self.engines(), "--data", "x.npy", "--labels", "labels.csv"]
        a, b = self.json(*words, "--duration", "0.02")
        self.assertEqual((a["precision"], a["status"], a["path"], a["samples"]), ("fp32", "ok", "a.engine", 3))
        self.assertEqual((a["agreement"], a["cosine"], a["sqnr_db"], a["max_abs_error"]), (100, 1, None, 0))
        self.assertAlmostEqual(a["top1"], 200 / 3)
        self.assertAlmostEqual(b["top1"], 100)
        self.assertAlmostEqual(b["agreement"], 200 / 3)
        self.assertEqual((b["top5"], b["max_abs_error"], b["bytes"]), (None, 2, os.path.getsize(self.path("b.engine"))))
        self.assertLess(b["cosine"], 1)
        self.assertEqual(b["outputs"][0]["name"], "y")
        for e in [a, b]:
            for key in ["samples_per_s", "load_ms", "first_inference_ms", "peak_rss_bytes", "speedup"]:
                self.assertGreater(e[key], 0, key)
            self.assertLessEqual(e["latency_ms"]["p50"], e["latency_ms"]["p99"])
            self.assertEqual((e["latency_batch"], e["throughput_batch"]), (1, 32))
        text = self.tercet(*words, "--duration", "0").stdout
        for what in ["3 samples, with labels", "66.67 %", "+33.33", "100.00 %", "fp32 (b.engine)", "of fp32"]:
            self.assertIn(what, text)
        self.assertNotIn("speedup", text)

    def test_int8_beside_fp32(self):
        model = os.path.join(arguments.examples, "fashion_mnist", "model.onnx")
        write(self.path("data.npy"), npy([4, 28, 28, 1], [i * 37 % 256 / 255 for i in range(4 * 784)]))
        self.tercet("calibrate", model, "--calib-data", "data.npy", "-o", "fashion.cache")
        fp32, int8 = self.json("compare", model, "--data", "data.npy", "--precisions", "fp32,int8", "--calib-cache", "fashion.cache", "--tune", "none", "--duration", "0")
        self.assertEqual((fp32["status"], int8["status"], int8["reason"]), ("ok", "ok", ""))
        self.assertGreater(int8["cosine"], 0.98)
        self.assertLess(int8["bytes"], fp32["bytes"] * 0.28)

    def test_a_precision_that_cannot_be_built_is_named_and_stops_no_other(self):
        # INT8 has neither data nor a cache here.
        model, picture = (os.path.join(arguments.examples, "fashion_mnist", name) for name in ["model.onnx", "ankle_boot.png"])
        words = ["compare", model, "--data", picture, "--precisions", "fp32,int8", "--tune", "none", "--duration", "0"]
        before = sorted(os.listdir(self.folder))
        fp32, int8 = self.json(*words, status=1)
        self.assertEqual((fp32["status"], int8["status"], int8["cosine"]), ("ok", "failed", None))
        self.assertNotEqual(int8["reason"], "")
        self.assertIn("int8 failed: ", self.tercet(*words, status=1).stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_files_at_fault(self):
        engines = self.engines()
        model, picture = (os.path.join(arguments.examples, "fashion_mnist", name) for name in ["model.onnx", "ankle_boot.png"])
        write(self.path("two.csv"), b"label\n0\n1\n")
        write(self.path("w.npy"), npy([1, 4], [0.0] * 4))
        for words, says in [
                (["none.onnx", "--data", "x.npy"], "none.onnx"), ([model, "--data", "none"], "none"),
                (["--engines", "a.engine,none.engine", "--data", "x.npy"], "none.engine"), (["--engines", engines, "--data", "w.npy"], ["w.npy", "samples are [4]"]),
                (["--engines", engines, "--data", "x.npy", "--labels", "two.csv"], ["two.csv", "2 labels for 3 samples"]),
                (["--engines", engines, "--data", "x.npy", "--output", "z"], "the outputs are: y"), ([model, "--data", "z=" + picture], "the inputs are: image"),
                ([model, "--data", picture, "--resize", "8x8"], "samples are [8, 8, 1]")]:
            with self.subTest(words=words):
                self.fails(1, "compare", *words, "--duration", "0", says=says)


class Inspect(Program):
    def test_a_model(self):
        self.small_model()
        info = self.json("inspect", "small.onnx")
        self.assertEqual((info["kind"], info["opset"], info["producer"], info["parameters"]), ("model", 17, "tests", 3))
        self.assertEqual(info["inputs"], [{"name": "x", "dtype": "f32", "shape": ["N", 3]}])
        self.assertEqual(info["operators"], [{"name": "Add", "count": 1}, {"name": "Relu", "count": 1}])
        self.assertEqual((info["unsupported"], info["problem"]), ([], ""))
        self.assertIn("Relu", self.tercet("inspect", "small.onnx").stdout)

    def test_a_model_as_text(self):
        self.small_model()
        self.assertIn("Relu(", self.tercet("inspect", "small.onnx", "--text").stdout)
        self.assertIn("=>", self.tercet("inspect", "small.onnx", "--optimized").stdout)

    def test_every_unsupported_operator_is_named(self):
        write(self.path("odd.onnx"), ob.model(
            [ob.node("Brew", ["x"], ["a"]), ob.node("Relu", ["a"], ["b"]), ob.node("Serve", ["b"], ["y"], domain="com.example")],
            [ob.value_info("x", [2])], [ob.value_info("y", [2])]))
        info = self.json("inspect", "odd.onnx")
        self.assertEqual({u["name"] for u in info["unsupported"]}, {"Brew", "com.example.Serve"})
        self.assertIn("Brew", info["problem"])
        self.fails(1, "build", "odd.onnx", says=["odd.onnx", "Brew"])

    def test_a_model_with_functions(self):
        def write_model(op):
            body = [ob.node(op, ["a"], ["h"]), ob.node("Relu", ["h"], ["b"])]
            write(self.path("functions.onnx"), ob.model(
                [ob.node("Twice", ["x"], ["y"], domain="my")], [ob.value_info("x", [2])], [ob.value_info("y", [2])],
                functions=[ob.function("Twice", body, ["a"], ["b"], "my")]))

        write_model("Neg")
        info = self.json("inspect", "functions.onnx")
        self.assertEqual({op["name"] for op in info["operators"]}, {"my.Twice", "Neg", "Relu"})
        self.assertEqual((info["unsupported"], info["problem"]), ([], ""))
        write_model("Brew")
        info = self.json("inspect", "functions.onnx")
        self.assertEqual({u["name"] for u in info["unsupported"]}, {"Brew"})
        self.assertIn("y/h (Brew", info["problem"])

    def test_an_engine(self):
        self.small_engine()
        info = self.json("inspect", "small.engine")
        self.assertEqual((info["kind"], info["precision"], info["target"]), ("engine", "fp32", "cpu"))
        self.assertEqual(info["bytes"], os.path.getsize(self.path("small.engine")))
        self.assertEqual(info["inputs"][0]["max_shape"], [32, 3])
        self.assertEqual(info["reference_steps"], sum(s["reference"] for s in info["steps"]))
        self.assertIn("tactic", self.tercet("inspect", "small.engine").stdout)

    def test_a_damaged_engine(self):
        with open(self.small_engine(), "rb") as f:
            data = f.read()
        for at in range(0, len(data), max(1, len(data) // 40)):
            write(self.path("small.engine"), data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
            for verb in ["inspect", "run"]:
                with self.subTest(verb=verb, at=at):
                    self.fails(1, verb, "small.engine")


class Check(Program):
    def case(self, name, model, inputs, outputs):
        os.makedirs(self.path("cases", name, "test_data_set_0"))
        write(self.path("cases", name, "model.onnx"), model)
        for kind, tensors in [("input", inputs), ("output", outputs)]:
            for i, data in enumerate(tensors):
                write(self.path("cases", name, "test_data_set_0", "%s_%d.pb" % (kind, i)), data)

    def relu(self, name, expected):
        model = ob.model([ob.node("Relu", ["x"], ["y"])], [ob.value_info("x", [2])], [ob.value_info("y", [2])])
        self.case(name, model, [ob.tensor("x", [2], [-1, 2])], [ob.tensor("y", [len(expected)], expected)])

    def test_passing_and_failing_and_unsupported(self):
        self.relu("right", [0, 2])
        self.assertEqual(self.json("check", "cases")["passed"], 1)
        self.relu("value", [0, 2.1])
        self.relu("shape", [0, 2, 3])
        self.case("brew", ob.model([ob.node("Brew", ["x"], ["y"])], [ob.value_info("x", [2])], [ob.value_info("y", [2])]),
                  [ob.tensor("x", [2], [0, 0])], [ob.tensor("y", [2], [0, 0])])
        result = self.json("check", "cases", status=1)
        self.assertEqual((result["passed"], result["failed"], result["unsupported"]), (1, 2, 1))
        cases = {c["name"]: c for c in result["cases"]}
        self.assertEqual(list(cases), ["brew", "right", "shape", "value"])
        self.assertEqual(cases["brew"]["status"], "unsupported")
        self.assertIn("Brew", cases["brew"]["reason"])
        self.assertIn("at [1]: 2, expected 2.0999", cases["value"]["reason"])
        self.assertIn("[3]", cases["shape"]["reason"])
        text = self.tercet("check", "cases", status=1).stdout
        self.assertIn("1 passed, 2 failed, 1 unsupported", text)
        self.assertNotIn("right", text)

    def test_a_case_by_its_own_folder(self):
        self.relu("right", [0, 2])
        for folder in ["cases/right", "cases/right/"]:
            self.assertEqual(self.json("check", folder)["cases"], [{"name": "right", "status": "passed", "reason": ""}])

    def test_an_input_that_has_to_be_known_is_fixed_and_named(self):
        model = ob.model([ob.node("Reshape", ["x", "shape"], ["y"])], [ob.value_info("x", [4]), ob.value_info("shape", ["axes"], ob.INT64)], [ob.value_info("y", [2, 2])])
        self.case("reshape", model, [ob.tensor("x", [4], [1, 2, 3, 4]), ob.tensor("shape", [2], [2, 2], ob.INT64)], [ob.tensor("y", [2, 2], [1, 2, 3, 4])])
        case, = self.json("check", "cases")["cases"]
        self.assertEqual(case["status"], "passed")
        self.assertIn("shape", case["reason"])

    def test_data_of_another_rank_than_the_model_declares(self):
        model = ob.model([ob.node("Relu", ["x"], ["y"])], [ob.value_info("x", [1, 2])], [ob.value_info("y", [1, 2])])
        self.case("ranks", model, [ob.tensor("x", [2], [-1, 2])], [ob.tensor("y", [2], [0, 2])])
        case, = self.json("check", "cases")["cases"]
        self.assertEqual(case["status"], "unsupported")
        self.assertIn("the test data contradict the model: 'x' has 2 dimensions, its data 1", case["reason"])

    def test_a_folder_without_cases(self):
        os.mkdir(self.path("cases"))
        self.fails(1, "check", "cases", says="no test case")


class Doctor(Program):
    def test_json(self):
        info = self.json("doctor", "--ops")
        self.assertEqual(info["version"], arguments.version)
        self.assertIn(info["isa"], info["levels"])
        self.assertGreater(info["memory_bytes"], 0)
        self.assertTrue(next(t for t in info["targets"] if t["name"] == "cpu")["available"])
        self.assertIn("Relu", [op["name"] for op in info["operators"]])
        self.assertEqual(self.json("doctor", env={"TERCET_MAX_ISA": "reference"})["isa"], "reference")

    def test_text(self):
        self.assertIn("TERCET_MAX_ISA=reference", self.tercet("doctor", env={"TERCET_MAX_ISA": "reference"}).stdout)
        self.assertIn("Conv", self.tercet("doctor", "--ops").stdout)


def tensorrt_engine(tag=b"ftrt", version=(10, 13, 0, 35), length=4000):
    """The first bytes are what the program looks at."""
    head = tag + bytes(4) + struct.pack("<QQ", 2, length) + bytes(version)
    return head + b"\x55" * (length - len(head))


class TensorRtEngines(Program):
    def test_inspect_tells_what_built_them(self):
        for tag, version, builder, text in [(b"ftrt", (10, 13, 0, 35), "TensorRT", "10.13.0.35"), (b"vtrt", (1, 7, 1, 116), "TensorRT-RTX", "1.7.1.116"),
                                            (b"ptrt", (0, 0, 0, 0), "TensorRT", None)]:
            with self.subTest(tag=tag):
                write(self.path("m.bin"), tensorrt_engine(tag, version))
                info = self.json("inspect", "m.bin")
                self.assertEqual((info["kind"], info["builder"], info["version"], info["bytes"], info["inputs"]), ("tensorrt_engine", builder, text, 4000, []))
                self.assertNotEqual(info["problem"], "")
                shown = self.tercet("inspect", "m.bin").stdout
                self.assertIn("m.bin: engine of %s\n" % builder, shown)
                self.assertIn(text or "does not tell", shown)

    def test_what_is_no_model_and_no_engine_of_ours_is_said(self):
        write(self.path("m.trt"), tensorrt_engine())
        for words in [["build", "m.trt"], ["compare", "--engines", "m.trt", "--data", "x.npy"]]:
            with self.subTest(words=words):
                self.fails(1, *words, says=["m.trt", "TensorRT"])

    def test_options_for_the_cpu_are_refused(self):
        write(self.path("m.trt"), tensorrt_engine())
        for words, says in [(["run", "m.trt", "--threads", "2"], "--threads"), (["bench", "m.trt", "--threads", "2"], "--threads"), (["bench", "m.trt", "--profile"], "--dumpProfile")]:
            with self.subTest(words=words):
                self.fails(2, *words, says=says)

    def test_a_missing_file_is_missing(self):
        for verb in ["run", "bench"]:
            self.fails(1, verb, "none.trt", says="none.trt: no such file")

    def test_without_tensorrt_the_way_to_it_is_told(self):
        if arguments.tensorrt == "ON":
            self.skipTest("built with TensorRT")
        write(self.path("m.trt"), tensorrt_engine())
        write(self.path("rtx.trt"), tensorrt_engine(b"vtrt", (1, 7, 1, 116)))
        write(self.path("other.trt"), b"hello")
        way = ["built without TensorRT", "-DTENSORRT_ROOT=", "NvInferRuntime.h", "docs/tensorrt.md"]
        for words, says in [(["run", "m.trt"], [*way, "TensorRT 10.13.0.35"]), (["run", "rtx.trt"], [*way, "TensorRT-RTX 1.7.1.116"]),
                            (["bench", "m.trt"], [*way, "`trtexec --loadEngine=m.trt`"]), (["bench", "rtx.trt"], [*way, "`tensorrt_rtx --loadEngine=rtx.trt`"]),
                            (["run", "other.trt"], "no TensorRT engine"), (["bench", "other.trt"], "no TensorRT engine")]:
            with self.subTest(words=words):
                self.fails(1, *words, says=says)


class Example(Program):
    def test_classify_says_what_run_says(self):
        example = os.path.abspath(os.path.join(arguments.examples, "fashion_mnist"))
        self.tercet("build", os.path.join(example, "model.onnx"), "--tune", "none", "-o", "m.engine")
        values = [(i * 37 % 256) / 255 for i in range(40 * 28 * 28)]
        write(self.path("x.npy"), npy([40, 28, 28, 1], values))
        write(self.path("one.npy"), npy([1, 28, 28, 1], values[:784]))
        done = self.tercet("m.engine", "x.npy", "--top", "2", "--labels", os.path.join(example, "labels.txt"), program=arguments.classify)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 40)  # more than the engine's greatest batch
        self.tercet("run", "m.engine", "--input", "image=one.npy", "--output", ".")
        shape, probabilities = read_npy(self.path("probabilities.npy"))
        self.assertEqual(shape, (1, 10))
        with open(os.path.join(example, "labels.txt"), encoding="utf-8") as f:
            labels = f.read().splitlines()
        best = max(range(10), key=lambda c: probabilities[c])
        self.assertTrue(lines[0].startswith("0: %s %.4f," % (labels[best], probabilities[best])), lines[0])

    def test_classify_reports_what_is_wrong(self):
        self.assertIn("usage", self.tercet(program=arguments.classify, status=2).stderr)
        self.assertIn("none.engine", self.tercet("none.engine", "x", program=arguments.classify, status=1).stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ["tercet", "classify", "examples", "version", "tensorrt"]:
        parser.add_argument("--" + name, required=True)
    arguments, rest = parser.parse_known_args()
    arguments.tercet, arguments.classify = os.path.abspath(arguments.tercet), os.path.abspath(arguments.classify)
    unittest.main(argv=[sys.argv[0], *rest])

# SPDX-License-Identifier: Apache-2.0
import gc
import threading
import time
import tracemalloc
import unittest

import numpy as np

import tercet
from support import BF16, BOOL, BOOT, ROOT, Case, ob

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

# y = -x of 64 MiB, input and output in arrays of the caller's: the process has no need for 32 MiB more.
IN_PLACE = """
import numpy, resource, sys, tercet
context = tercet.Context(tercet.Engine(sys.argv[1]), 1)
x, y = numpy.ones((1, 1 << 24), numpy.float32), numpy.ones((1, 1 << 24), numpy.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
context.run(x, y)
assert (y == -1).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def aligned(data):
    """A copy of the bytes that starts at a multiple of 64."""
    room = np.empty(len(data) + 64, np.uint8)
    start = -room.ctypes.data % 64
    room[start:start + len(data)] = np.frombuffer(data, np.uint8)
    return room[start:start + len(data)]


class Run(Case):
    def test_gives_what_the_program_gives(self):
        engine = self.fashion()
        x = np.random.default_rng(1).random((5, 28, 28, 1), np.float32)
        np.save("x.npy", x)
        self.program("run", "fashion.engine", "--input", "image=x.npy", "--output", "results")
        found = tercet.Context(engine).run({"image": x})
        self.assertEqual(list(found), ["probabilities"])
        self.assertEqual((found["probabilities"].dtype, found["probabilities"].shape), (np.float32, (5, 10)))
        np.testing.assert_array_equal(found["probabilities"], np.load("results/probabilities.npy"))

    def test_pictures_are_read_as_the_program_reads_them(self):
        engine = self.fashion()
        self.program("run", "fashion.engine", "--input", f"image={BOOT}", "--output", "results")
        names = (ROOT / "examples/fashion_mnist/labels.txt").read_text().splitlines()
        scores = tercet.Context(engine).run(tercet.load_input(BOOT, engine))["probabilities"]
        np.testing.assert_array_equal(scores, np.load("results/probabilities.npy"))
        self.assertEqual(names[scores.argmax()], "Ankle boot")

    def test_takes_arrays_by_name_in_order_and_alone(self):
        engine = self.engine_of("Sub", [("a", [2]), ("b", [2])], [("y", [2])])
        context = tercet.Context(engine)
        a, b = np.float32([5, 7]), np.float32([1, 2])
        for given in ({"b": b, "a": a}, [a, b], (a, b)):
            self.assertEqual(context.run(given)["y"].tolist(), [4, 5])
        self.engine_of("Neg", [("x", [2])], [("y", [2])])
        self.assertEqual(tercet.Context(tercet.Engine("one.engine")).run(a)["y"].tolist(), [-5, -7])

    def test_takes_whatever_shares_its_memory_as_an_array(self):
        class Foreign:
            def __init__(self, array):
                self.__array_interface__ = array.__array_interface__
                self.array = array
        context = tercet.Context(self.engine_of("Neg", [("x", [2])], [("y", [2])]))
        self.assertEqual(context.run(Foreign(np.float32([3, 4])))["y"].tolist(), [-3, -4])

    def test_every_type_comes_and_goes_in_its_own(self):
        for number, name in {1: "float32", 10: "float16", 11: "float64", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 2: "uint8", 4: "uint16", 12: "uint32",
                             13: "uint64", BOOL: "bool"}.items():
            with self.subTest(name):
                engine = self.engine_of("Transpose", [("x", [2, 3], number)], [("y", [3, 2], number)])
                self.assertEqual((engine.inputs[0].dtype, engine.outputs[0].dtype), (np.dtype(name), np.dtype(name)))
                x = np.array([[0, 1, 1], [1, 0, 1]], name)
                y = tercet.Context(engine).run(x)["y"]
                self.assertEqual(y.dtype, np.dtype(name))
                np.testing.assert_array_equal(y, x.T)

    def test_bf16_is_its_bits_or_ml_dtypes(self):
        context = tercet.Context(self.engine_of("Neg", [("x", [2], BF16)], [("y", [2], BF16)]))
        self.assertEqual(context.engine.inputs[0].type, "bf16")
        bits = np.array([0x3F80, 0x4000], np.uint16)  # 1, 2
        y = context.run(bits)["y"]
        self.assertEqual(y.dtype, np.dtype(ml_dtypes.bfloat16 if ml_dtypes else np.uint16))
        self.assertEqual(y.view(np.uint16).tolist(), [0xBF80, 0xC000])
        out = np.zeros(2, np.uint16)
        self.assertEqual(context.run(bits, out)["y"].tolist(), [0xBF80, 0xC000])
        if ml_dtypes:
            self.assertEqual(context.run(bits.view(ml_dtypes.bfloat16))["y"].tolist(), [-1, -2])
        self.refuses("input 'x' is float32, the engine takes bfloat16; convert it first, .astype('bfloat16')", context.run, np.float32([1, 2]))

    def test_refuses_what_does_not_fit(self):
        context = tercet.Context(self.engine_of("Neg", [("x", ["N", 4])], [("y", ["N", 4])]))
        good = np.zeros((2, 4), np.float32)
        bytes_of = np.zeros(33, np.uint8)
        copy = "copy it, numpy.ascontiguousarray()"
        for name, given, line in [
                ("type", good.astype(np.float64), "input 'x' is float64, the engine takes float32; convert it first, .astype('float32')"),
                ("numbers", [[1, 2, 3, 4]], "input 'x' is int64, the engine takes float32; convert it first, .astype('float32')"),
                ("text", np.array("abc"), "input 'x' is <U3, the engine takes float32; convert it first, .astype('float32')"),
                ("objects", np.array([None]), "input 'x' is object, the engine takes float32; convert it first, .astype('float32')"),
                ("byte order", good.astype(">f4"), "input 'x' is >f4, the engine takes float32; convert it first, .astype('float32')"),
                ("columns first", np.asfortranarray(good), f"input 'x' is not C-contiguous, and would have to be copied; {copy}"),
                ("every other", np.zeros((2, 8), np.float32)[:, ::2], f"input 'x' is not C-contiguous, and would have to be copied; {copy}"),
                ("broadcast", np.broadcast_to(np.float32(1), (2, 4)), f"input 'x' is not C-contiguous, and would have to be copied; {copy}"),
                ("alignment", bytes_of[1:].view(np.float32).reshape(2, 4), "input 'x' is not aligned as its type wants, and would have to be copied; copy it, .copy()"),
                ("name", {"z": good}, "there is no input 'z'; the engine has x"),
                ("missing", {}, "input 'x' is missing; the engine takes x"),
                ("two", [good, good], "2 inputs given, the engine has 1; give x")]:
            with self.subTest(name):
                self.refuses(line, context.run, given)
        for name, shape in [("rank", (4,)), ("extent", (2, 5)), ("profile", (33, 4)), ("empty", (0, 4))]:
            with self.subTest(name), self.assertRaisesRegex(tercet.Error, r"^input 'x' has .*\[.*; give|^input 'x' has rank"):
                context.run(np.zeros(shape, np.float32))
        np.testing.assert_array_equal(context.run(good)["y"], -good)  # it stays usable

    def test_numbers_are_arrays_without_axes(self):
        context = tercet.Context(self.engine_of("Add", [("a", []), ("b", [])], [("y", [])]))
        y = context.run({"a": np.float32(2), "b": np.array(3, np.float32)})["y"]
        self.assertEqual((y.shape, y.dtype, y), ((), np.float32, 5))

    def test_read_only_inputs_do(self):
        context = tercet.Context(self.engine_of("Neg", [("x", [3])], [("y", [3])]))
        x = np.float32([1, 2, 3])
        x.flags.writeable = False
        self.assertEqual(context.run(x)["y"].tolist(), [-1, -2, -3])

    def test_results_are_the_callers(self):
        context = tercet.Context(self.engine_of("Neg", [("x", [3])], [("y", [3])]))
        x = np.float32([1, 2, 3])
        first = context.run(x)["y"]
        second = context.run(x + 1)["y"]
        del context
        gc.collect()
        self.assertFalse(np.shares_memory(first, second))
        self.assertTrue(first.flags.owndata and first.flags.writeable)
        self.assertEqual((first.tolist(), second.tolist()), ([-1, -2, -3], [-2, -3, -4]))

    def test_writes_into_arrays_that_are_given(self):
        context = tercet.Context(self.engine_of("Split", [("x", [4])], [("a", [2]), ("b", [2])]))
        x = np.float32([1, 2, 3, 4])
        room = np.zeros((3, 2), np.float32)
        for name, out in [("by name", {"a": room[0], "b": room[2]}), ("in order", [room[0], room[2]])]:
            with self.subTest(name):
                room[:] = 0
                found = context.run(x, out)
                self.assertEqual(room.tolist(), [[1, 2], [0, 0], [3, 4]])
                self.assertEqual([found["a"].ctypes.data, found["b"].ctypes.data], [room[0].ctypes.data, room[2].ctypes.data])
        for name, out in [("by name", {"b": room[1]}), ("in order", [None, room[1]])]:
            with self.subTest("some, " + name):
                room[:] = 0
                found = context.run(x, out)
                self.assertEqual((room.tolist(), found["a"].tolist()), ([[0, 0], [3, 4], [0, 0]], [1, 2]))
                self.assertIs(found["b"].base, room)

    def test_refuses_outputs_that_do_not_fit(self):
        context = tercet.Context(self.engine_of("Neg", [("x", ["N", 4])], [("y", ["N", 4])]))
        x = np.zeros((2, 4), np.float32)
        fixed = np.zeros((2, 4), np.float32)
        fixed.flags.writeable = False
        for name, out, line in [
                ("type", np.zeros((2, 4)), "output 'y' is float64, the engine gives float32; give an array of that type, or none"),
                ("contiguous", np.zeros((4, 2), np.float32).T, "output 'y' is not C-contiguous, and would have to be copied; give an array that is"),
                ("read-only", fixed, "output 'y' cannot be written; give an array that can"),
                ("shape", np.zeros((3, 4), np.float32), "output 'y' is f32[3,4], comes out as f32[2,4]; ask output_shapes() first"),
                ("name", {"z": x}, "there is no output 'z'; the engine has y")]:
            with self.subTest(name):
                self.refuses(line, context.run, x, out)
        with self.assertRaisesRegex(TypeError, "output 'y' is of type list"):
            context.run(x, [[1.0]])

    def test_output_may_be_the_input(self):
        context = tercet.Context(self.engine_of("Neg", [("x", [1000])], [("y", [1000])]))
        x = np.arange(1000, dtype=np.float32)
        context.run(x, x)
        np.testing.assert_array_equal(x, -np.arange(1000, dtype=np.float32))

    def test_neither_inputs_nor_outputs_are_copied(self):
        self.engine_of("Neg", [("x", [1, 1 << 24])], [("y", [1, 1 << 24])])
        self.assertLess(int(self.python(IN_PLACE, "one.engine")), 32 << 10)  # KiB

    def test_a_run_takes_of_python_the_results_memory_alone(self):
        context = tercet.Context(self.engine_of("Neg", [("x", [1 << 20])], [("y", [1 << 20])]), 1)
        x = np.ones(1 << 20, np.float32)
        context.run(x)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        y = context.run(x)["y"]
        self.assertLess(tracemalloc.get_traced_memory()[1], y.nbytes + (64 << 10))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        context.run(x, y)
        self.assertLess(tracemalloc.get_traced_memory()[1] - before, 64 << 10)

    def test_shapes_that_depend_on_data_are_those_of_the_data(self):
        context = tercet.Context(self.engine_of("NonZero", [("x", [6])], [("y", [1, "count"], ob.INT64)]))
        self.assertIn("?", context.engine.outputs[0].shape[1])
        x = np.float32([0, 1, 0, 2, 3, 0])
        self.assertEqual(context.output_shapes(x), {"y": (1, -1)})
        first = context.run(x)["y"]
        self.assertEqual(context.run(np.zeros(6, np.float32))["y"].shape, (1, 0))
        self.assertEqual(first.tolist(), [[1, 3, 4]])
        out = np.zeros((1, 3), np.int64)
        self.assertIs(context.run(x, out)["y"], out)
        self.assertEqual(out.tolist(), [[1, 3, 4]])
        self.refuses("output 'y' is i64[1,2], comes out as i64[1,3]; its shape depends on the data: run without outputs, and take the results", context.run, x,
                     np.zeros((1, 2), np.int64))

    def test_tells_output_shapes_and_times_steps(self):
        context = tercet.Context(self.fashion(), 1)
        x = np.zeros((7, 28, 28, 1), np.float32)
        self.assertEqual(context.output_shapes(x), {"probabilities": (7, 10)})
        steps = context.profile([x])
        self.assertEqual([s.name for s in steps], [s.name for s in tercet.inspect("fashion.engine").steps])
        self.assertGreater(sum(s.microseconds for s in steps), 0)
        self.assertEqual((context.threads, context.engine.precision), (1, "fp32"))


class Threads(Case):
    def test_others_run_while_an_engine_does(self):
        n = 3072
        w = np.zeros((n, n), np.float32)
        context = tercet.Context(self.engine_of("MatMul", [("x", [n, n]), ("w", [n, n])], [("y", [n, n])]), 1)
        started, turns = threading.Event(), []

        def run():
            started.set()
            context.run([w, w])
            turns.append(None)

        thread = threading.Thread(target=run)
        thread.start()
        started.wait()
        count = 0
        while not turns:
            time.sleep(0.001)
            count += 1
        thread.join()
        self.assertGreater(count, 5)

    def test_contexts_of_one_engine_run_at_once(self):
        engine = self.fashion()
        x = np.random.default_rng(2).random((8, 28, 28, 1), np.float32)
        expected = tercet.Context(engine, 1).run(x)["probabilities"]
        self.each_of(4, lambda: tercet.Context(engine, 1), lambda context: np.testing.assert_array_equal(context.run(x)["probabilities"], expected))

    def test_threads_may_share_a_context(self):
        context = tercet.Context(self.fashion(), 2)
        given = [np.random.default_rng(seed).random((1 + seed, 28, 28, 1), np.float32) for seed in range(4)]
        expected = [context.run(x)["probabilities"] for x in given]
        numbers = iter(range(4))

        def check(number):
            np.testing.assert_array_equal(context.run(given[number])["probabilities"], expected[number])

        self.each_of(4, lambda: next(numbers), check)

    def each_of(self, count, make, check):
        failures = []

        def work(made):
            try:
                for _ in range(50):
                    check(made)
            except BaseException as e:
                failures.append(e)

        threads = [threading.Thread(target=work, args=(make(),)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Open(Case):
    def test_says_what_the_engine_is(self):
        engine = self.fashion()
        image = engine.inputs[0]
        self.assertEqual((image.name, image.type, image.dtype, image.shape), ("image", "f32", np.dtype(np.float32), ("N", 28, 28, 1)))
        self.assertEqual((image.min_shape, image.opt_shape, image.max_shape), ((1, 28, 28, 1), (16, 28, 28, 1), (32, 28, 28, 1)))
        self.assertEqual((engine.precision, engine.bytes), ("fp32", (self.folder / "fashion.engine").stat().st_size))
        self.assertIn(engine.isa, tercet.isa_levels())
        self.assertEqual(repr(engine), f"<tercet.Engine '{engine.model}' in fp32: image f32[N, 28, 28, 1] -> probabilities f32[N, 10]>")

    def test_refuses_with_the_programs_words(self):
        (self.folder / "text.engine").write_text("this is no engine\n" * 20)
        with self.assertRaisesRegex(TypeError, "takes a tercet.Engine, not str"):
            tercet.Context("text.engine")
        for file in ("missing.engine", "text.engine"):
            with self.subTest(file), self.assertRaises(tercet.Error) as caught:
                tercet.Engine(file)
            said = self.program("run", file, status=1).stderr.splitlines()[-1]
            self.assertEqual(said, f"tercet: error: {caught.exception}")
            self.assertEqual(caught.exception.where, file)
        self.fashion()
        with self.assertRaisesRegex(tercet.Error, "sse9"):
            tercet.Engine("fashion.engine", max_isa="sse9")

    def test_from_memory(self):
        self.fashion()
        data = (self.folder / "fashion.engine").read_bytes()
        x = np.random.default_rng(3).random((2, 28, 28, 1), np.float32)
        expected = tercet.Context(tercet.Engine("fashion.engine", copy=True)).run(x)["probabilities"]
        in_place = aligned(data)
        for name, given, copy in [("bytes", data, True), ("bytearray", bytearray(data), True), ("view", memoryview(data), True), ("in place", in_place, False)]:
            with self.subTest(name):
                context = tercet.Context(tercet.Engine.from_memory(given, copy=copy))
                np.testing.assert_array_equal(context.run(x)["probabilities"], expected)

    def test_memory_in_place_lasts_as_long_as_its_contexts(self):
        self.fashion()
        data = aligned((self.folder / "fashion.engine").read_bytes())
        x = np.ones((1, 28, 28, 1), np.float32)
        context = tercet.Context(tercet.Engine.from_memory(data, copy=False))
        del data
        gc.collect()
        self.assertEqual(context.run(x)["probabilities"].shape, (1, 10))

    def test_refuses_memory_that_is_none(self):
        self.fashion()
        data = (self.folder / "fashion.engine").read_bytes()
        with self.assertRaises(tercet.Error):
            tercet.Engine.from_memory(aligned(b"0" + data)[1:], copy=False)
        with self.assertRaises(tercet.Error):
            tercet.Engine.from_memory(data[:-100])
        with self.assertRaises(TypeError):
            tercet.Engine.from_memory("text")
        with self.assertRaises((BufferError, ValueError)):
            tercet.Engine.from_memory(np.zeros((8, 8), np.uint8)[:, ::2])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""tests/differential without onnxruntime: what the generator makes, and how failing cases are shrunk. Needs the standard library only.

    python3 differential_test.py"""
import dataclasses
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import generate
import maker
import table
from case import Case, Fill, Node, Tensor, problem, tidy
from shrink import shrink


def seeds(n):
    return [f"test/{k}" for k in range(n)]


class Generator(unittest.TestCase):
    def test_makes_sound_graphs(self):
        for seed in seeds(400):
            case = generate.make_case(seed)
            self.assertIsNone(problem(case), case.text())
            self.assertTrue(case.nodes)
            self.assertEqual(tidy(case), case, "nothing is left over")

    def test_a_seed_decides_all_of_a_case(self):
        for seed in seeds(50):
            self.assertEqual(generate.make_case(seed), generate.make_case(seed))
        self.assertGreater(len({generate.make_case(seed).text() for seed in seeds(50)}), 45)

    def test_every_entry_can_be_made_from_its_first_operator_set(self):
        for e in table.TABLE:
            case = generate.make_case("entry", [e.op])
            self.assertGreaterEqual(case.opset, e.since)
            self.assertLessEqual(case.opset, e.until)
            if not e.op.islower():
                self.assertIn(e.op, case.operators(), "an operator has its node, or case() has dropped it")

    def test_tensors_stay_small(self):
        for seed in seeds(200):
            for t in generate.make_case(seed).tensors:
                self.assertLessEqual(maker.count(t.shape), 8 * maker.ELEMENTS, t)

    def test_no_operator_is_both_tested_and_left_out(self):
        self.assertFalse(table.operators() & set(table.LEFT_OUT))

    def test_a_batch_is_symbolic_and_runs_in_several_sizes(self):
        batched = [c for c in map(generate.make_case, seeds(200)) if c.batches]
        self.assertGreater(len(batched), 20)
        for case in batched:
            self.assertTrue(any(t.batched for t in case.tensors))
            self.assertFalse(any(t.batched and t.constant for t in case.tensors))
            self.assertTrue(all(t.shape[0] == case.batches[0] for t in case.tensors if t.batched))

    def test_what_does_not_fit_leaves_nothing(self):
        m = maker.Maker(__import__("random").Random(1), 13, ("f32",))

        def half(m):
            m.node("Relu", [m.value(("f32",))], [("f32", (1,))])
            raise maker.Unfit

        self.assertFalse(generate.add(m, table.TABLE[0].__class__("Relu", half, 1, 99, 1.0)))
        self.assertEqual((m.tensors, m.nodes, m.values), ([], [], []))

    def test_broadcasting(self):
        self.assertEqual(maker.broadcast((3, 1), (4,)), (3, 4))
        self.assertEqual(maker.broadcast((0, 1), (1, 2)), (0, 2))
        with self.assertRaises(maker.Unfit):
            maker.broadcast((3,), (4,))


def relu(x, y):
    return Node("Relu", (x,), (y,), ("f32",))


def chain(n, shape=(6, 17), **more):
    """x -> Relu -> ... -> Neg with alpha -> ... -> y"""
    nodes = [relu("x", "v0")] + [relu(f"v{i}", f"v{i + 1}") for i in range(n)]
    nodes.append(Node("Bad", (f"v{n}", "c"), ("y",), ("f32",), {"alpha": 0.3, "axes": (4, 2), "mode": "odd"}))
    nodes.append(relu("y", "z"))
    tensors = (Tensor("x", "f32", shape, Fill(seed=3)), Tensor("c", "f32", (17,), Fill(seed=4), True), Tensor("unused", "f32", (2,), Fill()))
    return Case(13, tensors, tuple(nodes), ("z", "v0"), **more)


class Shrinking(unittest.TestCase):
    @staticmethod
    def has_bad(case):
        return "Bad" in case.operators()

    def test_only_the_node_at_fault_is_left(self):
        small = shrink(chain(4), self.has_bad)
        self.assertEqual(small.operators(), ["Bad"])
        self.assertEqual(small.outputs, ("y",))
        self.assertEqual([t.name for t in small.tensors], ["x"])
        self.assertEqual(small.tensors[0].shape, (1, 1))
        self.assertEqual(small.nodes[0].attributes, {})

    def test_what_the_failure_needs_stays(self):
        def fails(case):
            bad = [n for n in case.nodes if n.op == "Bad"]
            return bool(bad) and "alpha" in bad[0].attributes and any(t.shape[-1] >= 9 for t in case.tensors if t.name == "x")

        small = shrink(chain(2), fails)
        self.assertEqual(list(small.nodes[0].attributes), ["alpha"])
        self.assertEqual(next(t for t in small.tensors if t.name == "x").shape, (1, 9))

    def test_a_node_is_cut_off_with_the_values_that_were_seen(self):
        def fails(case):  # the value before Bad decides, Relu of another type cannot be passed by
            given = next((t for t in case.tensors if t.name == "v0"), None)
            return self.has_bad(case) and (given.fill.values == (5.0, 6.0) if given else any(n.op == "Cast" for n in case.nodes))

        cast = Node("Cast", ("x",), ("v0",), ("f32",))
        case = Case(13, (Tensor("x", "i32", (2,), Fill()),), (cast, Node("Bad", ("v0",), ("y",), ("f32",))), ("y",))
        small = shrink(case, fails, lambda c: {"v0": ((2,), [5.0, 6.0]), "y": ((2,), [0.0, 0.0])})
        self.assertEqual(small.operators(), ["Bad"])
        self.assertEqual(small.tensors, (Tensor("v0", "f32", (2,), Fill(values=(5.0, 6.0))),))

    def test_runs_become_one(self):
        case = chain(1, batches=(6, 2, 3))
        case = dataclasses.replace(case, tensors=(dataclasses.replace(case.tensors[0], batched=True), *case.tensors[1:]))
        self.assertEqual(shrink(case, self.has_bad).batches, ())
        two = shrink(case, lambda c: self.has_bad(c) and len(c.batches) >= 2)
        self.assertEqual(len(two.batches), 2)

    def test_a_case_that_no_longer_fails_stays_as_it_is(self):
        self.assertEqual(shrink(chain(3), lambda _: False), chain(3))

    def test_the_oracle_sees_sound_graphs_only_and_not_too_often(self):
        seen = []

        def fails(case):
            seen.append(case)
            return self.has_bad(case)

        shrink(chain(6), fails, trials=40)
        self.assertLessEqual(len(seen), 40)
        self.assertTrue(all(problem(c) is None and c.nodes for c in seen))

    def test_generated_cases_shrink_to_the_operator(self):
        for k, op in enumerate(("Conv", "MatMul", "Softmax", "Concat", "Slice", "TopK")):
            for seed in range(4):
                case = generate.make_case(f"shrink/{k}/{seed}", [op])
                small = shrink(case, lambda c, op=op: op in c.operators())
                self.assertIn(op, small.operators())
                self.assertLessEqual(len(small.nodes), len(case.nodes))
                self.assertIsNone(problem(small))


class Text(unittest.TestCase):
    def test_a_case_is_one_line(self):
        case = Case(13, (Tensor("x", "f32", (2, 3), Fill(), batched=True), Tensor("c", "i64", (2,), Fill(values=(3, -1)), True)),
                    (Node("Reshape", ("x", "c"), ("y",), ("f32",), {"allowzero": 0}),), ("y",), (2, 5))
        self.assertEqual(case.text(), "opset 13, N = [2, 5]: (f32[N,3] x; const i64[2] c=3,-1) { y = Reshape<allowzero=0>(x, c) } => y")

    def test_problems_are_named(self):
        x = Tensor("x", "f32", (2,), Fill())
        self.assertEqual(problem(Case(13, (x,), (relu("y", "z"),), ("z",))), "Relu reads y before it is made")
        self.assertEqual(problem(Case(13, (x,), (relu("x", "x"),), ("x",))), "x is made twice")
        self.assertEqual(problem(Case(13, (x,), (relu("x", "y"),), ("q",))), "output q is not made")
        self.assertEqual(problem(Case(13, (dataclasses.replace(x, fill=Fill(values=(1,))),), (relu("x", "y"),), ("y",))), "x has 1 values for (2,)")


if __name__ == "__main__":
    unittest.main()

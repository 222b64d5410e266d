// SPDX-License-Identifier: Apache-2.0
// Engines whose shapes depend on the data, from the graph to results.
#include "engine/engine_file.h"
#include "graph/text.h"
#include "ops/testing.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "system/temporary_folder.h"
#include "tensor/testing.h"
#include "tercet/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tercet {
namespace {

using testing::error_of;
using testing::random_tensor;
using testing::typed_graph;

class DecidedShapes : public ::testing::Test {
protected:
    Context context(std::string_view text, const Profile& profile, int threads = 2, Tune tune = Tune::none) {
        graph_ = typed_graph(text);
        Graph g = graph_;
        optimize(g, {.verify = true});
        const auto file = folder_.path() / "engine";
        write_engine(file, make_program(g, {.profile = profile, .threads = threads, .tune = tune}));
        return Context(Engine::open(file), threads);
    }

    // What the context gives is what the graph's reference implementations give.
    void expect_reference(Context& context, const std::vector<Tensor>& inputs) {
        const std::vector<Tensor> expected = evaluate(graph_, inputs);
        std::vector<InputView> in;
        for (const Tensor& t : inputs) in.push_back({t.dtype(), t.shape(), t.data()});
        const auto results = context.run(in);
        ASSERT_EQ(results.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            ASSERT_TRUE(std::ranges::equal(results[i].shape, expected[i].shape())) << i;
            testing::expect_close(Tensor(results[i].dtype, Dims(results[i].shape), nullptr, results[i].data), expected[i], 1e-5, fmt::format("output {}", i));
        }
    }

    TemporaryFolder folder_;
    Graph graph_;
};

// Rows of x whose first element is positive, through a product whose rows are as many; two stages, since the places of
// those of them that are large are asked for, too.
constexpr std::string_view selecting = R"((f32[N,5] x) => (i64[1,?a] places, f32[?a,7] y, f32[?b] large, f32[?a,1,7] view, i64[1] n) {
    first = Slice(x, i64[1]{0}, i64[1]{1}, i64[1]{1})
    line = Reshape(first, i64[1]{-1})
    above = Greater(line, f32{0})
    places = NonZero(above)
    index = Reshape(places, i64[1]{-1})
    rows = Gather(x, index)
    sums = MatMul(rows, random[5,7])
    y = Relu(sums)
    view = Unsqueeze(y, i64[1]{1})
    shape = Shape(y)
    n = Slice(shape, i64[1]{0}, i64[1]{1})
    greater = Greater(y, f32{1})
    all = Reshape(greater, i64[1]{-1})
    values = Reshape(y, i64[1]{-1})
    large = Compress(values, all) })";

TEST_F(DecidedShapes, FollowTheData) {
    for (int threads : {1, 2}) {
        Context c = context(selecting, {{"N", {1, 8, 30}}}, threads);
        for (unsigned seed = 0; seed < 12; ++seed)
            for (std::int64_t n : {8, 1, 30}) expect_reference(c, {random_tensor(DType::f32, {n, 5}, seed)});
        expect_reference(c, {Tensor::zeros(DType::f32, {8, 5})});  // nothing is chosen
    }
}

TEST_F(DecidedShapes, AreTunedForTheMostThatThereCanBe) {
    Context c = context(selecting, {{"N", {1, 8, 30}}}, 2, Tune::fast);
    expect_reference(c, {random_tensor(DType::f32, {30, 5}, 1)});
    expect_reference(c, {random_tensor(DType::f32, {2, 5}, 2)});
}

TEST_F(DecidedShapes, OfBoxesThatRemain) {
    Context c = context(R"((f32[N,20,4] boxes, f32[N,3,20] scores) => (i64[?n,3] chosen, f32[?n,4] y) {
        chosen = NonMaxSuppression(boxes, scores, i64{5}, f32{0.5}, f32{0.2})
        batch_and_box = Gather<axis = 1>(chosen, i64[2]{0, 2})
        y = GatherND(boxes, batch_and_box) })",
                        {{"N", {1, 2, 4}}});
    for (unsigned seed = 0; seed < 10; ++seed)
        expect_reference(c, {random_tensor(DType::f32, {1 + seed % 4, 20, 4}, seed), random_tensor(DType::f32, {1 + seed % 4, 3, 20}, seed + 100)});
}

// How many of them there are depends on N alone, and is fewer than N at all points of the profile.
TEST_F(DecidedShapes, OfAConstantThatIsLongerThanSomeInputs) {
    Context c = context("(f32[N,2] x) => (f32[?k,2] y) { y = Compress<axis = 0>(x, bool[5]{1,0,0,1,1}) }", {{"N", {1, 4, 9}}});
    for (std::int64_t n : {4, 1, 5, 9, 3}) expect_reference(c, {random_tensor(DType::f32, {n, 2}, 7)});
}

// The inputs named first decide; each graph by all values in turn.
TEST_F(DecidedShapes, OfOperatorsThatReadSizes) {
    struct Case {
        std::string graph;
        std::vector<std::string> values;
    };
    const Case cases[] = {
        {"(i64[1] n, f32[N,3] x) => (f32[?,3] y) { s = Slice(x, i64[1]{0}, n, i64[1]{0}) y = MatMul(s, random[3,3]) }", {"i64[1]{2}", "i64[1]{0}", "i64[1]{-1}", "i64[1]{99}"}},
        {"(i64[2] n, f32[N,3] x) => (f32[?,?] y) { s = Slice(x, n, i64[2]{9, 9}, i64[2]{0, 1}, i64[2]{1, 1}) y = Relu(s) }", {"i64[2]{2,1}", "i64[2]{-1,-2}"}},
        {"(i64[1] n, f32[N,3] x) => (f32[?] y) { s = Concat<axis = 0>(n, i64[2]{-1, 3}) y = Reshape(x, s) }", {"i64[1]{5}", "i64[1]{1}", "i64[1]{0}"}},
        {"(i64[2] n, f32[N,3] x) => (f32[?] y) { r = Relu(x) v = Reshape(r, n) y = Softmax(v) }", {"i64[2]{3,-1}", "i64[2]{-1,5}", "i64[2]{15,1}"}},
        {"(i64[1] n, f32[1,N,3] x) => (f32[?,N,3] y) { s = Concat<axis = 0>(n, i64[2]{1, 1}) e = Expand(x, s) y = Neg(e) }", {"i64[1]{4}", "i64[1]{1}", "i64[1]{0}"}},
        {"(i64[1] n, f32[N,3] x) => (f32[?] y) { z = ConstantOfShape(n) u = Unsqueeze(z, i64[1]{1}) m = ReduceMean(x) y = Add(u, m) }", {"i64[1]{4}", "i64[1]{0}"}},
        {"(i64[2] n, f32[N,3] x) => (f32[?] y) { y = Tile(x, n) }", {"i64[2]{1,2}", "i64[2]{0,3}"}},
        {"(i64[4] n, f32[N,3] x) => (f32[?] y) { y = Pad(x, n, f32{7}) }", {"i64[4]{1,0,0,2}", "i64[4]{-1,0,0,-1}"}},
        {"(i64[2] n, f32[N,3] x) => (f32[?] y, f32[?] z) { a, z = Split(x, n) y = Exp(a) }", {"i64[2]{2,3}", "i64[2]{0,5}"}},
        {"(i64[1] n, f32[N,3] x) => (f32[?] y) { y = ReduceSum(x, n) }", {"i64[1]{1}", "i64[1]{-2}"}},
        {"(i64[1] n, f32[N,3] x) => (f32[?] y) { r = ReduceMax<keepdims = 0>(x, n) y = Mul(r, f32{2}) }", {"i64[1]{1}", "i64[1]{0}"}},
        {"(i64[1] n, f32[N,3] x) => (f32[?] y) { u = Unsqueeze(x, n) y = Abs(u) }", {"i64[1]{1}", "i64[1]{-1}"}},
        {"(i64[2] n, f32[1,2,N,4] x) => (f32[?] y) { s = Concat<axis = 0>(i64[2]{1, 2}, n) r = Resize(x, _, _, s) y = Conv(r, random[3,2,1,1]) }", {"i64[2]{10,8}", "i64[2]{5,2}"}},
        {"(f32[2] n, f32[1,2,N,4] x) => (f32[?] y) { s = Concat<axis = 0>(f32[2]{1, 1}, n) r = Resize(x, _, s) y = Relu(r) }", {"f32[2]{2,3}", "f32[2]{1,0.5}"}},
        {"(i64 n, i64[N] x) => (f32[?] y) { y = OneHot(x, n, f32[2]{-1, 1}) }", {"i64{4}", "i64{1}"}},
        {"(i64[1] n, f32[N,7] x) => (f32[?] y, i64[?] z) { y, z = TopK(x, n) }", {"i64[1]{3}", "i64[1]{7}"}},
        {"(i64[] n, f32[N,3] x) => (f32[?] y) { r = Range(i64{0}, n, i64{1}) f = Cast<to = 1>(r) m = ReduceMax(x) l = Reshape(m, i64[1]{-1}) y = Mul(f, l) }", {"i64{6}", "i64{0}"}},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.graph);
        Context c = context(one.graph, {{"N", {1, 5, 8}}});
        for (const std::string& value : one.values) {
            SCOPED_TRACE(value);
            const Tensor decides = parse_tensor(value);
            Dims shape;
            for (std::int64_t d : c.engine().inputs()[1].opt_shape) shape.push_back(d);
            expect_reference(c, {decides, random_tensor(c.engine().inputs()[1].dtype, shape, 3)});
        }
    }
}

TEST_F(DecidedShapes, ThatTheDataMakeImpossibleAreErrors) {
    const auto line = [&](std::string_view graph, std::string_view value) {
        Context c = context(graph, {{"N", {1, 5, 8}}});
        const Tensor n = parse_tensor(value), x = random_tensor(DType::f32, {5, 3}, 1);
        const InputView in[] = {{n.dtype(), n.shape(), n.data()}, {x.dtype(), x.shape(), x.data()}};
        return error_of([&] { c.run(in); });
    };
    EXPECT_EQ(line("(i64[2] n, f32[N,3] x) => (f32[?] y) { y = Reshape(x, n) }", "i64[2]{4,4}"),
              "y (Reshape): [5,3] cannot be reshaped to [4,4]; the numbers of elements must be equal");
    EXPECT_EQ(line("(i64[2] n, f32[N,3] x) => (f32[?] y, f32[?] z) { y, z = Split(x, n) }", "i64[2]{4,4}"),
              "y (Split): the parts [4,4] have 8 elements together, the axis has 5; compare 'split' with the input's shape");
    EXPECT_EQ(line("(i64[1] n, f32[N,3] x) => (f32[?] y) { y = ReduceSum(x, n) }", "i64[1]{2}"), "y (ReduceSum): axis 2 of a value of rank 2; it must lie in [-2, 1]");
    EXPECT_EQ(line("(i64[2] n, f32[N,3] x) => (f32[?] y) { y = ReduceSum<keepdims = 0>(x, n) }", "i64[2]{1,1}").substr(0, 45), "y (ReduceSum): the axes do not fit the output");
    EXPECT_EQ(line("(i64[1] n, f32[N,3] x) => (f32[3*N] y) { y = Reshape(x, n) }", "i64[1]{14}"), "y (Reshape): [5,3] cannot be reshaped to [14]; the numbers of elements must be equal");
    EXPECT_EQ(line("(i64[1] n, f32[N,3] x) => (f32[3*N] y) { y = Reshape(x, n) }", "i64[1]{-1}"), "");
    EXPECT_EQ(line("(i64[1] n, f32[N,3] x) => (f32[N,3] y) { s = Concat<axis = 0>(i64[1]{0}, n) y = Reshape(x, s) }", "i64[1]{4}"), "y (Reshape): [5,3] cannot be reshaped to [0,4]; the numbers of elements must be equal");
    EXPECT_EQ(line("(i64[2] n, f32[N,3] x) => (f32[?] y) { y = Tile(x, n) }", "i64[2]{4,-4}").substr(0, 16), "y (Tile): -4 in ");
}

TEST_F(DecidedShapes, AreSaidToBeOpenBeforeARun) {
    Context c = context(selecting, {{"N", {1, 8, 30}}});
    const Tensor x = random_tensor(DType::f32, {8, 5}, 3);
    const InputView in{DType::f32, x.shape(), x.data()};
    EXPECT_EQ(c.output_shapes({&in, 1}), (std::vector<std::vector<std::int64_t>>{{1, -1}, {-1, 7}, {-1}, {-1, 1, 7}, {1}}));
    EXPECT_EQ(c.engine().outputs()[1].min_shape, (std::vector<std::int64_t>{0, 7}));
    EXPECT_EQ(c.engine().outputs()[1].max_shape, (std::vector<std::int64_t>{30, 7}));
}

TEST_F(DecidedShapes, GoToTheCallersMemoryWhereItFits) {
    Context c = context("(f32[6] x) => (i64[1,?n] y) { y = NonZero(x) }", {});
    const Tensor x = parse_tensor("f32[6]{0,1,2,0,0,3}");
    const InputView in{DType::f32, x.shape(), x.data()};
    std::int64_t y[3] = {};
    const std::int64_t fits[] = {1, 3}, other[] = {1, 2};
    const OutputView good{DType::i64, fits, y}, bad{DType::i64, other, y};
    c.run({&in, 1}, {&good, 1});
    EXPECT_EQ(std::vector(y, y + 3), (std::vector<std::int64_t>{1, 2, 5}));
    EXPECT_EQ(error_of([&] { c.run({&in, 1}, {&bad, 1}); }),
              "output 'y' is i64[1,2], comes out as i64[1,3]; its shape depends on the data: run without outputs, and take the results");
}

TEST_F(DecidedShapes, AreProfiledStepByStep) {
    Context c = context(selecting, {{"N", {1, 8, 30}}});
    const Tensor x = random_tensor(DType::f32, {30, 5}, 3);
    const InputView in{DType::f32, x.shape(), x.data()};
    bool product = false;
    for (const StepInfo& s : c.profile({&in, 1})) {
        EXPECT_GT(s.microseconds, 0) << s.name;
        if (s.op != "MatMul") continue;
        product = true;
        EXPECT_NE(s.tactic, "reference");
    }
    EXPECT_TRUE(product);
}

TEST_F(DecidedShapes, AreProfiledWhereTheFirstStepDecides) {
    Context c = context("(f32[N] x) => (i64[1,?n] y) { y = NonZero(x) }", {{"N", {1, 1000, 1000}}});
    const Tensor x = random_tensor(DType::f32, {1000}, 3);
    const InputView in{DType::f32, x.shape(), x.data()};
    const std::vector<StepInfo> steps = c.profile({&in, 1});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].tactic, "reference");
    EXPECT_GT(steps[0].microseconds, 0);
}

}  // namespace
}  // namespace tercet

// SPDX-License-Identifier: Apache-2.0
// Indices are data: whatever they are, nothing outside the input is read.
#include "cpu/testing.h"
#include "ops/testing.h"

#include <gtest/gtest.h>

#include <limits>

namespace tercet::testing {
namespace {

TEST(GatherTactic, ReadsTheNearestElementForIndicesOutside) {
    for (const char* graph : {"(f32[3,2] x, i64[4] i) => (f32[4,2] y) { y = Gather(x, i) }", "(f32[3,9000] x, i64[4] i) => (f32[4,9000] y) { y = Gather(x, i) }"}) {
        const Graph g = typed_graph(graph);
        const Dims shape = *constant_shape(g.value(g.inputs()[0]).type.shape);
        const Tensor x = random_tensor(DType::f32, shape, 1), index = Tensor::ints(std::vector<std::int64_t>{3, -4, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
        const Step step{.node = &g.node(g.order().at(0)), .inputs = {{DType::f32, shape}, {DType::i64, {4}}}, .outputs = {{DType::f32, {4, shape[1]}}}};
        const Isa isa = host_isa();
        const Tactic& gather = *find_tactic("cpu/gather");
        ASSERT_FALSE(gather.refuse(step, isa));
        for (auto flush : {GuardedBuffer::Flush::start, GuardedBuffer::Flush::end}) {
            const Tensor y = run_kernel(gather, step, {}, isa, std::vector{x, index}, flush).at(0);
            for (std::int64_t i = 0; i < 4; ++i)
                for (std::int64_t k = 0; k < shape[1]; ++k) ASSERT_EQ(y.get(i * shape[1] + k), x.get((i % 3 == 0 ? 2 : 0) * shape[1] + k)) << i << ", " << k;
        }
    }
}

}  // namespace
}  // namespace tercet::testing

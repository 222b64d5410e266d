// SPDX-License-Identifier: Apache-2.0
#include "precision/quantize_weights.h"

#include "tercet/error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tercet {
namespace {

Tensor weights(Dims shape, std::vector<float> values) { return Tensor::of<float>(DType::f32, shape, values); }

std::vector<int> integers(const Tensor& t) {
    std::vector<int> v;
    for (std::int64_t i = 0; i < t.count(); ++i) v.push_back(static_cast<int>(t.get_int(i)));
    return v;
}

TEST(QuantizeWeights, EveryChannelHasItsScale) {
    const auto rows = quantize_weights(weights({2, 3}, {127, -63.5f, 0, 1.27f, -1.27f, 0.64f}), 0);
    EXPECT_EQ(rows.scales.shape(), Dims({2}));
    EXPECT_EQ(rows.scales.get(0), 1);
    EXPECT_EQ(rows.scales.get(1), 1.27f / 127);
    EXPECT_EQ(integers(rows.values), (std::vector{127, -64, 0, 127, -127, 64}));  // -63.5 goes to the even neighbour

    const auto columns = quantize_weights(weights({2, 3}, {127, 2, 0, 1, -4, 0}), 1);
    EXPECT_EQ(columns.scales.shape(), Dims({3}));
    EXPECT_EQ(integers(columns.values), (std::vector{127, 64, 0, 1, -127, 0}));  // 63.5 goes to 64
    EXPECT_EQ(columns.scales.get(2), 1);                                         // of zeros
}

TEST(QuantizeWeights, OneScaleForAll) {
    const auto q = quantize_weights(weights({2, 2}, {127, 1, -2, 0.5f}), std::nullopt);
    EXPECT_EQ(q.scales.shape(), Dims{});
    EXPECT_EQ(integers(q.values), (std::vector{127, 1, -2, 0}));
    EXPECT_EQ(quantize_weights(weights({}, {-3}), std::nullopt).values.get_int(0), -127);
    EXPECT_EQ(quantize_weights(weights({0, 3}, {}), 1).scales.count(), 3);
}

TEST(QuantizeWeights, TinyChannelsHaveAUsableScale) {
    const auto q = quantize_weights(weights({1, 2}, {1e-44f, 0}), 0);
    EXPECT_TRUE(std::isnormal(q.scales.get(0)));
    EXPECT_EQ(q.values.get_int(0), 0);
}

TEST(QuantizeWeights, RefusesWhatIsNotFinite) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        EXPECT_THROW(quantize_weights(weights({2, 1}, {1, bad}), 0), Error);
}

}  // namespace
}  // namespace tercet

// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.h"

#include "tensor/zeroed.h"

namespace tercet {

Tensor Tensor::zeros(DType dtype, Dims shape) {
    auto memory = zeroed_memory(bytes_of(dtype, count_of(shape)));
    const void* data = memory.get();
    return Tensor(dtype, shape, std::move(memory), data);
}

Tensor Tensor::ints(std::span<const std::int64_t> values) {
    return of<std::int64_t>(DType::i64, {static_cast<std::int64_t>(values.size())}, values);
}

Tensor Tensor::scalar(DType dtype, double value) {
    Tensor t = zeros(dtype, {});
    t.writable().set_at(0, value);
    return t;
}

Tensor Tensor::reshaped(const Dims& shape) const {
    assert(count_of(shape) == count());
    Tensor t = *this;
    t.shape_ = shape;
    return t;
}

std::vector<std::int64_t> Tensor::to_ints() const {
    std::vector<std::int64_t> v(static_cast<std::size_t>(count()));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = get_int(static_cast<std::int64_t>(i));
    return v;
}

bool operator==(const Tensor& a, const Tensor& b) {
    return a.dtype() == b.dtype() && a.shape() == b.shape() &&
           (a.data() == b.data() || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

}  // namespace tercet

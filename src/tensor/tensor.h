// SPDX-License-Identifier: Apache-2.0
// Tensor: a dense, row-major constant. Copies share the elements, which are immutable once shared: a weight may lie in a
// mapped file, unaligned, and is never copied from there.
#pragma once

#include "tensor/view.h"

#include <memory>
#include <span>
#include <vector>

namespace tercet {

class Tensor {
public:
    Tensor() = default;

    /// Elements in memory that `owner` keeps alive. `data` may be unaligned; it holds bytes_of(dtype, count).
    Tensor(DType dtype, Dims shape, std::shared_ptr<const void> owner, const void* data)
        : dtype_(dtype), shape_(shape), data_(std::move(owner), static_cast<const std::byte*>(data)) {}

    static Tensor zeros(DType dtype, Dims shape);  // 64-byte aligned
    template <class T>
    static Tensor of(DType dtype, Dims shape, std::span<const T> values) {
        Tensor t = zeros(dtype, shape);
        if (!values.empty()) std::memcpy(t.writable().data, values.data(), values.size_bytes());
        return t;
    }
    static Tensor ints(std::span<const std::int64_t> values);  // i64 [n]
    static Tensor scalar(DType dtype, double value);           // []

    DType dtype() const { return dtype_; }
    const Dims& shape() const { return shape_; }
    std::int64_t count() const { return count_of(shape_); }
    std::size_t bytes() const { return bytes_of(dtype_, count()); }
    const std::byte* data() const { return data_.get(); }
    const std::shared_ptr<const std::byte>& storage() const { return data_; }

    View view() const { return View(dtype_, shape_, data_.get()); }
    /// For whoever made the tensor, before anyone else has a copy of it.
    View writable() { return view(); }
    /// The same elements under another shape of equal count.
    Tensor reshaped(const Dims& shape) const;

    double get(std::int64_t i) const { return view().get_at(i); }
    std::int64_t get_int(std::int64_t i) const { return view().get_int_at(i); }
    std::vector<std::int64_t> to_ints() const;

    explicit operator bool() const { return dtype_ != DType::undefined; }
    friend bool operator==(const Tensor& a, const Tensor& b);  // same type, shape and bytes

private:
    DType dtype_ = DType::undefined;
    Dims shape_{};
    std::shared_ptr<const std::byte> data_;
};

}  // namespace tercet

// SPDX-License-Identifier: Apache-2.0
// View: elements in someone else's memory, with a shape and strides. What reference implementations read and write.
// Access goes through memcpy, since weights in a mapped file stand at any byte.
#pragma once

#include "tensor/dims.h"
#include "tensor/half.h"
#include "tercet/dtype.h"

#include <cstring>
#include <limits>
#include <type_traits>

namespace tercet {

template <class T>
struct TypeTag { using type = T; };

/// Calls f(TypeTag<T>{}) with the C++ type of a dtype that `computes`; bool is a byte holding 0 or 1.
template <class F>
decltype(auto) with_type(DType t, F&& f) {
    switch (t) {
        case DType::f32: return f(TypeTag<float>{});
        case DType::f64: return f(TypeTag<double>{});
        case DType::f16: return f(TypeTag<Float16>{});
        case DType::bf16: return f(TypeTag<BFloat16>{});
        case DType::i8: return f(TypeTag<std::int8_t>{});
        case DType::i16: return f(TypeTag<std::int16_t>{});
        case DType::i32: return f(TypeTag<std::int32_t>{});
        case DType::i64: return f(TypeTag<std::int64_t>{});
        case DType::u16: return f(TypeTag<std::uint16_t>{});
        case DType::u32: return f(TypeTag<std::uint32_t>{});
        case DType::u64: return f(TypeTag<std::uint64_t>{});
        default: return f(TypeTag<std::uint8_t>{});  // u8, bool
    }
}

template <class T>
T load(const std::byte* p) {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
void store(std::byte* p, T v) {
    std::memcpy(p, &v, sizeof v);
}

/// `v` as a T: floats are rounded once; integers are truncated towards zero and saturate at T's limits (NaN gives 0).
template <class T>
T to_element(double v) {
    if constexpr (std::is_integral_v<T>) {
        if (!(v == v)) return 0;
        if (v >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
        if (v <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
        return static_cast<T>(v);
    } else {
        return static_cast<T>(v);
    }
}

struct View {
    DType dtype = DType::undefined;
    Dims shape{};
    Dims strides{};  // in elements; 0 where broadcast
    std::byte* data = nullptr;

    View() = default;
    View(DType t, const Dims& s, const void* p) : dtype(t), shape(s), strides(dense_strides(s)), data(static_cast<std::byte*>(const_cast<void*>(p))) {}

    explicit operator bool() const { return dtype != DType::undefined; }  // false: an optional input that is absent
    int rank() const { return shape.size(); }
    std::int64_t count() const { return count_of(shape); }
    std::size_t element_bytes() const { return static_cast<std::size_t>(bits_of(dtype)) / 8; }

    std::int64_t offset(const Dims& index) const {
        std::int64_t o = 0;
        for (int i = 0; i < index.size(); ++i) o += index[i] * strides[i];
        return o;
    }
    std::byte* address(std::int64_t element_offset) const { return data + element_offset * static_cast<std::int64_t>(element_bytes()); }
    std::byte* address(const Dims& index) const { return address(offset(index)); }

    double get(const Dims& index) const { return get_at(offset(index)); }
    void set(const Dims& index, double v) const { set_at(offset(index), v); }
    std::int64_t get_int(const Dims& index) const { return get_int_at(offset(index)); }
    void set_int(const Dims& index, std::int64_t v) const { set_int_at(offset(index), v); }

    double get_at(std::int64_t o) const {
        return with_type(dtype, [&]<class T>(TypeTag<T>) { return static_cast<double>(load<T>(address(o))); });
    }
    /// Rounded or saturated to the element type (to_element).
    void set_at(std::int64_t o, double v) const {
        if (dtype == DType::boolean) return store<std::uint8_t>(address(o), v != 0);
        with_type(dtype, [&]<class T>(TypeTag<T>) { store<T>(address(o), to_element<T>(v)); });
    }
    /// Exact for every integer type; u64 comes as the int64 of the same bits.
    std::int64_t get_int_at(std::int64_t o) const {
        return with_type(dtype, [&]<class T>(TypeTag<T>) {
            if constexpr (std::is_integral_v<T>) return static_cast<std::int64_t>(load<T>(address(o)));
            else return to_element<std::int64_t>(static_cast<double>(load<T>(address(o))));
        });
    }
    /// Integers wrap to the element type.
    void set_int_at(std::int64_t o, std::int64_t v) const {
        if (dtype == DType::boolean) return store<std::uint8_t>(address(o), v != 0);
        with_type(dtype, [&]<class T>(TypeTag<T>) {
            if constexpr (std::is_integral_v<T>) store<T>(address(o), static_cast<T>(v));
            else store<T>(address(o), static_cast<T>(static_cast<double>(v)));
        });
    }

    /// The same elements with their axes in another order: axis i of the result is axis order[i] of this.
    View permuted(const Dims& order) const {
        View v = *this;
        for (int i = 0; i < order.size(); ++i) {
            v.shape[i] = shape[static_cast<int>(order[i])];
            v.strides[i] = strides[static_cast<int>(order[i])];
        }
        return v;
    }
    /// The same elements seen in `to` by ONNX's (numpy's) broadcasting; the shapes are known to fit.
    View broadcast_to(const Dims& to) const {
        View v(dtype, to, data);
        const int missing = to.size() - rank();
        for (int i = 0; i < to.size(); ++i)
            v.strides[i] = i < missing || shape[i - missing] == 1 ? 0 : strides[i - missing];
        return v;
    }
};

}  // namespace tercet

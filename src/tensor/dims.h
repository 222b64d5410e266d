// SPDX-License-Identifier: Apache-2.0
// Dims: a short list of integers (a concrete shape, strides, an index) that never allocates, since the run path uses it.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace tercet {

inline constexpr int max_rank = 8;  // the importer refuses more, naming the value

class Dims {
public:
    constexpr Dims() = default;
    constexpr Dims(std::initializer_list<std::int64_t> v) { assign(std::span(v.begin(), v.size())); }
    constexpr explicit Dims(std::span<const std::int64_t> v) { assign(v); }

    static constexpr Dims filled(int rank, std::int64_t value) {
        Dims d;
        for (int i = 0; i < rank; ++i) d.push_back(value);
        return d;
    }

    constexpr int size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr std::int64_t& operator[](int i) { return v_[static_cast<std::size_t>(i)]; }
    constexpr std::int64_t operator[](int i) const { return v_[static_cast<std::size_t>(i)]; }
    constexpr std::int64_t back() const { return v_[static_cast<std::size_t>(size_ - 1)]; }
    constexpr void push_back(std::int64_t x) {
        assert(size_ < max_rank);
        v_[static_cast<std::size_t>(size_++)] = x;
    }
    constexpr const std::int64_t* begin() const { return v_.data(); }
    constexpr const std::int64_t* end() const { return v_.data() + size_; }
    constexpr std::int64_t* begin() { return v_.data(); }
    constexpr std::int64_t* end() { return v_.data() + size_; }
    constexpr operator std::span<const std::int64_t>() const { return {v_.data(), static_cast<std::size_t>(size_)}; }

    /// The elements from `first` on, `count` of them (all that follow if negative).
    constexpr Dims part(int first, int count = -1) const {
        return Dims(std::span(begin() + first, count < 0 ? static_cast<std::size_t>(size_ - first) : static_cast<std::size_t>(count)));
    }

    friend constexpr bool operator==(const Dims& a, const Dims& b) { return std::ranges::equal(a, b); }

private:
    constexpr void assign(std::span<const std::int64_t> v) {
        assert(v.size() <= max_rank);
        size_ = static_cast<int>(v.size());
        std::ranges::copy(v, v_.begin());
    }
    std::array<std::int64_t, max_rank> v_{};
    int size_ = 0;
};

/// Product of the extents; 1 for a scalar. The shapes of values that exist are checked, so that it does not overflow.
constexpr std::int64_t count_of(std::span<const std::int64_t> dims) {
    std::int64_t n = 1;
    for (std::int64_t d : dims) n *= d;
    return n;
}

/// Strides, in elements, of a dense row-major tensor.
constexpr Dims dense_strides(const Dims& shape) {
    Dims s = shape;
    std::int64_t step = 1;
    for (int i = shape.size() - 1; i >= 0; --i) {
        s[i] = step;
        step *= shape[i];
    }
    return s;
}

/// All indices of a shape in row-major order, the last one fastest: for (const Dims& i : indices(shape)) ...
/// A shape with an extent of 0 has none; the empty shape has one, the empty index.
class Indices {
public:
    struct End {};
    class Iterator {
    public:
        explicit Iterator(const Dims& shape) : shape_(shape), index_(Dims::filled(shape.size(), 0)), left_(count_of(shape)) {}
        const Dims& operator*() const { return index_; }
        Iterator& operator++() {
            --left_;
            for (int i = shape_.size() - 1; i >= 0; --i) {
                if (++index_[i] < shape_[i]) break;
                index_[i] = 0;
            }
            return *this;
        }
        bool operator!=(End) const { return left_ > 0; }

    private:
        Dims shape_, index_;
        std::int64_t left_;
    };

    explicit Indices(const Dims& shape) : shape_(shape) {}
    Iterator begin() const { return Iterator(shape_); }
    End end() const { return {}; }

private:
    Dims shape_;
};

inline Indices indices(const Dims& shape) { return Indices(shape); }

}  // namespace tercet

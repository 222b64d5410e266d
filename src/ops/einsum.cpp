// SPDX-License-Identifier: Apache-2.0
// y[out] = sum of in0[term0] * in1[term1] * ... over all labels that do not stand in `out`, for an equation
// "term0,term1,..->out". A label is a letter, one per axis; one that is repeated within a term walks along the diagonal.
// "..." stands for the axes that have no letters, aligned at their ends. Without "->", `out` is "..." and then the letters that
// occur once, sorted. An extent of 1 goes with any other. Sums of floats are in double, of integers exact (modulo 2^64).
#include "ops/dot.h"
#include "ops/elementwise.h"
#include "ops/extents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tercet {
namespace {

constexpr int ellipsis_labels = max_rank, labels = 2 * 26 + ellipsis_labels;  // A-Z, a-z, the axes of "..." (the last one last)

int label_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1; }

[[noreturn]] void refuse(std::string_view equation, std::string_view what) {
    throw Error({.what = fmt::format("equation '{}': {}", equation, what), .fix = "check the model with onnx.checker"});
}

struct Axes {  // the labels of a value's axes
    std::array<int, max_rank> label{};
    int count = 0;
    void push(std::string_view equation, int l) {
        if (count == max_rank) refuse(equation, "a term has more than 8 axes");
        label[static_cast<std::size_t>(count++)] = l;
    }
    const int* begin() const { return label.data(); }
    const int* end() const { return label.data() + count; }
};

// An equation taken apart. Never allocates.
class Equation {
public:
    explicit Equation(std::string_view text) : text_(text) {
        const std::size_t arrow = text.find("->");
        left_ = text.substr(0, arrow);
        explicit_ = arrow != std::string_view::npos;
        if (explicit_) right_ = text.substr(arrow + 2);
    }

    std::size_t terms() const { return static_cast<std::size_t>(std::ranges::count(left_, ',')) + 1; }

    /// Of input i, which has `rank` axes.
    Axes term(std::size_t i, int rank) const {
        std::string_view s = left_;
        for (; i > 0; --i) s.remove_prefix(s.find(',') + 1);
        return parse(s.substr(0, s.find(',')), [&](int letters) { return rank - letters; }, rank);
    }

    /// Of the output, where "..." stands for `ellipsis` axes.
    Axes output(int ellipsis) const {
        if (explicit_) {
            const Axes out = parse(right_, [&](int) { return ellipsis; }, -1);
            for (const int* l = out.begin(); l != out.end(); ++l)
                if (std::find(out.begin(), l, *l) != l) refuse(text_, "a letter stands twice in the output");
            return out;
        }
        Axes out;
        for (int i = labels - ellipsis; i < labels; ++i) out.push(text_, i);
        for (char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
            if (std::ranges::count(left_, c) == 1) out.push(text_, label_of(c));
        return out;
    }

private:
    // `rank`: the axes that the term must have, -1 where any number will do.
    template <class Ellipsis>
    Axes parse(std::string_view term, Ellipsis ellipsis, int rank) const {
        const auto letters = static_cast<int>(std::ranges::count_if(term, [](char c) { return label_of(c) >= 0; }));
        Axes axes;
        bool seen = false;
        while (!term.empty()) {
            if (term.starts_with("...") && !seen) {
                const int n = ellipsis(letters);
                if (n < 0) refuse(text_, fmt::format("a term of {} letters for a value of rank {}", letters, rank));
                for (int i = labels - n; i < labels; ++i) axes.push(text_, i);
                seen = true;
                term.remove_prefix(3);
                continue;
            }
            if (label_of(term[0]) >= 0) axes.push(text_, label_of(term[0]));
            else if (term[0] != ' ') refuse(text_, fmt::format("'{}' is not understood", term[0]));
            term.remove_prefix(1);
        }
        if (rank >= 0 && axes.count != rank) refuse(text_, fmt::format("a term of {} letters for a value of rank {}", letters, rank));
        return axes;
    }

    std::string_view text_, left_, right_{};
    bool explicit_ = false;
};

int ellipsis_of(const Axes& a) { return static_cast<int>(std::ranges::count_if(a, [](int l) { return l >= labels - ellipsis_labels; })); }

void infer(Inference& c) {
    check_dtype(c, 0, is_number);
    common_dtype(c);
    const std::string_view text = c.attributes().text("equation", "");
    const Equation equation(text);
    if (equation.terms() != c.in.size()) refuse(text, fmt::format("{} terms for {} inputs", equation.terms(), c.in.size()));
    std::array<std::optional<Dim>, labels> extents;
    int ellipsis = 0;
    for (std::size_t i = 0; i < c.in.size(); ++i) {
        const Axes axes = equation.term(i, c.rank(i));
        ellipsis = std::max(ellipsis, ellipsis_of(axes));
        for (int k = 0; k < axes.count; ++k) {
            const int l = axes.label[static_cast<std::size_t>(k)];
            std::optional<Dim>& extent = extents[static_cast<std::size_t>(l)];
            const Dim& d = c.shape(i)[static_cast<std::size_t>(k)];
            for (int j = 0; j < k; ++j)
                if (axes.label[static_cast<std::size_t>(j)] == l && !may_equal(c.shape(i)[static_cast<std::size_t>(j)], d))
                    refuse(text, fmt::format("a diagonal of the shape [{}]", text_of(c.shape(i))));
            if (!extent || *extent == Dim(1)) extent = d;
            else if (d != Dim(1)) unify(*extent, d, fmt::format("equation '{}': extents of one letter differ", text));
        }
    }
    Shape y;
    for (int l : equation.output(ellipsis)) {
        if (!extents[static_cast<std::size_t>(l)]) refuse(text, "a letter of the output stands in no input");
        y.push_back(*extents[static_cast<std::size_t>(l)]);
    }
    c.set(0, c.dtype(0), std::move(y));
}

// Per label its extent, then per input its stride in each label, all in scratch.
std::size_t scratch_bytes(const Call& call) { return (call.in.size() + 1) * labels * sizeof(std::int64_t); }

void reference(const Call& call) {
    const std::string_view text = call.attributes().text("equation", "");
    const Equation equation(text);
    const std::size_t inputs = call.in.size();
    auto* const extents = reinterpret_cast<std::int64_t*>(call.scratch.data());
    const auto strides_of = [&](std::size_t i) { return extents + (i + 1) * labels; };
    std::fill(extents, extents + (inputs + 1) * labels, 0);
    std::fill(extents, extents + labels, 1);
    int ellipsis = 0;
    for (std::size_t i = 0; i < inputs; ++i) {
        const View& x = call.in[i];
        const Axes axes = equation.term(i, x.rank());
        ellipsis = std::max(ellipsis, ellipsis_of(axes));
        for (int k = 0; k < axes.count; ++k) {
            const auto l = axes.label[static_cast<std::size_t>(k)];
            for (int j = 0; j < k; ++j) require_at_run(axes.label[static_cast<std::size_t>(j)] != l || x.shape[j] == x.shape[k], "a diagonal of axes that differ");
            if (x.shape[k] == 1) continue;  // stays in place
            require_at_run(extents[l] == 1 || extents[l] == x.shape[k], "extents of one letter differ");
            extents[l] = x.shape[k];
            strides_of(i)[l] += x.strides[k];
        }
    }
    const Axes out = equation.output(ellipsis);
    std::array<int, labels> order{};  // the output's labels, then those that are summed over, as far as they are longer than 1
    int count = 0;
    std::int64_t sums = 1;
    for (int l : out) order[static_cast<std::size_t>(count++)] = l;
    const int summed = count;
    for (int l = 0; l < labels; ++l) {
        if (extents[l] == 1 || std::ranges::find(out, l) != out.end()) continue;
        order[static_cast<std::size_t>(count++)] = l;
        sums *= extents[l];
    }
    std::array<std::int64_t, labels> index{};  // by position in `order`
    const auto advance = [&](int first, int last) {
        for (int k = last - 1; k >= first; --k) {
            auto& at = index[static_cast<std::size_t>(k)];
            if (++at < extents[order[static_cast<std::size_t>(k)]]) return;
            at = 0;
        }
    };
    const auto offset = [&](std::size_t i) {
        std::int64_t at = 0;
        for (int k = 0; k < count; ++k) at += index[static_cast<std::size_t>(k)] * strides_of(i)[order[static_cast<std::size_t>(k)]];
        return at;
    };
    const View& y = call.out[0];
    with_type(y.dtype, [&]<class T>(TypeTag<T>) {
        for (std::int64_t o = 0; o < y.count(); ++o) {  // y is dense
            Sum<T> sum = 0;
            for (std::int64_t s = 0; s < sums; ++s) {
                Sum<T> product = 1;
                for (std::size_t i = 0; i < inputs; ++i) product *= static_cast<Sum<T>>(load<T>(call.in[i].address(offset(i))));
                sum += product;
                advance(summed, count);
            }
            store<T>(y.address(o), static_cast<T>(sum));
            advance(0, summed);
        }
    });
}

const RegisteredOp einsum{{.name = "Einsum", .versions = {{12}, {28}}, .inputs = {1, unlimited}, .attributes = {{"equation", AttributeKind::text, true}},
                           .infer = infer, .reference = reference, .scratch_bytes = scratch_bytes}};

}  // namespace
}  // namespace tercet

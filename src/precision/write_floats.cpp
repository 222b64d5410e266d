// SPDX-License-Identifier: Apache-2.0
// Every FP32 value has a type in which it is computed, one under which its own name goes (its home: FP32 where the model's inputs,
// outputs or subgraphs want that), and types in which nodes read it. Where these differ, the value gets other names, and
// Casts right behind where it is computed.
#include "precision/float_support.h"
#include "precision/write_precision.h"

#include "tensor/half.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace tercet {
namespace {

using namespace onnx;

constexpr float most_fp16 = 65504;

std::string suffix(DType t) { return t == DType::f16 ? "_fp16" : t == DType::bf16 ? "_bf16" : "_fp32"; }

DType type_of(Precision p) { return p == Precision::fp16 ? DType::f16 : p == Precision::bf16 ? DType::bf16 : DType::f32; }

Tensor converted(const Tensor& t, DType to, const std::string& name) {
    Tensor y = Tensor::zeros(to, t.shape());
    View out = y.writable();
    const View in = t.view();
    for (std::int64_t i = 0; i < t.count(); ++i) {
        const double v = in.get_at(i);
        if (to == DType::f16 && std::isfinite(v) && std::isinf(static_cast<double>(Float16(v))))
            throw Error({.what = fmt::format("constant '{}' holds {}, FP16 ends at {}", name, v, most_fp16),
                         .fix = "keep this layer in fp32: --layer-precisions 'LAYER:fp32'"});
        out.set_at(i, v);
    }
    return y;
}

TreeNode cast(const std::string& from, const std::string& to, DType type, const std::string& name) {
    return {.op = "Cast", .inputs = {from}, .outputs = {to}, .attributes = {attribute_of("to", static_cast<std::int64_t>(type))}, .name = name};
}

class FloatWriter {
public:
    FloatWriter(ModelEdit& edit, const PrecisionPlan& plan, bool keep_io_types) : edit_(edit) {
        io_ = keep_io_types ? DType::f32 : type_of(plan.precision);
        for (const TreeNode& n : edit.nodes()) {
            support_.push_back(float_support(n.op, n.domain));
            DType t = is_constant(n) ? DType::f32 : type_of(precision_of(plan, n));
            if (t != DType::f32 && support_.back().since(t == DType::f16 ? Precision::fp16 : Precision::bf16) > edit.tree().opset()) t = DType::f32;
            compute_.push_back(t);
        }
    }

    void run() {
        collect();
        for (const std::string& c : constants_) place_constant(c);
        for (const std::string& v : values_) place_value(v);
        for (std::size_t i = 0; i < compute_.size(); ++i) rewrite(i);
        edit_.finish();
        declare();
    }

private:
    // In which type node i reads its input k; nothing where any will do.
    std::optional<DType> wanted(std::size_t i, std::size_t k) const {
        if (support_[i].takes_any(k)) return {};
        return support_[i].keeps_input(k) ? DType::f32 : compute_[i];
    }

    DType produced(const std::string& v) const {
        const auto p = edit_.producer(v);
        if (!p) return home(v);
        const auto& outputs = edit_.nodes()[*p].outputs;
        return support_[*p].keeps_output(static_cast<std::size_t>(std::ranges::find(outputs, v) - outputs.begin())) ? DType::f32 : compute_[*p];
    }

    DType home(const std::string& v) const {
        if (edit_.is_captured(v)) return DType::f32;
        if (edit_.is_input(v) || edit_.is_output(v)) return io_;
        return edit_.producer(v) ? produced(v) : DType::f32;
    }

    void collect() {
        const auto add = [&](const std::string& name) {
            if (edit_.type_of(name) != DType::f32) return;
            (edit_.constant(name) ? constants_ : values_).insert(name);
        };
        for (const TreeNode& n : edit_.nodes()) {
            for (const std::string& name : n.inputs) add(name);
            for (const std::string& name : n.outputs) add(name);
        }
        for (const std::string& v : values_) homes_[v] = home(v), produced_[v] = produced(v);
    }

    std::set<DType> wanted_types(const std::string& v) const {
        std::set<DType> types;
        for (std::size_t i : edit_.readers(v))
            for (std::size_t k = 0; k < edit_.nodes()[i].inputs.size(); ++k)
                if (edit_.nodes()[i].inputs[k] == v)
                    if (const auto t = wanted(i, k)) types.insert(*t);
        return types;
    }

    void place_constant(const std::string& c) {
        const std::set<DType> types = wanted_types(c);
        const bool needs_own = edit_.is_captured(c) || edit_.is_output(c) || types.size() != 1;
        const Tensor elements = *edit_.constant(c);
        names_[{c, DType::f32}] = c;
        for (DType t : types) {
            if (t == DType::f32) continue;
            Tensor y = at([&] { return first_reader(c, t); }, [&] { return converted(elements, t, c); });
            if (needs_own) {
                names_[{c, t}] = edit_.add_constant(c + suffix(t), std::move(y));
            } else {
                edit_.change_constant(c, std::move(y));
                names_[{c, t}] = c;
            }
        }
    }

    // For errors.
    std::string first_reader(const std::string& c, DType t) const {
        for (std::size_t i : edit_.readers(c))
            if (compute_[i] == t) return fmt::format("{} ({})", edit_.nodes()[i].label(), edit_.nodes()[i].op);
        return c;
    }

    void place_value(const std::string& v) {
        const DType computed = produced_.at(v), own = homes_.at(v);
        names_[{v, own}] = v;
        const auto add = [&](DType t) { return names_[{v, t}] = edit_.unused(v + suffix(t)); };
        if (computed != own) edit_.add_behind(v, cast(add(computed), v, own, edit_.unused(v + "_Cast")));
        for (DType t : wanted_types(v))
            if (!names_.contains({v, t})) {
                const std::string name = add(t);
                edit_.add_behind(v, cast(names_.at({v, computed}), name, t, edit_.unused(name + "_Cast")));
            }
        edit_.set_type(v, own);
    }

    void rewrite(std::size_t i) {
        TreeNode& n = edit_.nodes()[i];
        for (std::size_t k = 0; k < n.inputs.size(); ++k) {
            const std::string& v = n.inputs[k];
            if (!values_.contains(v) && !constants_.contains(v)) continue;
            const auto t = wanted(i, k);
            if (t) n.inputs[k] = names_.at({v, *t});
            else if (values_.contains(v)) n.inputs[k] = names_.at({v, produced_.at(v)});
        }
        for (std::string& o : n.outputs) {
            if (!values_.contains(o)) continue;
            const DType t = produced_.at(o);
            if (n.op == "Cast" && n.domain.empty() && t != DType::f32) n.attributes = cast_attributes(n, t);
            o = names_.at({o, t});
        }
    }

    static std::vector<TreeAttribute> cast_attributes(const TreeNode& n, DType to) {
        std::vector<TreeAttribute> attributes = n.attributes;
        for (TreeAttribute& a : attributes)
            if (a.name == "to") a = attribute_of("to", static_cast<std::int64_t>(to));
        return attributes;
    }

    // What the file says of the values' types.
    void declare() {
        TreeGraph& g = edit_.tree().graph;
        for (auto* values : {&g.inputs, &g.outputs, &g.values})
            for (TreeValue& v : *values)
                if (const DType t = edit_.type_of(v.name); declared_type(v) == DType::f32 && (t == DType::f16 || t == DType::bf16)) v = with_type(v, t);
    }

    ModelEdit& edit_;
    DType io_ = DType::f32;
    std::vector<DType> compute_;                             // by node
    std::vector<FloatSupport> support_;
    std::set<std::string> values_, constants_;               // of FP32, before
    std::map<std::string, DType> homes_, produced_;
    std::map<std::pair<std::string, DType>, std::string> names_;
};

}  // namespace

void write_floats(ModelEdit& edit, const PrecisionPlan& plan, bool keep_io_types) { FloatWriter(edit, plan, keep_io_types).run(); }

}  // namespace tercet

// SPDX-License-Identifier: Apache-2.0
#include "precision/write_model.h"

#include "onnx/raise_opset.h"
#include "precision/write_precision.h"
#include "system/mapped_file.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

namespace tercet {

using namespace onnx;

namespace {

struct ReadModel {
    Model model;
    FileBytes content;
    ModelTree tree;
};

ReadModel read_for_edit(const std::filesystem::path& file, std::int64_t newest) {
    Model model = read_model(file);
    FileBytes content = map_file(file);
    return at(file.string(), [&]() -> ReadModel {
        if (model.opset > newest)
            throw Error({.what = fmt::format("has opset {}, the newest allowed is {}", model.opset, newest), .fix = "export the model with an older opset"});
        const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
        const std::string_view bytes{reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()};
        return {std::move(model), content, read_tree(bytes, Source{content.owner, ExternalData(folder)})};
    });
}

// The plan as it can be written, and the operator set that it takes.
std::pair<PrecisionPlan, std::int64_t> settled_plan(const std::filesystem::path& file, ModelEdit& edit, const std::function<PrecisionPlan(ModelEdit&)>& make, std::int64_t newest) {
    PrecisionPlan plan = make(edit);
    if (plan.model.empty()) plan.model = file.stem().string();
    const std::int64_t opset = settle(plan, edit, newest);
    return {std::move(plan), opset};
}

}  // namespace

PlannedModel plan_model(const std::filesystem::path& file, const std::function<PrecisionPlan(ModelEdit&)>& make, std::int64_t newest) {
    ReadModel read = read_for_edit(file, newest);
    return at(file.string(), [&] {
        ModelEdit edit(read.tree, read.model.graph);
        PlannedModel planned{settled_plan(file, edit, make, newest).first, {}};
        std::map<std::string, std::vector<std::string>> outputs;
        for (const TreeNode& n : edit.nodes()) outputs.try_emplace(n.label(), n.outputs);
        for (const LayerPlan& l : planned.plan.layers) planned.outputs.push_back(outputs[l.layer]);
        return planned;
    });
}

Written write_model(const std::filesystem::path& file, const ModelWrite& settings) {
    ReadModel read = read_for_edit(file, settings.newest_opset);
    return at(file.string(), [&] {
        Written result;
        {
            ModelEdit before(read.tree, read.model.graph);
            std::tie(result.plan, result.opset) = settled_plan(file, before, settings.plan, settings.newest_opset);
        }
        const std::filesystem::path output = settings.output(result.plan);
        raise_opset(read.tree, result.opset, read.model.graph);
        ModelEdit edit(read.tree, read.model.graph);
        write_quantized(edit, result.plan);
        write_floats(edit, result.plan, settings.keep_io_types);
        write_tree(output, read.tree, settings.write);
        return result;
    });
}

}  // namespace tercet

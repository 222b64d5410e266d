// SPDX-License-Identifier: Apache-2.0
#include "precision/write_model.h"

#include "onnx/raise_opset.h"
#include "precision/write_precision.h"
#include "system/mapped_file.h"

#include <fmt/format.h>

namespace tercet {

using namespace onnx;

Written write_model(const std::filesystem::path& file, const ModelWrite& settings) {
    const Model model = read_model(file);
    return at(file.string(), [&] {
        if (model.opset > settings.newest_opset)
            throw Error({.what = fmt::format("has opset {}, the newest allowed is {}", model.opset, settings.newest_opset), .fix = "export the model with an older opset"});
        const FileBytes content = map_file(file);
        const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
        ModelTree tree = read_tree({reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()}, Source{content.owner, ExternalData(folder)});
        Written result;
        {
            ModelEdit before(tree, model.graph);
            result.plan = settings.plan(before);
            if (result.plan.model.empty()) result.plan.model = file.stem().string();
            result.opset = settle(result.plan, before, settings.newest_opset);
        }
        const std::filesystem::path output = settings.output(result.plan);
        raise_opset(tree, result.opset, model.graph);
        ModelEdit edit(tree, model.graph);
        write_quantized(edit, result.plan);
        write_floats(edit, result.plan, settings.keep_io_types);
        write_tree(output, tree, settings.write);
        return result;
    });
}

}  // namespace tercet

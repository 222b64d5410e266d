// SPDX-License-Identifier: Apache-2.0
#include "tensorrt/target.h"

#include "tercet/error.h"
#include "tercet/tensorrt.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tercet {

const std::vector<TensorRtTarget>& tensorrt_targets() {
    static const std::vector<TensorRtTarget> targets{
        {.name = "trt8x", .title = "TensorRT 8.x", .modules = {"tensorrt", "tensorrt_bindings"}, .first_major = 8, .end_major = 9, .cache_format = "8.5.3",
         .how_to_get = "pip install tensorrt==8.6.1", .container = "nvcr.io/nvidia/tensorrt:23.03-py3"},
        {.name = "trt10x", .title = "TensorRT 10.x", .modules = {"tensorrt", "tensorrt_bindings"}, .first_major = 10, .end_major = 11, .cache_format = "10.3.0",
         .how_to_get = "pip install 'tensorrt>=10,<11'", .container = "nvcr.io/nvidia/tensorrt:24.08-py3"},
        {.name = "trt11x", .title = "TensorRT 11.x", .modules = {"tensorrt", "tensorrt_bindings"}, .first_major = 11, .end_major = 12, .strongly_typed = true,
         .how_to_get = "pip install 'tensorrt>=11,<12'"},
        {.name = "trtrtx", .title = "TensorRT-RTX", .modules = {"tensorrt_rtx", "tensorrt_rtx_bindings"}, .first_major = 1, .end_major = 2, .strongly_typed = true, .needs_gpu = false,
         .how_to_get = "pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings", .tool = "tensorrt_rtx"},
    };
    return targets;
}

const TensorRtTarget& tensorrt_target(std::string_view name) {
    const auto& all = tensorrt_targets();
    const auto found = std::ranges::find(all, name, &TensorRtTarget::name);
    if (found != all.end()) return *found;
    throw Error({.what = fmt::format("there is no target '{}'", name), .fix = fmt::format("one of cpu, {}", fmt::join(tensorrt_target_names(), ", "))});
}

std::vector<std::string> tensorrt_target_names() {
    std::vector<std::string> names;
    for (const TensorRtTarget& t : tensorrt_targets()) names.emplace_back(t.name);
    return names;
}

bool is_of(const TensorRtTarget& target, std::string_view module, std::string_view version) {
    int major = 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
    return error == std::errc() && std::ranges::find(target.modules, module) != target.modules.end() && major >= target.first_major && major < target.end_major;
}

}  // namespace tercet

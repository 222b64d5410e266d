// SPDX-License-Identifier: Apache-2.0
#include "tercet/precision.h"

#include "precision/precision_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace tercet {

LayerPrecisions parse_layer_precisions(std::string_view text) {
    LayerPrecisions parsed;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
        const std::size_t colon = one.rfind(':');
        std::string_view pattern = one.substr(0, colon);
        if (pattern.size() > 1 && pattern.front() == '\'' && pattern.back() == '\'') pattern = pattern.substr(1, pattern.size() - 2);
        if (colon == std::string_view::npos || pattern.empty())
            throw Error({.what = fmt::format("'{}' names no precision of a layer", one), .fix = "write NAME:PRECISION, as in 'head/*:fp32,conv1:fp16'"});
        const std::string_view precision = name_of(precision_named(one.substr(colon + 1)));
        parsed.emplace_back(pattern, precision);
    }
    return parsed;
}

}  // namespace tercet

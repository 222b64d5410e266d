// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_file.h"
#include "runtime/engine_data.h"

#include <fmt/format.h>

#include <cstring>

namespace tercet {
namespace {

TensorInfo info_of(const Program& p, std::string name, ValueId v) {
    const Type& type = p.value(v).type;
    TensorInfo info{.name = std::move(name), .dtype = type.dtype};
    for (const Dim& d : type.shape) info.shape.push_back(d.text());
    const auto at_point = [&](ProfilePoint point) {
        Symbols symbols = symbols_at(p.profile, point);
        if (point == ProfilePoint::min)
            for (const ProgramStep& s : p.steps)
                for (const Unknown& u : s.decides) symbols[u.symbol] = 0;
        const Dims d = shape_at(type, symbols);
        return std::vector<std::int64_t>(d.begin(), d.end());
    };
    info.min_shape = at_point(ProfilePoint::min);
    info.opt_shape = at_point(ProfilePoint::opt);
    info.max_shape = at_point(ProfilePoint::max);
    return info;
}

// Kernels read constants as an engine file has them: at multiples of 64.
void align_constants(Program& p) {
    for (ProgramValue& v : p.values) {
        if (v.place != ProgramValue::Place::constant || reinterpret_cast<std::uintptr_t>(v.constant.data()) % 64 == 0) continue;
        Tensor copy = Tensor::zeros(v.constant.dtype(), v.constant.shape());
        std::memcpy(copy.writable().data, v.constant.data(), v.constant.bytes());
        v.constant = std::move(copy);
    }
}

Engine describe(std::shared_ptr<EngineData> data) {
    const Program& p = data->program;
    for (ValueId v : p.inputs) data->inputs.push_back(info_of(p, p.value(v).name, v));
    for (const GraphOutput& o : p.outputs) data->outputs.push_back(info_of(p, o.name, o.value));
    return Engine(std::move(data));
}

}  // namespace

Engine engine_of(Program program) {
    auto data = std::make_shared<EngineData>();
    data->program = std::move(program);
    align_constants(data->program);
    return describe(std::move(data));
}

Engine open_engine(const FileBytes& file, std::string_view max_isa) {
    auto data = std::make_shared<EngineData>();
    data->program = read_engine(file);
    data->bytes = file.bytes.size();
    Isa available = host_isa();
    if (!max_isa.empty()) {
        const auto cap = isa_named(max_isa);
        if (!cap) throw Error({.what = fmt::format("unknown instruction set '{}'", max_isa), .fix = fmt::format("one of {}", fmt::join(isa_names(), ", "))});
        available = lesser(available, *cap);
    }
    const Program& p = data->program;
    if (!available.has(p.isa.level))
        throw Error({.what = fmt::format("the engine needs {}, this processor has {}", p.isa.name(), available.name()),
                     .fix = fmt::format("build one for this machine with `tercet build MODEL.onnx --isa {}`", available.name())});
    return describe(std::move(data));
}

Engine Engine::open(const std::filesystem::path& file, Load load, std::string_view max_isa) {
    const FileBytes bytes = load == Load::map ? map_file(file) : read_file(file);
    return at(file.string(), [&] { return open_engine(bytes, max_isa); });
}

Engine Engine::from_memory(std::span<const std::byte> file, std::shared_ptr<const void> owner, std::string_view max_isa) {
    if (!owner) return open_engine(copy_bytes(file), max_isa);
    if (reinterpret_cast<std::uintptr_t>(file.data()) % 64 != 0)
        throw Error({.what = "the engine's bytes do not start at a multiple of 64", .fix = "align them, or let them be copied"});
    return open_engine({std::move(owner), file}, max_isa);
}

std::span<const TensorInfo> Engine::inputs() const { return data_->inputs; }
std::span<const TensorInfo> Engine::outputs() const { return data_->outputs; }
std::string_view Engine::precision() const { return data_->program.precision; }
std::string_view Engine::isa() const { return data_->program.isa.name(); }
std::string_view Engine::model() const { return data_->program.model; }
std::uint64_t Engine::bytes() const { return data_->bytes; }

}  // namespace tercet

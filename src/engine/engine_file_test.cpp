// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_file.h"

#include "engine/program_json.h"
#include "engine/testing.h"
#include "graph/text.h"
#include "system/output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace tercet {
namespace {

// y = relu(x * w), then a view, on the reference tactic.
Program small_program() {
    Program p;
    p.model = "small";
    p.profile["N"] = {1, 2, 4};
    p.values.push_back({.name = "x", .type = parse_type("f32[N,3]"), .place = ProgramValue::Place::input});
    p.values.push_back({.name = "w", .type = parse_type("f32[3,5]"), .place = ProgramValue::Place::constant, .constant = parse_tensor("random[3,5]")});
    p.values.push_back({.name = "y", .type = parse_type("f32[N,5]"), .place = ProgramValue::Place::arena});
    p.values.push_back({.name = "v", .type = parse_type("f32[5*N]"), .place = ProgramValue::Place::view, .of = ValueId{2}});
    ProgramStep s;
    s.node = {.op = "MatMul", .inputs = {ValueId{0}, ValueId{1}}, .outputs = {ValueId{2}}, .attributes = {{"tail", std::string("min(relu(x0), inf)")}}, .name = "mm", .layers = {"mm", "act"}};
    s.choices.fill({"reference", {}});
    p.steps.push_back(s);
    p.inputs = {ValueId{0}};
    p.outputs = {{"out", ValueId{3}}};
    p.arena_bytes = 256;
    return p;
}

class EngineFile : public ::testing::Test {
protected:
    void SetUp() override { write_engine(file_, small_program()); }
    void TearDown() override { std::filesystem::remove(file_); }
    std::vector<char> bytes() const {
        std::ifstream in(file_, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static Program read(const std::vector<char>& b) {
        auto copy = std::make_shared<std::vector<char>>(b);
        return read_engine({copy, std::as_bytes(std::span(*copy))});
    }
    std::filesystem::path file_ = std::filesystem::temp_directory_path() / ("tercet_engine_file_test_" + std::to_string(getpid()));
};

TEST_F(EngineFile, ComesBackAsItWasWritten) {
    const Program wrote = small_program(), got = read(bytes());
    EXPECT_EQ(got.model, "small");
    EXPECT_EQ(got.profile, wrote.profile);
    ASSERT_EQ(got.values.size(), wrote.values.size());
    for (std::size_t i = 0; i < got.values.size(); ++i) {
        EXPECT_EQ(got.values[i].name, wrote.values[i].name);
        EXPECT_EQ(got.values[i].type, wrote.values[i].type);
        EXPECT_EQ(got.values[i].place, wrote.values[i].place);
    }
    EXPECT_EQ(got.values[1].constant, wrote.values[1].constant);
    ASSERT_EQ(got.steps.size(), 1u);
    EXPECT_EQ(got.steps[0].node.attributes, wrote.steps[0].node.attributes);
    EXPECT_EQ(got.steps[0].node.layers, wrote.steps[0].node.layers);
    EXPECT_EQ(got.steps[0].choices, wrote.steps[0].choices);
    EXPECT_EQ(got.arena_bytes, 256);
}

TEST_F(EngineFile, IsTheSameBytesEveryTime) {
    const auto first = bytes();
    write_engine(file_, small_program());
    EXPECT_EQ(bytes(), first);
}

TEST_F(EngineFile, EveryFlippedBitIsAnError) {
    const auto good = bytes();
    std::mt19937 random(1);
    for (int round = 0; round < 1500; ++round) {
        auto bad = good;
        // Every bit of the header and table, then places at random.
        const std::size_t bit = round < 96 * 8 ? static_cast<std::size_t>(round) : random() % (bad.size() * 8);
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        EXPECT_THROW(read(bad), Error) << "bit " << bit;
    }
}

TEST_F(EngineFile, TruncatedOrForeignIsAnErrorThatSaysSo) {
    const auto good = bytes();
    const auto message = [](const std::vector<char>& b) {
        try {
            read(b);
        } catch (const Error& e) {
            return std::string(e.what());
        }
        return std::string("no error");
    };
    for (std::size_t n : {8ul, 20ul, 40ul, 100ul, 4096ul, good.size() - 1}) EXPECT_NE(message({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)}).find("damaged"), std::string::npos) << n;
    EXPECT_NE(message({}).find("not an engine"), std::string::npos);
    EXPECT_NE(message({'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0}).find("not an engine"), std::string::npos);
    EXPECT_NE(message({'f', 't', 'r', 't', 0, 0, 0, 0}).find("an engine of TensorRT"), std::string::npos);
    auto longer = good;
    longer.push_back(0);
    EXPECT_NE(message(longer).find("damaged"), std::string::npos);
    auto other = good;
    other[8] = 9;
    EXPECT_NE(message(other).find("format version 9"), std::string::npos);
}

// A program that lies, in a file whose checksums hold.
TEST_F(EngineFile, HostileProgramIsAnError) {
    const std::vector<std::pair<std::string, void (*)(Program&)>> lies{
        {"wrong type of a result", [](Program& p) { p.values[2].type = parse_type("f32[N,50]"); p.values[3].type = parse_type("f32[50*N]"); p.arena_bytes = 4096; }},
        {"constant of another shape", [](Program& p) { p.values[1].type = parse_type("f32[3,500]"); }},
        {"view of itself", [](Program& p) { p.values[3].of = ValueId{3}; }},
        {"view larger than its value", [](Program& p) { p.values[3].type = parse_type("f32[500*N]"); }},
        {"value id out of range", [](Program& p) { p.steps[0].node.inputs[0] = ValueId{77}; }},
        {"reads what is not computed yet", [](Program& p) { p.steps[0].node.inputs[0] = ValueId{2}; }},
        {"writes a constant", [](Program& p) { p.steps[0].node.outputs[0] = ValueId{1}; }},
        {"output out of range", [](Program& p) { p.outputs[0].value = ValueId{-5}; }},
        {"unknown operator", [](Program& p) { p.steps[0].node.op = "Explode"; }},
        {"unknown tactic", [](Program& p) { p.steps[0].choices[0].tactic = "magic"; }},
        {"tactic that refuses", [](Program& p) { p.isa = host_isa(); p.steps[0].choices.fill({"cpu/softmax_f32", {}}); }},
        {"variant that the tactic does not have", [](Program& p) { p.steps[0].choices[2].variant.rows = 1 << 20; }},
        {"packing without packed weights", [](Program& p) { p.isa = {Isa::Level::baseline}; p.steps[0].packing = "panels 4"; p.steps[0].choices.fill({"cpu/matmul_f32", {.rows = 1, .cols = 4, .tile = 1}}); p.profile["N"] = {1, 1, 1}; }},
        {"negative arena", [](Program& p) { p.arena_bytes = -1; p.steps.clear(); p.values.resize(1); p.outputs = {{"out", ValueId{0}}}; }},
        {"slices of samples that meet", [](Program& p) { p.slice = 4; }},
        {"negative slices", [](Program& p) { p.slice = -1; }},
        {"slices, and an output out of range", [](Program& p) { p.slice = 4; p.outputs[0].value = ValueId{99}; }},
        {"profile upside down", [](Program& p) { p.profile["N"] = {4, 2, 1}; }},
        {"size without a profile", [](Program& p) { p.profile.clear(); }},
        {"huge profile", [](Program& p) { p.profile["N"].max = std::int64_t{1} << 60; }},
        {"tail that does not parse", [](Program& p) { p.steps[0].node.attributes.set("tail", std::string("((((")); }},
        {"tail with more inputs than an expression has", [](Program& p) { p.steps[0].node.inputs.insert(p.steps[0].node.inputs.end(), 20, ValueId{1}); p.steps[0].node.attributes.set("tail", std::string("relu(x0)")); p.values[1].type = parse_type("f32[5,5]"); p.values[1].constant = parse_tensor("random[5,5]"); p.values[0].type = parse_type("f32[5,5]"); p.values[2].type = parse_type("f32[5,5]"); p.values[3].type = parse_type("f32[25]"); }},
        {"tail that reads what is left out", [](Program& p) { p.steps[0].node.inputs.push_back(ValueId::none); p.steps[0].node.attributes.set("tail", std::string("add(x0, x1)")); }},
        {"first output left out", [](Program& p) { p.steps[0].node.outputs[0] = ValueId::none; p.outputs[0].value = ValueId{0}; }},
        {"sizes that do not fit at the maximum", [](Program& p) { p.profile["K"] = {3, 3, 4}; p.values[0].type = parse_type("f32[N,K]"); }},
        {"input that is no input", [](Program& p) { p.inputs = {ValueId{1}}; }},
    };
    for (const auto& [name, lie] : lies) {
        Program p = small_program();
        lie(p);
        write_engine(file_, p);
        EXPECT_THROW(read(bytes()), Error) << name;
    }
}

// What the CBOR parser has to be spared, in files whose checksums hold.
TEST_F(EngineFile, HostileEncodingIsAnError) {
    const std::vector<std::pair<std::string, std::string>> encodings{
        {"arrays within arrays", std::string(1 << 20, '\x81')},
        {"maps within maps", std::string(1 << 20, '\xa1')},
        {"strings of unknown length within strings", std::string(1 << 20, '\x7f')},
        {"arrays of unknown length", std::string(1 << 20, '\x9f')},
        {"tags on tags", std::string(1 << 20, '\xc6')},
        {"more elements than fit into memory", std::string("\x9b") + std::string(8, '\xff')},
        {"more bytes than there are", std::string("\x7b") + std::string(8, '\x7f') + "abc"},
        {"a number that is cut off", "\x1b\x01"},
        {"nothing", ""},
        {"a number", "\x01"},
    };
    for (const auto& [name, cbor] : encodings) {
        const std::vector<std::byte> file = testing::engine_bytes(std::as_bytes(std::span(cbor)), {});
        EXPECT_THROW(read_engine({nullptr, file}), Error) << name;
    }
}

TEST_F(EngineFile, NumberThatIsNoneOfItsKindIsAnError) {
    const auto [cbor, weights] = testing::engine_sections(small_program());
    const auto good = json_from_cbor(cbor);
    for (const char* place : {"/arena_bytes", "/values/3/of", "/values/1/constant/at", "/values/1/constant/shape/0", "/profile/N/2",
                              "/steps/0/choices/1/2", "/steps/0/inputs/0", "/inputs/0", "/outputs/0/1"})
        for (const nlohmann::json& number : {nlohmann::json(1e30), nlohmann::json(0.5), nlohmann::json(UINT64_MAX), nlohmann::json("1")}) {
            auto bad = good;
            bad.at(nlohmann::json::json_pointer(place)) = number;
            const auto bytes = nlohmann::json::to_cbor(bad);
            const std::vector<std::byte> file = testing::engine_bytes(std::as_bytes(std::span(bytes)), weights);
            EXPECT_THROW(read_engine({nullptr, file}), Error) << place << " = " << number;
        }
}

}  // namespace
}  // namespace tercet

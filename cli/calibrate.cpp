// SPDX-License-Identifier: Apache-2.0
// tercet calibrate MODEL.onnx
#include "tercet/calibrate.h"

#include "cli/data_options.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <memory>

namespace tercet::cli {
namespace {

struct Options {
    std::filesystem::path model, output = "calibration_cache_8x.cache";
    CalibrationSettings calibration;
    std::string format = "TRT-8503";
    int threads = 0;
    bool json = false;
};

void run(const Options& o) {
    require_file(o.model, "MODEL.onnx");
    if (o.calibration.data.empty()) throw CLI::RequiredError("--calib-data");
    const std::string header = calibration_cache_header(o.format), isa = isa_cap();
    std::vector<std::string> warnings;
    Calibration c;
    {
        ProgressBar bar;
        CalibrationSettings settings = o.calibration;
        settings.threads = o.threads;
        settings.isa = isa;
        settings.progress = [&](const Progress& p) { bar.update(p.what, p.done, p.total); };
        settings.warn = [&](const std::string& line) {
            bar.note("note: " + line);
            warnings.push_back(line);
        };
        c = calibrate(o.model, settings);
    }
    c.header = header;
    write_calibration_cache(o.output, c);
    if (o.json)
        return print_json({{"path", o.output.string()}, {"header", c.header}, {"calibrator", name_of(o.calibration.calibrator)}, {"samples", c.samples}, {"skipped", c.skipped},
                           {"spread", c.spread}, {"tensors", c.scales.size()}, {"warnings", warnings}});
    fmt::print("{}\n  {} tensors, {} of {} samples{}; other samples would change a typical scale by {:.1f} %\n", o.output.string(), c.scales.size(), name_of(o.calibration.calibrator),
               c.samples, c.skipped > 0 ? fmt::format(" ({} left out)", c.skipped) : "", 100 * c.spread);
}

}  // namespace

void add_calibrate(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* verb = app.add_subcommand("calibrate", "find a model's INT8 scales on data, as a calibration cache of TensorRT's format");
    add_file(*verb, o->model, "MODEL.onnx", "--onnx", "the model");
    verb->add_option("-o,--output", o->output, "the cache (calibration_cache_8x.cache)")->type_name("FILE");
    add_calibration_options(*verb, o->calibration);
    verb->add_option("--format", o->format, "the TensorRT that is to read it: TRT-8503 (the default), 8.5.3, 10.3, ...; another version refuses it")->type_name("VERSION");
    verb->add_option("--threads", o->threads, "threads (all)")->check(quiet(CLI::Range(0, 4096)))->type_name("N");
    verb->add_flag("--json", o->json, "one JSON document on standard output");
    verb->footer("Example:\n  tercet calibrate model.onnx --calib-data photos --resize 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225");
    verb->callback([o] { run(*o); });
}

}  // namespace tercet::cli

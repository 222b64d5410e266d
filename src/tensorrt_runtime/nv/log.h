// SPDX-License-Identifier: Apache-2.0
// TensorRT's log: what it said of the calls since the last look. There is one in the process, since TensorRT keeps the first that
// it is given for all of its objects, and writes to it as long as it lives.
#pragma once

#include <NvInferRuntime.h>

#include <mutex>
#include <string>
#include <vector>

namespace tercet::nv {

class Log : public nvinfer1::ILogger {
public:
    void log(Severity severity, const nvinfer1::AsciiChar* line) noexcept override;

    std::string take_errors();  // in one line, the first (which tells most) first; "without a reason" if there are none
    std::vector<std::string> take_warnings();

private:
    std::mutex mutex_;  // TensorRT logs from threads of its own, too
    std::vector<std::string> errors_, warnings_;
};

Log& log();  // lives until the process ends

}  // namespace tercet::nv

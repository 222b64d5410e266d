// SPDX-License-Identifier: Apache-2.0
#include "system/child_process.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace tercet {
namespace {

// Both ends go when a program is executed: the child has only what was duplicated for it.
struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (pipe2(ends, O_CLOEXEC) != 0) throw Error({.what = fmt::format("no pipe can be made ({})", std::strerror(errno)), .fix = "close other programs"});
    }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_end(int i) {
        if (ends[i] >= 0) close(ends[i]);
        ends[i] = -1;
    }
};

// A program that is running; ended with this object unless it was waited for.
class Running {
public:
    Running(const std::vector<std::string>& command, int output, int errors) {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
        std::vector<char*> arguments;
        for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const int failure = posix_spawnp(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (failure != 0) throw Error({.what = fmt::format("cannot be started ({})", std::strerror(failure)), .where = command[0], .fix = "give the program's own path"});
    }
    ~Running() {
        if (waited_) return;
        kill(child_, SIGTERM);
        wait();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    ProgramEnd wait() {
        int status = 0;
        while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
        waited_ = true;
        if (WIFSIGNALED(status)) return {.signal = strsignal(WTERMSIG(status))};
        return {.status = WEXITSTATUS(status)};
    }

private:
    pid_t child_ = 0;
    bool waited_ = false;
};

// What a program writes, by whichever of two ways, as long as one is open.
void read_all(Pipe& output, Pipe& errors, const std::function<void(std::string_view chunk, bool is_error)>& take) {
    std::array<pollfd, 2> waiting{pollfd{output.ends[0], POLLIN, 0}, pollfd{errors.ends[0], POLLIN, 0}};
    for (int open = 2; open > 0;) {
        if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < 2; ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
            std::array<char, 4096> chunk;
            const ssize_t n = read(waiting[i].fd, chunk.data(), chunk.size());
            if (n > 0) take({chunk.data(), static_cast<std::size_t>(n)}, i == 1);
            else if (n == 0 || errno != EINTR) {
                waiting[i].fd = -1;
                --open;
            }
        }
    }
}

ProgramEnd run(const std::vector<std::string>& command, const std::function<void(std::string_view chunk, bool is_error)>& take) {
    Pipe output, errors;
    Running program(command, output.ends[1], errors.ends[1]);
    output.close_end(1);
    errors.close_end(1);
    read_all(output, errors, take);
    return program.wait();
}

void check_signal(const ProgramEnd& end, const std::vector<std::string>& command) {
    if (!end.signal.empty()) throw Error({.what = fmt::format("was ended by a signal ({})", end.signal), .where = command[0], .fix = "look whether memory is short"});
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace

ProgramEnd run_program(const std::vector<std::string>& command, const std::function<void(std::string_view line, bool is_error)>& line) {
    std::array<std::string, 2> begun;  // lines whose ends are still to come
    const ProgramEnd end = run(command, [&](std::string_view chunk, bool is_error) {
        std::string& text = begun[is_error];
        text += chunk;
        std::size_t from = 0;
        for (std::size_t to; (to = text.find('\n', from)) != std::string::npos; from = to + 1) line(std::string_view(text).substr(from, to - from), is_error);
        text.erase(0, from);
    });
    for (const bool is_error : {false, true})
        if (!begun[is_error].empty()) line(begun[is_error], is_error);
    return end;
}

void run_shown(const std::vector<std::string>& command) {
    const ProgramEnd end = Running(command, STDERR_FILENO, STDERR_FILENO).wait();
    check_signal(end, command);
    if (end.status != 0) throw Error({.what = fmt::format("failed with exit status {}", end.status), .where = command[0], .fix = "see what it wrote"});
}

std::string output_of_program(const std::vector<std::string>& command) {
    std::string text, complaint;
    const ProgramEnd end = run(command, [&](std::string_view chunk, bool is_error) { (is_error ? complaint : text) += chunk; });
    check_signal(end, command);
    if (end.status != 0) throw Error({.what = last_line(complaint), .where = command[0]});
    return text;
}

}  // namespace tercet

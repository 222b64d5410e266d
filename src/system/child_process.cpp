// SPDX-License-Identifier: Apache-2.0
#include "system/child_process.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
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

// Reads both to their ends, whichever has something.
void read_all(Pipe& a, std::string& text_a, Pipe& b, std::string& text_b) {
    std::array<pollfd, 2> waiting{pollfd{a.ends[0], POLLIN, 0}, pollfd{b.ends[0], POLLIN, 0}};
    const std::array<std::string*, 2> texts{&text_a, &text_b};
    for (int open = 2; open > 0;) {
        if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < 2; ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
            std::array<char, 4096> chunk;
            const ssize_t n = read(waiting[i].fd, chunk.data(), chunk.size());
            if (n > 0) texts[i]->append(chunk.data(), static_cast<std::size_t>(n));
            else if (n == 0 || errno != EINTR) {
                waiting[i].fd = -1;
                --open;
            }
        }
    }
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

}  // namespace

std::string output_of_program(const std::vector<std::string>& command) {
    Pipe output, errors;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output.ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors.ends[1], STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failure = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) throw Error({.what = fmt::format("cannot be started ({})", std::strerror(failure)), .where = command[0], .fix = "give the program's own path"});
    output.close_end(1);
    errors.close_end(1);
    std::string text, complaint;
    read_all(output, text, errors, complaint);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) throw Error({.what = fmt::format("was ended by a signal ({})", strsignal(WTERMSIG(status))), .where = command[0], .fix = "look whether memory is short"});
    if (WEXITSTATUS(status) != 0) throw Error({.what = last_line(complaint), .where = command[0]});
    return text;
}

}  // namespace tercet

/// Visits every interleaving of a few processes, with every choice and every crash.
///
/// A process is a fiber that runs real code. It hands over before each operation on shared bytes,
/// so the explorer decides who goes next, or who dies there. All that changes lies in one block of
/// memory, stacks included: the explorer copies the block before it tries an alternative and puts
/// it back for the next one. States that were seen before are not explored again: a state is the
/// shared bytes, and for each process the results of all its operations since it last was at rest,
/// which is all that its local state can depend on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory.hpp"

namespace tensor_ipc::model {

inline constexpr int kProcesses = 3;
inline constexpr std::size_t kScenarioBytes = 640;

/// What the explorer asks of a scenario. Its own state lies in `scenario_bytes()`.
struct Scenario {
    void (*begin)();                   ///< sets up the state before anyone runs
    void (*run)(int process);          ///< the life of a process; again, at any time after a crash
    void (*on_death)(int process);     ///< what the kernel does then
    void (*rebase)(const View& base);  ///< Memory::rebase for the views that it keeps
    void (*add_to)(Digest& digest);    ///< what is not in the memory
};

struct Bounds {
    int crashes = 1;
    std::uint64_t states = 0;  ///< give up beyond so many; 0 is never
};

struct Explored {
    const char* violation = nullptr;  ///< the property that broke
    bool complete = false;
    std::uint64_t states = 0;
    std::uint64_t transitions = 0;
    std::uint64_t ends = 0;  ///< final states
    int depth = 0;
};

[[nodiscard]] Explored explore(const Scenario& scenario, const Bounds& bounds);

/// Prints what led to the violation, one operation a line.
void print_trace();

// For the code that runs in a process.

[[nodiscard]] void* scenario_bytes() noexcept;
[[nodiscard]] Memory& memory() noexcept;
[[nodiscard]] int running() noexcept;  ///< the process
[[nodiscard]] View& view_of(int process) noexcept;

/// Hands over. What follows, up to the next call, is one step.
void step(const char* what, std::uint64_t detail = 0) noexcept;

/// A line of the trace about the step under way.
void note_result(const char* what, std::uint64_t detail) noexcept;

/// Whether a process that waits may go on.
using Gate = bool (*)(int process);

/// Hands over until `gate` lets the process go on.
void step_when(Gate gate, const char* what) noexcept;

/// Takes each of 0 to count - 1 in turn; nobody else runs in between.
[[nodiscard]] int choose(int count) noexcept;

/// What a process learned in its step.
void learn(std::uint64_t value) noexcept;

/// Told before each load that is weaker than seq_cst. The first one at a place starts the
/// exploration again, with the messages kept that such loads may read.
void admit_weak_loads(int place) noexcept;

/// What the process has learned so far; to go back to by `rest` where what it learned since then
/// matters in one respect only, which it learns once more.
[[nodiscard]] Digest learned() noexcept;

/// The process is at rest: what it knows is all in
/// `digest`.
void rest(const Digest& digest) noexcept;

/// A property is broken. Does not return.
[[noreturn]] void violate(const char* property) noexcept;

inline void require(bool holds, const char* property) noexcept
{
    if (!holds) {
        violate(property);
    }
}

/// Whether this process has not ended.
[[nodiscard]] bool is_alive(int process) noexcept;

}  // namespace tensor_ipc::model

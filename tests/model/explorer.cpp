#include "explorer.hpp"

#include <cstdio>
#include <cstring>
#include <vector>

#include <ucontext.h>

#include "state_set.hpp"

namespace tensor_ipc::model {

namespace {

constexpr std::size_t kStackBytes = 10 * 1024;
constexpr std::size_t kTraceLength = 4096;

enum class Status : std::uint8_t { Ready, Ended };

struct Process {
    ucontext_t context;
    View view;
    Digest learned;
    std::byte* top;  ///< of its stack; what lies below is not in use
    Gate gate;       ///< when set, waits for it
    Status status;
    std::uint8_t life;
};

/// All that changes while the model runs, beside the memory and the stacks.
struct World {
    alignas(64) std::byte scenario[kScenarioBytes];
    Process processes[kProcesses];
    const char* violation;
    int running;
    int choices;  ///< when not 0, the running process wants a number below
    int chosen;
    int crashes_left;
    std::uint32_t trace_length;
};

struct Line {
    const char* what;
    std::uint64_t detail;
    std::uint8_t process;
    std::uint8_t life;
};

// All at one address for ever: stacks hold pointers into themselves.
World world;
Memory shared;
alignas(64) std::byte stacks[kProcesses][kStackBytes];
ucontext_t explorer_context;
const Scenario* scenario = nullptr;
bool has_to_start_again = false;
Line trace[kTraceLength];

Process& me()
{
    return world.processes[world.running];
}

void note(int process, const char* what, std::uint64_t detail)
{
    if (world.trace_length < kTraceLength) {
        trace[world.trace_length++] = {what, detail, static_cast<std::uint8_t>(process),
                                       world.processes[process].life};
    }
}

/// The compiler keeps nothing of the callers below this frame, so their stacks end here; a few
/// bytes more are for the call of swapcontext.
[[gnu::noinline]] void hand_over()
{
    me().top = static_cast<std::byte*>(__builtin_frame_address(0)) - 256;
    swapcontext(&me().context, &explorer_context);
}

void live()
{
    scenario->run(world.running);
    me().status = Status::Ended;
    hand_over();
}

void start(int index)
{
    Process& process = world.processes[index];
    process.view = View{};
    process.learned = Digest{};
    process.gate = nullptr;
    process.status = Status::Ready;
    ++process.life;
    getcontext(&process.context);
    process.context.uc_stack.ss_sp = stacks[index];
    process.context.uc_stack.ss_size = kStackBytes;
    process.context.uc_link = nullptr;
    makecontext(&process.context, &live, 0);
    world.running = index;
    swapcontext(&explorer_context, &process.context);  // up to its first step
}

bool can_run(int index)
{
    const Process& process = world.processes[index];
    return process.status == Status::Ready && (process.gate == nullptr || process.gate(index));
}

enum class Move : std::uint8_t { Run, Die };

struct Alternative {
    Move move;
    std::uint8_t process;
};

struct Alternatives {
    Alternative list[2 * kProcesses];
    int count = 0;

    void add(Move move, int process) { list[count++] = {move, static_cast<std::uint8_t>(process)}; }
};

Alternatives alternatives()
{
    Alternatives found;
    if (world.choices > 0) {
        found.count = world.choices;
        return found;
    }
    for (int i = 0; i < kProcesses; ++i) {
        if (can_run(i)) {
            found.add(Move::Run, i);
        }
    }
    const bool nobody_runs = found.count == 0;
    for (int i = 0; i < kProcesses && world.crashes_left > 0 && !nobody_runs; ++i) {
        if (world.processes[i].status == Status::Ready) {
            found.add(Move::Die, i);
        }
    }
    return found;
}

void resume(int index)
{
    world.running = index;
    swapcontext(&explorer_context, &world.processes[index].context);
}

void take(const Alternatives& from, int which)
{
    if (world.choices > 0) {
        world.choices = 0;
        world.chosen = which;
        resume(world.running);
        return;
    }
    const Alternative& chosen = from.list[which];
    if (chosen.move == Move::Run) {
        world.processes[chosen.process].gate = nullptr;
        resume(chosen.process);
        return;
    }
    --world.crashes_left;
    note(chosen.process, "is killed", 0);
    scenario->on_death(chosen.process);
    start(chosen.process);
}

/// What every living process has seen, nobody need remember. A process that starts later may read
/// whatever some living one may still read.
void forget()
{
    View base;
    base.fill(UINT8_MAX);
    bool any = false;
    for (int i = 0; i < kProcesses; ++i) {
        const Process& process = world.processes[i];
        if (process.status == Status::Ready) {
            for (int place = 0; place < kAtomics; ++place) {
                const std::uint8_t oldest = shared.oldest(i, process.view, place);
                base[place] = oldest < base[place] ? oldest : base[place];
            }
            any = true;
        }
    }
    if (!any) {
        return;
    }
    bool some = false;
    for (int place = 0; place < kAtomics; ++place) {
        some = some || base[place] > 0;
    }
    if (some) {
        shared.forget(base);
        for (Process& process : world.processes) {
            Memory::rebase(process.view, base);
        }
        scenario->rebase(base);
    }
}

Digest digest()
{
    Digest digest;
    shared.add_to(digest);
    for (const Process& process : world.processes) {
        digest.add(process.learned.high);
        digest.add(process.learned.low);
        digest.add(static_cast<std::uint64_t>(process.status) << 8U |
                   (process.gate != nullptr ? 1U : 0U));
        if (process.status == Status::Ready) {
            shared.add_view(process.view, digest);
        }
    }
    digest.add(static_cast<std::uint64_t>(world.crashes_left));
    scenario->add_to(digest);
    return digest;
}

/// One decision that was taken, and the world before it.
struct Node {
    std::vector<std::byte> before;
    Alternatives options;
    int next = 1;
};

void save(std::vector<std::byte>& bytes)
{
    const auto put = [&bytes](const std::byte* first, const std::byte* last) {
        bytes.insert(bytes.end(), first, last);
    };
    bytes.clear();
    const auto* first = reinterpret_cast<const std::byte*>(&world);
    put(first, first + sizeof world);
    shared.save(bytes);
    for (int i = 0; i < kProcesses; ++i) {
        put(world.processes[i].top, stacks[i] + kStackBytes);
    }
}

void restore(const std::vector<std::byte>& bytes)
{
    const std::byte* from = bytes.data();
    std::memcpy(static_cast<void*>(&world), from, sizeof world);
    from = shared.restore(from + sizeof world);
    for (int i = 0; i < kProcesses; ++i) {
        const auto size =
            static_cast<std::size_t>(stacks[i] + kStackBytes - world.processes[i].top);
        std::memcpy(world.processes[i].top, from, size);
        from += size;
    }
}

void begin(const Scenario& chosen, const Bounds& bounds)
{
    scenario = &chosen;
    std::memset(static_cast<void*>(&world), 0, sizeof world);
    shared.reset();
    world.crashes_left = bounds.crashes;
    scenario->begin();
    for (int i = 0; i < kProcesses; ++i) {
        start(i);
    }
}

/// Goes back to the last decision that has an alternative left. False when there is none.
bool go_back(std::vector<Node>& path, std::size_t& depth)
{
    while (depth > 0 && path[depth - 1].next == path[depth - 1].options.count) {
        --depth;
    }
    if (depth == 0) {
        return false;
    }
    Node& node = path[depth - 1];
    restore(node.before);
    take(node.options, node.next++);
    return true;
}

Explored explore_all(const Scenario& chosen, const Bounds& bounds)
{
    begin(chosen, bounds);
    StateSet seen;
    std::vector<Node> path;
    std::size_t depth = 0;
    Explored result;
    for (;;) {
        ++result.transitions;
        if (has_to_start_again) {
            return result;
        }
        if (world.violation != nullptr) {
            result.violation = world.violation;
            return result;
        }
        bool is_new = true;
        if (world.choices == 0) {
            forget();
            is_new = seen.add(digest());
            result.states += is_new ? 1 : 0;
        }
        const Alternatives options = alternatives();
        if (is_new && options.count == 0) {
            ++result.ends;
            for (const Process& process : world.processes) {
                if (process.status == Status::Ready) {
                    result.violation = "nobody waits for ever";
                    return result;
                }
            }
        }
        if (bounds.states != 0 && result.states >= bounds.states) {
            return result;
        }
        if (!is_new || options.count == 0) {
            if (!go_back(path, depth)) {
                result.complete = true;
                return result;
            }
            continue;
        }
        if (options.count > 1) {
            if (depth == path.size()) {
                path.emplace_back();
            }
            Node& node = path[depth++];
            save(node.before);
            node.options = options;
            node.next = 1;
            result.depth =
                static_cast<int>(depth) > result.depth ? static_cast<int>(depth) : result.depth;
        }
        take(options, 0);
    }
}

}  // namespace

void admit_weak_loads(int place) noexcept
{
    if (Memory::admit_weak_loads(world.running, place)) {
        has_to_start_again = true;
    }
}

Explored explore(const Scenario& chosen, const Bounds& bounds)
{
    Memory::expect_no_weak_loads();
    Explored result;
    do {
        has_to_start_again = false;
        result = explore_all(chosen, bounds);
    } while (has_to_start_again);
    return result;
}

void print_trace()
{
    static constexpr const char* kNames[kProcesses] = {"producer", "consumer A", "consumer B"};
    for (std::uint32_t i = 0; i < world.trace_length; ++i) {
        const Line& line = trace[i];
        std::printf("  %-10s life %u: %s %lld\n", kNames[line.process], line.life, line.what,
                    static_cast<long long>(line.detail));
    }
}

void* scenario_bytes() noexcept
{
    return world.scenario;
}

Memory& memory() noexcept
{
    return shared;
}

int running() noexcept
{
    return world.running;
}

View& view_of(int process) noexcept
{
    return world.processes[process].view;
}

void step(const char* what, std::uint64_t detail) noexcept
{
    hand_over();
    learn(1);
    note(world.running, what, detail);
}

void note_result(const char* what, std::uint64_t detail) noexcept
{
    note(world.running, what, detail);
}

void step_when(Gate gate, const char* what) noexcept
{
    me().gate = gate;
    step(what);
}

int choose(int count) noexcept
{
    world.choices = count;
    hand_over();
    learn(static_cast<std::uint64_t>(world.chosen));
    return world.chosen;
}

void learn(std::uint64_t value) noexcept
{
    me().learned.add(value);
}

Digest learned() noexcept
{
    return me().learned;
}

void rest(const Digest& digest) noexcept
{
    me().learned = digest;
}

void violate(const char* property) noexcept
{
    world.violation = property;
    for (;;) {
        hand_over();
    }
}

bool is_alive(int process) noexcept
{
    return world.processes[process].status == Status::Ready;
}

}  // namespace tensor_ipc::model

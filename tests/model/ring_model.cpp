/// ring_model SCENARIO [OPTION...]: explores one scenario and says what it found.
///
///   frames, wake          the scenario
///   --puts N              frames that the producer tries to publish, over all its lives
///   --gets A,B            gets of the two consumers, over all their lives
///   --crashes N           processes that are killed, anywhere
///   --loans               every other put is two loans, the first published last or abandoned
///   --device              a device writes and commits, in place of consumer A; without crashes
///   --one-frame           of history: the producer takes slots in no order
///   --brisk               frames come fast: the producer of --one-frame goes round its slots
///   --by-scan             consumers also look through the slots for the newest frame
///   --states N            give up beyond so many states
///
/// Ends with 0 when no property was broken, 1 when one was, 2 when the bounds were not reached.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "frames_model.hpp"
#include "wake_model.hpp"

namespace {

namespace model = tensor_ipc::model;

struct Asked {
    model::FramesBounds frames;
    model::Bounds bounds;
    bool is_understood = true;
};

Asked read_options(int count, char** options)
{
    Asked asked;
    for (int i = 0; i < count; ++i) {
        const std::string_view option = options[i];
        const bool has_value = i + 1 < count;
        if (option == "--loans") {
            asked.frames.loans = true;
        } else if (option == "--device") {
            asked.frames.device = true;
        } else if (option == "--one-frame") {
            asked.frames.one_frame = true;
        } else if (option == "--brisk") {
            asked.frames.brisk = true;
        } else if (option == "--by-scan") {
            asked.frames.by_scan = true;
        } else if (option == "--puts" && has_value) {
            asked.frames.puts = std::atoi(options[++i]);
        } else if (option == "--crashes" && has_value) {
            asked.bounds.crashes = std::atoi(options[++i]);
        } else if (option == "--states" && has_value) {
            asked.bounds.states = std::strtoull(options[++i], nullptr, 10);
        } else if (option == "--gets" && has_value) {
            asked.is_understood &=
                std::sscanf(options[++i], "%d,%d", &asked.frames.gets_a, &asked.frames.gets_b) == 2;
        } else {
            asked.is_understood = false;
        }
    }
    asked.is_understood &= !asked.frames.device || asked.bounds.crashes == 0;
    return asked;
}

}  // namespace

int main(int argc, char** argv)
{
    const std::string_view name = argc > 1 ? argv[1] : "";
    const Asked asked = read_options(argc - 2, argv + 2);
    if ((name != "frames" && name != "wake") || !asked.is_understood) {
        std::fputs(
            "usage: ring_model frames|wake [--puts N] [--gets A,B] [--crashes N] [--loans] "
            "[--device] [--one-frame] [--brisk] [--by-scan] [--states N]\n",
            stderr);
        return 3;
    }
    const model::Scenario scenario = name == "frames" ? model::frames_scenario(asked.frames)
                                                      : model::wake_scenario(asked.frames.puts);
    const model::Explored found = model::explore(scenario, asked.bounds);
    std::printf("%llu states, %llu transitions, %llu ends\n",
                static_cast<unsigned long long>(found.states),
                static_cast<unsigned long long>(found.transitions),
                static_cast<unsigned long long>(found.ends));
    if (found.violation != nullptr) {
        std::printf("BROKEN: %s\n", found.violation);
        model::print_trace();
        return 1;
    }
    if (!found.complete) {
        std::puts("gave up before the end");
        return 2;
    }
    std::puts("no property was broken");
    return 0;
}

/// One process that makes device memory and others that open it, for tests whose own process never
/// loads CUDA.
#pragma once

#include <atomic>
#include <functional>

#include "cuda_test.hpp"

namespace tensor_ipc::cuda::testing {

using tensor_ipc::testing::Channel;
using tensor_ipc::testing::ChildProcess;
using tensor_ipc::testing::hang_deadline_ns;
using tensor_ipc::testing::kKilled;
using tensor_ipc::testing::SharedWithChildren;

/// What creator and openers tell each other.
struct Board {
    MemoryTicket ticket{};
    std::atomic<int> published{0};
};

using Creator = std::function<int(const Bench&, DeviceMemory&, const Channel&)>;

/// Settings of one process. They end with it.
inline void set(Settings::Pairs settings)
{
    for (const auto& [name, value] : settings) {
        ::setenv(name, value.c_str(), 1);
    }
}

/// A process that makes one allocation of `kind`, puts its ticket on the board, says 'r' and goes
/// on with `then`.
class CreatorProcess : public ChildProcess {
public:
    CreatorProcess(Board& board, MemoryKind kind, Settings::Pairs settings, const Creator& then)
        : ChildProcess([&](const Channel& parent) {
              set(settings);
              const Bench bench;
              const auto memory = must(DeviceMemory::create(bench.context, kind, 1));
              board.ticket = must(memory->share(0600));
              bench.fill(*memory, kFirst);
              CHILD_REQUIRE(bench.stream.synchronize(bench.current));
              parent.say('r');
              return then(bench, *memory, parent);
          })
    {
        if (channel().hear() != 'r') {
            throw std::runtime_error("the creator did not come so far");
        }
    }

    /// What is in the memory at first.
    static constexpr unsigned char kFirst = 0x11;
};

/// Stays until it is told to go.
inline int stay(const Bench& /*bench*/, DeviceMemory& /*memory*/, const Channel& parent)
{
    static_cast<void>(parent.hear());
    return 0;
}

/// Opens the memory of `ticket` on whatever number its device has here.
[[nodiscard]] inline Result<std::shared_ptr<const DeviceMemory>> open(const MemoryTicket& ticket)
{
    const Driver& driver = the_driver();
    const auto device = find_device(driver, ticket.device);
    if (!device) {
        return device.error();
    }
    return import_memory(must(PrimaryContext::retain(driver, device.value())), ticket,
                         hang_deadline_ns());
}

/// Runs `body` in a process of its own and returns its exit status.
inline int in_child(const std::function<int()>& body)
{
    ChildProcess child([&](const Channel&) { return body(); });
    return child.wait();
}

/// Fails when a test leaves a socket behind.
class TwoProcesses : public ::testing::Test {
protected:
    void TearDown() override
    {
        remove_leftover(board_->ticket);
        EXPECT_NE(::access(socket_path(board_->ticket.id).c_str(), F_OK), 0);
    }

    SharedWithChildren<Board> board_;
};

/// The same with memory of each kind.
class OfEachKind : public TwoProcesses, public ::testing::WithParamInterface<MemoryKind> {};

/// For INSTANTIATE_TEST_SUITE_P.
inline auto each_kind()
{
    return ::testing::Values(MemoryKind::Ipc, MemoryKind::Vmm);
}

inline std::string kind_name(const ::testing::TestParamInfo<MemoryKind>& kind)
{
    return kind.param == MemoryKind::Ipc ? "Ipc" : "Vmm";
}

}  // namespace tensor_ipc::cuda::testing

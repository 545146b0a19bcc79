#include "fuzz/leftover.hpp"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "support/own_namespace.hpp"
#include "tensor_ipc/memory/host_ring.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/ring/frame_writer.hpp"

namespace tensor_ipc::fuzz {

namespace {

class NobodyDies final : public ConsumerLiveness {
public:
    bool lock_if_dead(std::uint32_t) noexcept override { return false; }

    void unlock(std::uint32_t) noexcept override {}
};

}  // namespace

PoolPlan next_plan(FuzzInput& input, const std::string& pool_name)
{
    static const bool entered = (testing::enter_own_namespace(), true);
    FUZZ_REQUIRE(entered);
    PoolPlan plan;
    plan.metadata.name = pool_name;
    plan.metadata.dtype = *dtype_from_name("uint8");
    plan.metadata.history_len = 1 + input.below(4);
    plan.metadata.shape = {1 + input.number<std::uint16_t>() % 8000};
    plan.options.spare = 2 + input.below(2);
    const std::uint8_t choice = input.byte();
    plan.options.memory_order =
        (choice & 1U) != 0 ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
    plan.metadata.varying_extent = (choice & 2U) != 0;
    plan.frames = input.below(10);
    return plan;
}

std::string path_of(const std::string& pool_name)
{
    const auto name = segment_name_of(pool_name);
    FUZZ_REQUIRE(name);
    return "/dev/shm/" + *name;
}

Leftover::Leftover(const PoolPlan& plan) : path_(path_of(plan.metadata.name))
{
    auto segment = open_for_producer(plan.metadata, plan.options);
    FUZZ_REQUIRE(segment);
    geometry_ = segment->geometry;
    NobodyDies liveness;
    FrameWriter writer(RingMemory(segment->control.data(), geometry_), liveness);
    for (std::uint32_t i = 0; i < plan.frames; ++i) {
        const auto slot = writer.claim();
        FUZZ_REQUIRE(slot);
        writer.set_extent(*slot, plan.metadata.varying_extent ? i : 0);
        writer.commit(*slot, 1000 * i, 1000 * i);
    }
    // Not ended: from here on it is what SIGKILL leaves.
    control_ = std::move(segment->control);
    bytes_ = geometry_.payload_offset;
}

Leftover::~Leftover()
{
    ::unlink(path_.c_str());
}

void Leftover::damage(FuzzInput& input)
{
    for (const Edit& edit : next_edits(input, geometry_, bytes_)) {
        write_into(edit, control());
    }
    const std::uint64_t whole = geometry_.segment_bytes;
    std::uint64_t bytes = whole;
    switch (input.byte() % 16U) {
        case 0:
            bytes = input.number<std::uint32_t>() % (whole + 1);
            break;
        case 1:
            bytes = whole + input.byte();
            break;
        case 2:
            bytes = input.byte() * std::uint64_t{64};
            break;
        default:
            return;
    }
    FUZZ_REQUIRE(::truncate(path_.c_str(), static_cast<off_t>(bytes)) == 0);
    bytes_ = std::min(bytes_, bytes);
}

void write_object(const std::string& pool_name, std::span<const std::uint8_t> bytes,
                  std::uint64_t size)
{
    const os::FileDescriptor fd(
        ::open(path_of(pool_name).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    FUZZ_REQUIRE(fd);
    FUZZ_REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) ==
                 static_cast<ssize_t>(bytes.size()));
    FUZZ_REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
}

}  // namespace tensor_ipc::fuzz

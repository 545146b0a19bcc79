/// Producers and consumers of a device pool in processes of their own, for tests whose own process
/// never loads CUDA.
#pragma once

#include "cuda_pool.hpp"
#include "two_processes.hpp"

namespace tensor_ipc::cuda::testing {

using tensor_ipc::testing::hang_deadline_ns;

/// What a process does with its producer.
using Produce = std::function<int(CudaProducer&, DeviceArray&, const Channel&)>;

/// A process that owns pool `name`. It says 'r' when the pool is there, and goes on with `then`.
class PoolProcess : public ChildProcess {
public:
    PoolProcess(const PoolMetadata& metadata, const CudaOptions& options, Settings::Pairs settings,
                const Produce& then)
        : ChildProcess([&](const Channel& parent) {
              set(settings);
              static_cast<void>(the_driver());
              CudaProducer producer = must(CudaProducer::create(metadata, options));
              DeviceArray array(metadata.shape.extents().front(), producer.device().ordinal);
              parent.say('r');
              return then(producer, array, parent);
          })
    {
        if (channel().hear() != 'r') {
            throw std::runtime_error("the producer did not come so far");
        }
    }
};

/// Publishes `value` and waits for it.
inline void put_now(CudaProducer& producer, DeviceArray& array, std::int32_t value)
{
    array.fill(value);
    must(producer.put(array.source()));
    must_do(producer.synchronize());
}

/// Publishes 1, says 'p', and stays until it is told to go.
inline int put_one_and_stay(CudaProducer& producer, DeviceArray& array, const Channel& parent)
{
    put_now(producer, array, 1);
    parent.say('p');
    static_cast<void>(parent.hear());
    return 0;
}

/// The ticket in the header of a pool.
[[nodiscard]] inline MemoryTicket ticket_of_pool(const std::string& name)
{
    return present(open_for_consumer(name)).ticket.value();
}

[[nodiscard]] inline bool has_socket(const MemoryTicket& ticket)
{
    return ::access(socket_path(ticket.id).c_str(), F_OK) == 0;
}

/// What a consumer saw.
struct Seen {
    std::uint64_t frames = 0;
    std::uint64_t torn = 0;   ///< frames of more than one value
    std::uint64_t stale = 0;  ///< frames of another frame's value
};

/// Takes the newest frame and reads it as a kernel would: on a stream, while the frame is already
/// let go of. The value of frame n has to be n + 1.
inline void read_one(Consumer& consumer, DeviceArray& array, Seen& seen)
{
    FrameWindow frame = newest(consumer);
    const auto expected = static_cast<std::int32_t>(frame.info().index + 1);
    array.read(frame.device_address());
    frame.release(array.stream());
    const std::vector<std::int32_t> values = array.values();
    ++seen.frames;
    if (std::ranges::count(values, values.front()) != static_cast<std::ptrdiff_t>(values.size())) {
        ++seen.torn;
    } else if (values.front() != expected) {
        ++seen.stale;
    }
}

/// Fails when a test leaves something in /dev/shm.
class PoolProcesses : public ::testing::TestWithParam<MemoryKind> {
protected:
    /// For the children; nothing is loaded here.
    void SetUp() override { ::setenv("TENSOR_IPC_CUDA_DRIVER", FAKE_CUDA_LIBRARY, 1); }

    void TearDown() override
    {
        EXPECT_EQ(leftovers(), std::vector<std::string>{});
        if (socket_) {
            EXPECT_FALSE(has_socket(*socket_));
            remove_leftover(*socket_);
        }
        remove_leftovers();
    }

    std::string name_ = unique_pool_name();
    std::optional<MemoryTicket> socket_;  ///< set it where a socket may stay
};

}  // namespace tensor_ipc::cuda::testing

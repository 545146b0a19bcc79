/// This library: put or loan, wait and latest, as in the README.
#include "bench/compare/native/harness.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace {

using namespace compare;

template <typename T>
T require(tensor_ipc::Result<T> result)
{
    if (!result) {
        fail(result.error().message);
    }
    return std::move(result).value();
}

tensor_ipc::PoolMetadata metadata_of(const Job& job)
{
    tensor_ipc::PoolMetadata metadata;
    metadata.name = job.name;
    metadata.shape = {static_cast<std::int64_t>(job.frame_bytes)};
    metadata.dtype = *tensor_ipc::dtype_from_name("uint8");
    metadata.history_len = job.kind == "history" ? kHistoryLen : 1;
    return metadata;
}

struct Ours {
    struct Publisher {
        explicit Publisher(const Job& job)
            // So that each consumer can hold a frame.
            : producer(require(tensor_ipc::Producer::create(
                  metadata_of(job), {.spare = std::max(3U, job.consumers + 2)})))
        {
        }

        void put(Frame frame) { require(producer.put(frame)); }

        template <typename Write>
        void fill(Write&& write)
        {
            auto loan = require(producer.loan());
            write(loan.bytes().data());
            loan.publish();
        }

        tensor_ipc::Producer producer;
    };

    struct Subscriber {
        Subscriber(const Job& job, std::uint32_t)
            : consumer(require(tensor_ipc::Consumer::follow(
                  metadata_of(job), {.spin_ns = job.spin ? kPatienceNs : 0})))
        {
        }

        Frame get(std::uint64_t timeout_ns)
        {
            frame.reset();
            const auto outcome =
                require(consumer.wait(consumer.last_index(), monotonic_ns() + timeout_ns));
            if (outcome != tensor_ipc::WaitOutcome::Ready) {
                return {};
            }
            frame = require(consumer.latest());
            return frame ? frame->bytes() : Frame{};
        }

        bool last(std::vector<Frame>& frames)
        {
            window = require(consumer.history(kHistoryLen));
            if (!window || window->count() < kHistoryLen) {
                return false;
            }
            for (std::uint32_t age = 0; age < kHistoryLen; ++age) {
                frames.push_back(window->bytes(age));
            }
            return true;
        }

        tensor_ipc::Consumer consumer;
        std::optional<tensor_ipc::Frame> frame;
        std::optional<tensor_ipc::FrameWindow> window;
    };
};

}  // namespace

int main(int argc, char** argv)
{
    return compare::run<Ours>(argc, argv);
}

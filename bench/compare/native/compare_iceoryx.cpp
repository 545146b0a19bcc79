/// iceoryx: untyped chunks, loaned and published; a wait set, or polling.
#include <iceoryx_hoofs/posix_wrapper/signal_watcher.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

#include "bench/compare/native/harness.hpp"
#include "tensor_ipc/notify/wake_word.hpp"

namespace {

using namespace compare;

iox::RuntimeName_t runtime_name(const Job& job, const std::string& role)
{
    return {iox::cxx::TruncateToCapacity, (job.name + role).c_str()};
}

iox::capro::ServiceDescription service(const Job& job)
{
    return {"compare", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, job.name.c_str()),
            "frames"};
}

/// The runtime has to be there before the first port.
struct Runtime {
    Runtime(const Job& job, const std::string& role)
    {
        iox::runtime::PoshRuntime::initRuntime(runtime_name(job, role));
    }
};

struct Iceoryx {
    struct Publisher {
        explicit Publisher(const Job& job)
            : runtime(job, "p"), publisher(service(job)), frame_bytes(job.frame_bytes)
        {
        }

        void put(Frame frame)
        {
            fill([&](std::byte* chunk) { std::memcpy(chunk, frame.data(), frame.size()); });
        }

        template <typename Write>
        void fill(Write&& write)
        {
            publisher.loan(static_cast<std::uint32_t>(frame_bytes))
                .and_then([&](void* chunk) {
                    write(static_cast<std::byte*>(chunk));
                    publisher.publish(chunk);
                })
                .or_else([](auto&) { fail("iceoryx: no chunk"); });
        }

        Runtime runtime;
        iox::popo::UntypedPublisher publisher;
        std::size_t frame_bytes;
    };

    struct Subscriber {
        Subscriber(const Job& job, std::uint32_t number)
            : runtime(job, "c" + std::to_string(number)),
              subscriber(service(job), options()),
              spins(job.spin),
              frame_bytes(job.frame_bytes)
        {
            if (!spins) {
                waiting.attachState(subscriber, iox::popo::SubscriberState::HAS_DATA)
                    .or_else([](auto) { fail("iceoryx: attachState failed"); });
            }
        }

        ~Subscriber() { release(); }

        Frame get(std::uint64_t timeout_ns)
        {
            release();
            const std::uint64_t until = monotonic_ns() + timeout_ns;
            for (;;) {
                subscriber.take().and_then([&](const void* payload) { chunk = payload; });
                if (chunk != nullptr) {
                    return {static_cast<const std::byte*>(chunk), frame_bytes};
                }
                const std::uint64_t now = monotonic_ns();
                if (now > until) {
                    return {};
                }
                if (spins) {
                    tensor_ipc::relax_processor();
                } else {
                    waiting.timedWait(iox::units::Duration::fromNanoseconds(until - now));
                }
            }
        }

        void release()
        {
            if (chunk != nullptr) {
                subscriber.release(chunk);
                chunk = nullptr;
            }
        }

        /// Newest frames count; a deep queue would only make them old.
        static iox::popo::SubscriberOptions options()
        {
            iox::popo::SubscriberOptions options;
            options.queueCapacity = 2;
            return options;
        }

        Runtime runtime;
        iox::popo::UntypedSubscriber subscriber;
        iox::popo::WaitSet<> waiting;
        const void* chunk = nullptr;
        bool spins;
        std::size_t frame_bytes;
    };
};

}  // namespace

int main(int argc, char** argv)
{
    return compare::run<Iceoryx>(argc, argv);
}

/// A consumer in a process of its own that sleeps until there is a frame, and tells which it saw.
#pragma once

#include <atomic>
#include <thread>

#include "crash_pool.hpp"

namespace tensor_ipc::testing {

class Sleeper {
public:
    explicit Sleeper(const PoolMetadata& metadata)
        : process_([&](const Channel& parent) {
              parent.say('s');
              return run(metadata);
          })
    {
        static_cast<void>(process_.channel().hear());
    }

    /// Waits until the frame with this token was in its hands. It pins nothing then.
    [[nodiscard]] bool saw(std::uint64_t token) const
    {
        const std::uint64_t deadline = hang_deadline_ns();
        while (*token_ != token && os::monotonic_ns() < deadline) {
            std::this_thread::yield();
        }
        return *token_ == token;
    }

    /// When it had the frame of the last `saw()` in its hands.
    [[nodiscard]] std::uint64_t seen_ns() const { return *seen_ns_; }

    [[nodiscard]] std::uint64_t torn() const { return *torn_; }

private:
    [[noreturn]] int run(const PoolMetadata& metadata) const
    {
        for (;;) {
            auto consumer = Consumer::follow(metadata);  // fails while the leftover is another
            while (consumer && consumer->wait(consumer->last_index())) {
                take(*consumer);
            }
            std::this_thread::yield();
        }
    }

    void take(Consumer& consumer) const
    {
        std::uint64_t token = 0;
        if (const auto frame = consumer.latest(); frame && *frame) {
            *seen_ns_ = os::monotonic_ns();
            token = token_of((*frame)->bytes()).value_or(0);
            *torn_ += token == 0 ? 1 : 0;
        }
        *token_ = token;  // told when the frame is dropped: we then pin nothing
    }

    SharedWithChildren<std::atomic<std::uint64_t>> token_;
    SharedWithChildren<std::atomic<std::uint64_t>> seen_ns_;
    SharedWithChildren<std::atomic<std::uint64_t>> torn_;
    ChildProcess process_;
};

}  // namespace tensor_ipc::testing

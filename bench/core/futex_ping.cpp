/// Times of bare futex pings between two processes, one a line, in ns.
///
///   tensor_ipc_futex_ping COUNT PAUSE_US
#include <cstdio>
#include <cstdlib>

#include "bench/core/ping.hpp"

namespace {

struct Exchange {
    tensor_ipc::bench::BareWord bare;
    alignas(64) std::atomic<std::uint32_t> turn{0};
};

}  // namespace

int main(int argc, char** argv)
{
    using namespace tensor_ipc;
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s COUNT PAUSE_US\n", argv[0]);
        return 2;
    }
    const auto count = static_cast<std::uint32_t>(std::atoi(argv[1]));
    const auto pause_us = static_cast<useconds_t>(std::atoi(argv[2]));
    auto& exchange = bench::shared<Exchange>();
    const bench::Child child([&] {
        for (std::uint32_t i = 0; i < count; ++i) {
            exchange.turn.fetch_add(1, std::memory_order_release);
            exchange.bare.sleep(i);
            const std::uint64_t now = os::monotonic_ns();
            std::printf("%llu\n",
                        static_cast<unsigned long long>(now - exchange.bare.sent_ns.load()));
        }
        std::fflush(stdout);
    });
    for (std::uint32_t i = 0; i < count; ++i) {
        bench::await(exchange.turn, i + 1);
        ::usleep(pause_us);
        exchange.bare.wake();
    }
    return 0;
}

/// What it costs to find out that a consumer wrote to nothing.
#include <benchmark/benchmark.h>

#include "bench/core/pools.hpp"
#include "tensor_ipc/os/os.hpp"
#include "tensor_ipc/pool/private_window.hpp"

namespace tensor_ipc::bench {

namespace {

/// The look for private pages of one frame that was read from end to end and written nowhere.
void look_for_private_pages(benchmark::State& state)
{
    WarmPool pool(state.range(0));
    Consumer consumer = pool.consumer();
    const auto window =
        std::make_shared<const FrameWindow>(std::move(*require(consumer.latest())).into_window());
    // Holds the mapping, and has been read, so that its pages are there to be looked at.
    const PrivateWindow held = require(PrivateWindow::over(window));
    std::uint64_t sum = 0;
    for (const std::byte byte : held.bytes()) {
        sum += std::to_integer<std::uint64_t>(byte);
    }
    benchmark::DoNotOptimize(sum);
    const os::PrivatePages pages;
    const std::uint64_t page = os::page_bytes();
    std::byte* begin = held.bytes().data() - kHeadroomBytes;
    const std::uint64_t bytes = (held.bytes().size() + kHeadroomBytes + page - 1) / page * page;
    for (auto _ : state) {
        pages.drop(begin, bytes);
    }
}

BENCHMARK(look_for_private_pages)
    ->ArgName("bytes")
    ->Arg(kStateBytes)
    ->Arg(kVgaBytes)
    ->Arg(kFullHdBytes)
    ->Arg(kUltraHdBytes);

}  // namespace

}  // namespace tensor_ipc::bench

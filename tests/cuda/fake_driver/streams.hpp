/// Streams and events: who works on what, in which order.
#pragma once

namespace fake_cuda {

struct StreamCounts {
    int streams;
    int events;
};

StreamCounts stream_counts();

/// Waits until no stream of this process has anything to do.
void drain_streams();

}  // namespace fake_cuda

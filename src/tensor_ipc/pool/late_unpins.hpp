/// What happens to a pinned frame that is dropped while a GPU still copies from it: it stays as it
/// is until the copy is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor_ipc/cuda/stream.hpp"

namespace tensor_ipc {

class Attachment;

/// Drops pins of one attachment in stream order. A copy from registered memory goes on after the
/// call that asked for it, and after the frame was dropped: `get().to("cuda", non_blocking=True)`.
///
/// Waited for, by the device, never by a thread: all that the default stream, and the streams that
/// wait for it, have to do when the frame is dropped, and the streams of add_stream(). Thread-safe.
class LateUnpins {
public:
    [[nodiscard]] static Result<std::unique_ptr<LateUnpins>> create(cuda::ContextRef context,
                                                                    Attachment& attachment);

    LateUnpins(const LateUnpins&) = delete;
    LateUnpins& operator=(const LateUnpins&) = delete;
    LateUnpins(LateUnpins&&) = delete;
    LateUnpins& operator=(LateUnpins&&) = delete;
    ~LateUnpins();

    /// Waits for what `stream` has to do too, from now on. It has to live as long as this.
    /// @return CudaFailed when it is no stream of this context's device
    [[nodiscard]] Result<void> add_stream(cuda::StreamHandle stream);

    /// Unpins `count` slots that end with `newest` when the device has come so far. Where the
    /// driver refuses that (a capture in progress, a broken context), they stay pinned until the
    /// attachment goes.
    void unpin(std::uint32_t newest, std::uint32_t count) noexcept;

    /// Waits until all of them are unpinned. Blocking.
    /// @return whether the driver is done with this object; if not, nothing here may be freed
    [[nodiscard]] bool settle() noexcept;

private:
    /// One call of unpin(), for the driver's thread.
    struct Record {
        LateUnpins* whose;
        std::uint32_t newest;
        std::uint32_t count;
        Record* next;
    };

    /// A stream that may copy from frames, and the event that marks places in its order.
    struct Source {
        cuda::StreamHandle stream;
        cuda::Event event;
    };

    LateUnpins(cuda::ContextRef context, cuda::Stream stream, Attachment& attachment) noexcept;

    [[nodiscard]] Record* take_record() noexcept;
    void give_back(Record* record) noexcept;
    [[nodiscard]] Result<void> follow(const cuda::CurrentContext& current,
                                      const Source& source) const;
    [[nodiscard]] Result<void> ask(const cuda::CurrentContext& current, Record* record) const;
    static void carry_out(void* argument);

    cuda::ContextRef context_;
    cuda::Stream stream_;  ///< ours: the user's is not held up by the call of carry_out()
    Attachment& attachment_;
    std::mutex mutex_;  ///< over what follows, and the order of work on stream_
    std::vector<Source> sources_;
    Record* free_ = nullptr;
    std::atomic<Record*> done_{nullptr};  ///< pushed by the driver's thread, taken all at once
};

}  // namespace tensor_ipc

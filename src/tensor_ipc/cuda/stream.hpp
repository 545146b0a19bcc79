/// Work that the device does later, in order: streams of our own, events, and what may be asked of
/// the streams of others.
#pragma once

#include <cstdint>
#include <utility>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/context.hpp"

namespace tensor_ipc::cuda {

/// A place in the order of a stream that another stream, or a thread, can wait for. Without timing,
/// for this process only. Move-only; work that waits for it may outlive it.
class Event {
public:
    [[nodiscard]] static Result<Event> create(ContextRef context, const CurrentContext& current);

    Event(Event&& other) noexcept;
    Event& operator=(Event&& other) noexcept;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();

    /// Marks the end of what `stream` has to do now. `stream` may be anybody's of this context.
    [[nodiscard]] Result<void> record(const CurrentContext& current, StreamHandle stream) const;

    /// Whether the device has come to the mark. True before the first `record`.
    [[nodiscard]] Result<bool> is_reached(const CurrentContext& current) const;

    /// Sleeps until it has. Blocking.
    [[nodiscard]] Result<void> wait(const CurrentContext& current) const;

    [[nodiscard]] EventHandle handle() const noexcept { return handle_; }

private:
    Event(ContextRef context, EventHandle handle) noexcept
        : context_(std::move(context)), handle_(handle)
    {
    }

    ContextRef context_;
    EventHandle handle_;
};

/// A stream of our own, which the default stream neither waits for nor holds up. Move-only.
class Stream {
public:
    [[nodiscard]] static Result<Stream> create(ContextRef context, const CurrentContext& current);

    Stream(Stream&& other) noexcept;
    Stream& operator=(Stream&& other) noexcept;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// What it still has to do is done nevertheless. Not blocking.
    ~Stream();

    /// Copies between two places of the device. Neither may be freed before it is done.
    [[nodiscard]] Result<void> copy_on_device(const CurrentContext& current, DevicePointer to,
                                              DevicePointer from, std::uint64_t bytes) const;

    /// Copies from memory of `source_context`'s device to memory of this stream's.
    [[nodiscard]] Result<void> copy_from_peer(const CurrentContext& current, DevicePointer to,
                                              const PrimaryContext& source_context,
                                              DevicePointer from, std::uint64_t bytes) const;

    /// Copies from the host. From pageable memory the call returns once the source may change; from
    /// registered memory (host_registration.hpp) at once, and the source has to stay as it is.
    [[nodiscard]] Result<void> copy_to_device(const CurrentContext& current, DevicePointer to,
                                              const void* from, std::uint64_t bytes) const;

    /// Copies to the host, to be read after `synchronize`.
    [[nodiscard]] Result<void> copy_to_host(const CurrentContext& current, void* to,
                                            DevicePointer from, std::uint64_t bytes) const;

    /// What is asked of this stream from now on happens after `event`'s mark.
    [[nodiscard]] Result<void> wait_for(const CurrentContext& current, const Event& event) const;

    /// Calls `function(argument)` on a thread of the driver when everything before is done; what
    /// comes after waits for it. The function must not call CUDA, nor wait for anything, nor throw:
    /// atomics and a futex wake are what it is for. It is *not* called when the context breaks, and
    /// not when this fails: `argument` is then the caller's to dispose of.
    [[nodiscard]] Result<void> then_on_host(const CurrentContext& current, HostFunction function,
                                            void* argument) const;

    /// Whether everything is done.
    [[nodiscard]] Result<bool> is_idle(const CurrentContext& current) const;

    /// Waits until everything is done. Blocking.
    [[nodiscard]] Result<void> synchronize(const CurrentContext& current) const;

    [[nodiscard]] StreamHandle handle() const noexcept { return handle_; }

private:
    Stream(ContextRef context, StreamHandle handle) noexcept
        : context_(std::move(context)), handle_(handle)
    {
    }

    ContextRef context_;
    StreamHandle handle_;
};

/// What is asked of `stream`, anybody's, from now on happens after `event`'s mark.
[[nodiscard]] Result<void> let_wait(const CurrentContext& current, StreamHandle stream,
                                    const Event& event);

/// Whether `stream`, anybody's, records a graph instead of working.
[[nodiscard]] Result<bool> is_capturing(const CurrentContext& current, StreamHandle stream);

}  // namespace tensor_ipc::cuda

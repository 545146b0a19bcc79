#include "tensor_ipc/cuda/stream.hpp"

namespace tensor_ipc::cuda {

namespace {

/// NotReady is no failure but an answer.
Result<bool> is_done(const Driver& driver, Called asked)
{
    if (asked.status == Status::NotReady) {
        return false;
    }
    if (!asked.ok()) {
        return driver.error(asked);
    }
    return true;
}

}  // namespace

Result<Event> Event::create(ContextRef context, const CurrentContext& current)
{
    EventHandle handle = nullptr;
    const Driver& driver = current.driver();
    if (const auto made = driver.check(
            driver.call.cuEventCreate(&handle, kEventDisableTiming | kEventBlockingSync));
        !made) {
        return made.error();
    }
    return Event(std::move(context), handle);
}

Event::Event(Event&& other) noexcept
    : context_(std::move(other.context_)), handle_(std::exchange(other.handle_, nullptr))
{
}

Event& Event::operator=(Event&& other) noexcept
{
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    return *this;
}

Event::~Event()
{
    if (handle_ != nullptr) {
        release_in(*context_, [this](const Driver& driver) {
            static_cast<void>(driver.call.cuEventDestroy_v2(handle_));
        });
    }
}

Result<void> Event::record(const CurrentContext& current, StreamHandle stream) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuEventRecord(handle_, stream));
}

Result<bool> Event::is_reached(const CurrentContext& current) const
{
    const Driver& driver = current.driver();
    return is_done(driver, driver.call.cuEventQuery(handle_));
}

Result<void> Event::wait(const CurrentContext& current) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuEventSynchronize(handle_));
}

Result<Stream> Stream::create(ContextRef context, const CurrentContext& current)
{
    StreamHandle handle = nullptr;
    const Driver& driver = current.driver();
    if (const auto made = driver.check(driver.call.cuStreamCreate(&handle, kStreamNonBlocking));
        !made) {
        return made.error();
    }
    return Stream(std::move(context), handle);
}

Stream::Stream(Stream&& other) noexcept
    : context_(std::move(other.context_)), handle_(std::exchange(other.handle_, nullptr))
{
}

Stream& Stream::operator=(Stream&& other) noexcept
{
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    return *this;
}

Stream::~Stream()
{
    if (handle_ != nullptr) {
        release_in(*context_, [this](const Driver& driver) {
            static_cast<void>(driver.call.cuStreamDestroy_v2(handle_));
        });
    }
}

Result<void> Stream::copy_on_device(const CurrentContext& current, DevicePointer to,
                                    DevicePointer from, std::uint64_t bytes) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuMemcpyDtoDAsync_v2(to, from, bytes, handle_));
}

Result<void> Stream::copy_from_peer(const CurrentContext& current, DevicePointer to,
                                    const PrimaryContext& source_context, DevicePointer from,
                                    std::uint64_t bytes) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuMemcpyPeerAsync(to, current.context().handle(), from,
                                                      source_context.handle(), bytes, handle_));
}

Result<void> Stream::copy_to_device(const CurrentContext& current, DevicePointer to,
                                    const void* from, std::uint64_t bytes) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuMemcpyHtoDAsync_v2(to, from, bytes, handle_));
}

Result<void> Stream::copy_to_host(const CurrentContext& current, void* to, DevicePointer from,
                                  std::uint64_t bytes) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuMemcpyDtoHAsync_v2(to, from, bytes, handle_));
}

Result<void> Stream::wait_for(const CurrentContext& current, const Event& event) const
{
    return let_wait(current, handle_, event);
}

Result<void> Stream::then_on_host(const CurrentContext& current, HostFunction function,
                                  void* argument) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuLaunchHostFunc(handle_, function, argument));
}

Result<bool> Stream::is_idle(const CurrentContext& current) const
{
    const Driver& driver = current.driver();
    return is_done(driver, driver.call.cuStreamQuery(handle_));
}

Result<void> Stream::synchronize(const CurrentContext& current) const
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuStreamSynchronize(handle_));
}

Result<void> let_wait(const CurrentContext& current, StreamHandle stream, const Event& event)
{
    const Driver& driver = current.driver();
    return driver.check(driver.call.cuStreamWaitEvent(stream, event.handle(), 0));
}

Result<bool> is_capturing(const CurrentContext& current, StreamHandle stream)
{
    const Driver& driver = current.driver();
    CaptureStatus capture = CaptureStatus::None;
    const Called asked = driver.call.cuStreamIsCapturing(stream, &capture);
    if (asked.status == Status::StreamCaptureImplicit) {
        return true;  // the legacy default stream, while a stream that it waits for is captured
    }
    if (!asked.ok()) {
        return driver.error(asked);
    }
    return capture != CaptureStatus::None;
}

}  // namespace tensor_ipc::cuda

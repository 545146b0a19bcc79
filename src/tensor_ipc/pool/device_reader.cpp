#include "tensor_ipc/pool/device_reader.hpp"

#include <algorithm>
#include <utility>

#include "tensor_ipc/cuda/import_cache.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/pool/frame.hpp"

namespace tensor_ipc {

namespace {

// How long the creator of Vmm memory is given to hand it out. It does so from a thread that does
// nothing else, so only a stopped one takes longer.
constexpr std::uint64_t kOpeningNs = 2'000'000'000;

/// Those that threads of the driver have finished with: what they hold may be the last reference on
/// an attachment, and to close that is a call of the driver, which such a thread must not make.
std::atomic<FrameHold*>& finished() noexcept
{
    static std::atomic<FrameHold*> list{nullptr};
    return list;
}

}  // namespace

void drop_finished_frames() noexcept
{
    if (finished().load(std::memory_order_relaxed) == nullptr) {
        return;
    }
    FrameHold* hold = finished().exchange(nullptr, std::memory_order_acquire);
    while (hold != nullptr) {
        const std::unique_ptr<FrameHold> last(hold);
        hold = last->next_;
    }
}

FrameHold::FrameHold(AttachmentRef pool, std::uint32_t newest_slot, std::uint32_t count) noexcept
    : pool_(std::move(pool)), newest_slot_(newest_slot), count_(count)
{
}

void FrameHold::unpin() noexcept
{
    pool_->unpin_run(newest_slot_, count_);
}

/// Called by a thread of the driver, which must not call CUDA.
void FrameHold::finish(void* argument) noexcept
{
    auto* hold = static_cast<FrameHold*>(argument);
    hold->unpin();
    FrameHold* first = finished().load(std::memory_order_relaxed);
    do {
        hold->next_ = first;
    } while (!finished().compare_exchange_weak(first, hold, std::memory_order_release,
                                               std::memory_order_relaxed));
}

Result<std::unique_ptr<DeviceReader>> DeviceReader::open(const cuda::MemoryTicket& ticket,
                                                         const Geometry& geometry)
{
    drop_finished_frames();
    const auto driver = cuda::Driver::get();
    if (!driver) {
        return driver.error();
    }
    const auto device = cuda::find_device(*driver.value(), ticket.device);
    if (!device) {
        return device.error();
    }
    auto context = cuda::PrimaryContext::retain(*driver.value(), device.value());
    if (!context) {
        return context.error();
    }
    auto memory = cuda::import_memory(context.value(), ticket, os::monotonic_ns() + kOpeningNs);
    if (!memory) {
        return memory.error();
    }
    const auto current = cuda::CurrentContext::push(*context.value());
    if (!current) {
        return current.error();
    }
    auto releases = cuda::Stream::create(context.value(), current.value());
    if (!releases) {
        return releases.error();
    }
    auto copies = cuda::Stream::create(context.value(), current.value());
    if (!copies) {
        return copies.error();
    }
    auto mark = cuda::Event::create(context.value(), current.value());
    if (!mark) {
        return mark.error();
    }
    return std::unique_ptr<DeviceReader>(new DeviceReader(  // NOLINT(*-owning-memory)
        context.value(), std::move(memory).value(), std::move(releases).value(),
        std::move(copies).value(), std::move(mark).value(), geometry));
}

DeviceReader::DeviceReader(cuda::ContextRef context,
                           std::shared_ptr<const cuda::DeviceMemory> memory, cuda::Stream releases,
                           cuda::Stream copies, cuda::Event mark, const Geometry& geometry) noexcept
    : context_(std::move(context)),
      memory_(std::move(memory)),
      releases_(std::move(releases)),
      copies_(std::move(copies)),
      mark_(std::move(mark)),
      geometry_(geometry)
{
}

bool DeviceReader::is_one_range(std::uint32_t newest, std::uint32_t count) const noexcept
{
    const std::uint32_t place = geometry_.place_of(geometry_.lowest_slot(newest, count));
    return place + count <= geometry_.slot_count ||
           (memory_->is_mapped_twice() && memory_->bytes() == geometry_.device_bytes());
}

Result<std::shared_ptr<cuda::DeviceMemory>> DeviceReader::allocate(std::uint32_t count) const
{
    // Never shared, so the kind that every device has.
    return cuda::DeviceMemory::create(context_, cuda::MemoryKind::Ipc,
                                      count * geometry_.device_stride);
}

Result<void> DeviceReader::copy(cuda::DevicePointer to, std::uint32_t slot,
                                std::uint64_t bytes) const
{
    if (bytes == 0) {
        return {};
    }
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        return current.error();
    }
    const cuda::DevicePointer from = memory_->address() + geometry_.payload_on_device(slot);
    const auto asked = copies_.copy_on_device(current.value(), to, from, bytes);
    return asked ? finish_copies(current.value()) : asked;
}

Result<void> DeviceReader::copy_to_host(void* to, cuda::DevicePointer from,
                                        std::uint64_t bytes) const
{
    if (bytes == 0) {
        return {};
    }
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        return current.error();
    }
    const auto asked = copies_.copy_to_host(current.value(), to, from, bytes);
    return asked ? finish_copies(current.value()) : asked;
}

/// The device must not be writing to memory of the caller when it is told of a failure. When the
/// context is broken, which is what a failure means as a rule, nothing is under way.
Result<void> DeviceReader::finish_copies(const cuda::CurrentContext& current) const
{
    auto done = copies_.synchronize(current);
    if (!done) {
        static_cast<void>(copies_.synchronize(current));
    }
    return done;
}

void DeviceReader::record_stream(FrameHold& hold, cuda::StreamHandle stream)
{
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(hold.streams_, stream) == hold.streams_.end()) {
        hold.streams_.push_back(stream);
    }
}

/// Lets releases_ wait for what `stream` is asked for now.
DeviceReader::Order DeviceReader::order_after(const cuda::CurrentContext& current,
                                              cuda::StreamHandle stream) const
{
    const auto captured = cuda::is_capturing(current, stream);
    if (captured && *captured) {
        return Order::Captured;
    }
    const bool follows =
        captured && mark_.record(current, stream) && releases_.wait_for(current, mark_);
    return follows ? Order::Follows : Order::Broken;
}

DeviceReader::Order DeviceReader::order_after_all(const cuda::CurrentContext& current,
                                                  const FrameHold& hold) const
{
    Order all = hold.streams_.empty() ? order_after(current, nullptr) : Order::Follows;
    for (const cuda::StreamHandle stream : hold.streams_) {
        Order one = order_after(current, stream);
        if (one == Order::Broken) {
            // The stream itself may be gone, and its work not yet. The legacy default stream comes
            // after all streams but the non-blocking ones.
            one = order_after(current, nullptr);
        }
        all = one == Order::Follows ? all : one;
    }
    return all;
}

void DeviceReader::let_go(std::unique_ptr<FrameHold> hold) noexcept
{
    // In a forked child everything is the parent's: the pins, the driver, and the mutex.
    if (hold->pool_->segment().is_parents()) {
        return;
    }
    if (hold->streams_.empty() && !hold->was_handed_out_.load(std::memory_order_relaxed)) {
        hold->unpin();  // nobody knows the address
        return;
    }
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        hold->unpin();
        return;
    }
    // Not under the mutex: what `hold` drops may be the last reference on this.
    std::unique_ptr<FrameHold> free_now;
    {
        const std::lock_guard lock(mutex_);
        const Order order = order_after_all(current.value(), *hold);
        if (order == Order::Captured) {
            if (hold->owned_ != nullptr) {
                kept_.push_back(std::move(hold->owned_));
            }
            free_now = std::move(hold);
            free_now->count_ = 0;
        } else if (order == Order::Follows &&
                   releases_.then_on_host(current.value(), FrameHold::finish, hold.get())) {
            static_cast<void>(hold.release());  // NOLINT(*-unused-return-value): the driver has it
        } else {
            // The context is broken as a rule, and then this returns at once, and nothing runs.
            static_cast<void>(releases_.synchronize(current.value()));
            free_now = std::move(hold);
        }
    }
    if (free_now != nullptr) {
        free_now->unpin();
    }
}

std::optional<Error> DeviceReader::take_failure()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, std::nullopt);
}

void DeviceReader::keep_failure(Error failure)
{
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
}

void LetGoInStreamOrder::operator()(FrameHold* hold) const noexcept
{
    std::unique_ptr<FrameHold> mine(hold);
    const AttachmentRef pool = mine->pool();
    if (pool->device() == nullptr) {
        return;  // a copy in host memory
    }
    drop_finished_frames();
    pool->device()->let_go(std::move(mine));
}

bool FrameWindow::is_copy() const noexcept
{
    return hold_->host_copy() != nullptr;
}

cuda::DevicePointer FrameWindow::device_address(std::uint32_t age) const noexcept
{
    const std::uint32_t place = newest_first() ? age : count_ - 1 - age;
    return hold_->lowest() + place * device_stride_bytes();
}

const cuda::Device& FrameWindow::device() const noexcept
{
    return pool_->device()->device();
}

bool FrameWindow::is_write_protected() const noexcept
{
    return copied() || pool_->device()->memory().kind() == cuda::MemoryKind::Vmm;
}

void FrameWindow::record_stream(cuda::StreamHandle stream) const
{
    // In a forked child everything is the parent's, also the mutex.
    if (on_device() && !pool_->segment().is_parents()) {
        pool_->device()->record_stream(*hold_, stream);
    }
}

void FrameWindow::release(cuda::StreamHandle stream) noexcept
{
    record_stream(stream);
    release();
    pool_ = AttachmentRef();
}

Result<void> FrameWindow::copy_to_host(std::span<std::byte> into, std::uint32_t age) const
{
    if (into.size() != payload_bytes(age)) {
        return Error{ErrorCode::InvalidArgument,
                     "the frame has " + std::to_string(payload_bytes(age)) +
                         " bytes, got room for " + std::to_string(into.size())};
    }
    if (!on_device()) {
        std::ranges::copy(bytes(age), into.begin());
        return {};
    }
    const std::uint32_t place = newest_first() ? age : count_ - 1 - age;
    return pool_->device()->copy_to_host(
        into.data(), hold_->lowest_for_now() + place * device_stride_bytes(), into.size());
}

}  // namespace tensor_ipc

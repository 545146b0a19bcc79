#include "tensor_ipc/pool/late_unpins.hpp"

#include <new>
#include <utility>

#include "tensor_ipc/pool/attachment.hpp"

namespace tensor_ipc {

namespace {

/// The default stream as it was before there were streams of each thread: it comes after all work
/// of streams that were not made to be independent of it.
constexpr cuda::StreamHandle kDefaultStream = nullptr;

}  // namespace

Result<std::unique_ptr<LateUnpins>> LateUnpins::create(cuda::ContextRef context,
                                                       Attachment& attachment)
{
    const auto current = cuda::CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    auto stream = cuda::Stream::create(context, current.value());
    if (!stream) {
        return stream.error();
    }
    // NOLINTNEXTLINE(*-owning-memory): private constructor
    std::unique_ptr<LateUnpins> made(
        new LateUnpins(std::move(context), std::move(stream).value(), attachment));
    if (const auto added = made->add_stream(kDefaultStream); !added) {
        return added.error();
    }
    return made;
}

LateUnpins::LateUnpins(cuda::ContextRef context, cuda::Stream stream,
                       Attachment& attachment) noexcept
    : context_(std::move(context)), stream_(std::move(stream)), attachment_(attachment)
{
}

LateUnpins::~LateUnpins()
{
    for (Record* list : {free_, done_.load(std::memory_order_acquire)}) {
        while (list != nullptr) {
            delete std::exchange(list, list->next);  // NOLINT(*-owning-memory)
        }
    }
}

Result<void> LateUnpins::add_stream(cuda::StreamHandle stream)
{
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        return current.error();
    }
    auto event = cuda::Event::create(context_, current.value());
    if (!event) {
        return event.error();
    }
    const std::lock_guard lock(mutex_);
    Source source{stream, std::move(event).value()};
    if (const auto followed = follow(current.value(), source); !followed) {
        return followed.error();
    }
    sources_.push_back(std::move(source));
    return {};
}

/// What is asked of our stream from now on comes after all that `source` has to do now.
Result<void> LateUnpins::follow(const cuda::CurrentContext& current, const Source& source) const
{
    const auto captured = cuda::is_capturing(current, source.stream);
    if (!captured) {
        return captured.error();
    }
    if (*captured) {
        // Our stream would become part of the graph, and the graph may read the frame many times.
        return Error{ErrorCode::CudaFailed, "the stream is being captured into a graph"};
    }
    if (auto recorded = source.event.record(current, source.stream); !recorded) {
        return recorded;
    }
    return stream_.wait_for(current, source.event);
}

Result<void> LateUnpins::ask(const cuda::CurrentContext& current, Record* record) const
{
    for (const Source& source : sources_) {
        if (auto followed = follow(current, source); !followed) {
            return followed;
        }
    }
    return stream_.then_on_host(current, carry_out, record);
}

void LateUnpins::unpin(std::uint32_t newest, std::uint32_t count) noexcept
{
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        return;
    }
    const std::lock_guard lock(mutex_);
    Record* record = take_record();
    if (record == nullptr) {
        return;  // no memory; as if it was refused
    }
    *record = {this, newest, count, nullptr};
    if (!ask(current.value(), record)) {
        give_back(record);
    }
}

LateUnpins::Record* LateUnpins::take_record() noexcept
{
    if (free_ == nullptr) {
        free_ = done_.exchange(nullptr, std::memory_order_acquire);
    }
    if (free_ == nullptr) {
        return new (std::nothrow) Record;  // NOLINT(*-owning-memory)
    }
    return std::exchange(free_, free_->next);
}

void LateUnpins::give_back(Record* record) noexcept
{
    record->next = std::exchange(free_, record);
}

/// On a thread of the driver, which may not call CUDA.
void LateUnpins::carry_out(void* argument)
{
    auto* record = static_cast<Record*>(argument);
    LateUnpins& self = *record->whose;
    self.attachment_.unpin_run(record->newest, record->count);
    // After this the record is another call's.
    record->next = self.done_.load(std::memory_order_relaxed);
    while (!self.done_.compare_exchange_weak(record->next, record, std::memory_order_release,
                                             std::memory_order_relaxed)) {
    }
}

bool LateUnpins::settle() noexcept
{
    const auto current = cuda::CurrentContext::push(*context_);
    if (!current) {
        return !context_->driver().usable();  // a forked child: the driver's threads are elsewhere
    }
    return stream_.synchronize(current.value()).ok();
}

}  // namespace tensor_ipc

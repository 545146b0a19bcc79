#include "streams.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "fake_cuda.hpp"
#include "memory.hpp"

namespace fake_cuda {

namespace {

using Work = std::function<void()>;

/// While held, nobody goes on, except for as many steps as were allowed.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;
    int allowed = 0;

    void pass()
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return !held || allowed > 0; });
        allowed -= held ? 1 : 0;
    }

    void hold(bool hold_it)
    {
        const std::lock_guard lock(mutex);
        held = hold_it;
        allowed = 0;
        changed.notify_all();
    }

    void allow(int steps)
    {
        const std::lock_guard lock(mutex);
        allowed += steps;
        changed.notify_all();
    }
};

Gate& gate()
{
    static auto* const instance = new Gate;
    return *instance;
}

/// A queue and the thread that works it off. The thread holds it, so that a destroyed stream ends
/// its work first.
class Stream : public std::enable_shared_from_this<Stream> {
public:
    explicit Stream(Context* of) : context(of) {}

    void start()
    {
        std::thread([self = shared_from_this()] {
            self->run();
            // Whoever finds this stream gone, under that mutex, comes after its work.
            const std::lock_guard lock(process().mutex);
        }).detach();
    }

    void add(Work work)
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(work));
        changed_.notify_all();
    }

    [[nodiscard]] bool is_idle()
    {
        const std::lock_guard lock(mutex_);
        return queue_.empty() && !busy_;
    }

    void wait_idle()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
    }

    /// Lets the thread end once everything is done.
    void finish()
    {
        const std::lock_guard lock(mutex_);
        finishing_ = true;
        changed_.notify_all();
    }

    Context* const context;
    bool capturing = false;  ///< with the process's mutex held

private:
    void run()
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return finishing_ || !queue_.empty(); });
            if (queue_.empty()) {
                return;
            }
            busy_ = true;
            Work work = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            gate().pass();
            work();
            work = nullptr;
            lock.lock();
            busy_ = false;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Work> queue_;
    bool busy_ = false;
    bool finishing_ = false;
};

using StreamRef = std::shared_ptr<Stream>;

/// One record of an event: a place in the order of one stream. Work holds it.
class Mark {
public:
    void reach()
    {
        const std::lock_guard lock(mutex_);
        is_reached_ = true;
        changed_.notify_all();
    }

    [[nodiscard]] bool is_reached()
    {
        const std::lock_guard lock(mutex_);
        return is_reached_;
    }

    void wait()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_reached_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_reached_ = false;
};

using MarkRef = std::shared_ptr<Mark>;

/// Whoever waits for an event waits for the record that is its newest then, also when it is
/// recorded again meanwhile, or on another stream.
class Event {
public:
    explicit Event(const Context* of) : context(of) {}

    const Context* const context;

    MarkRef record()
    {
        auto mark = std::make_shared<Mark>();
        const std::lock_guard lock(mutex_);
        newest_ = mark;
        return mark;
    }

    /// Null before the first.
    [[nodiscard]] MarkRef newest()
    {
        const std::lock_guard lock(mutex_);
        return newest_;
    }

private:
    std::mutex mutex_;
    MarkRef newest_;
};

using EventRef = std::shared_ptr<Event>;

/// What lives, by handle. With the process's mutex held.
struct Registry {
    std::map<CUstream, StreamRef> streams;
    std::map<std::pair<int, int>, StreamRef> default_streams;  ///< by ordinal and kind
    std::map<CUevent, EventRef> events;
    std::vector<std::weak_ptr<Stream>> all;  ///< with those that were destroyed but still work
};

Registry& registry()
{
    static auto* const instance = new Registry;
    return *instance;
}

StreamRef make_stream(Context* context)
{
    auto stream = std::make_shared<Stream>(context);
    stream->start();
    std::erase_if(registry().all, [](const auto& one) { return one.expired(); });
    registry().all.push_back(stream);
    return stream;
}

/// The stream behind a handle, or null. 0 and 1 are the legacy default stream, 2 the thread's.
StreamRef find_stream(CUstream handle)
{
    const std::lock_guard lock(process().mutex);
    const auto number = reinterpret_cast<std::uintptr_t>(handle);
    if (number <= 2) {
        const int kind = number == 2 ? 1 : 0;
        StreamRef& stream = registry().default_streams[{current()->ordinal, kind}];
        if (stream == nullptr) {
            stream = make_stream(current());
        }
        return stream;
    }
    const auto found = registry().streams.find(handle);
    return found == registry().streams.end() ? nullptr : found->second;
}

EventRef find_event(CUevent handle)
{
    const std::lock_guard lock(process().mutex);
    const auto found = registry().events.find(handle);
    return found == registry().events.end() ? nullptr : found->second;
}

bool is_capturing(const Stream& stream)
{
    const std::lock_guard lock(process().mutex);
    return stream.capturing;
}

/// Work that is recorded into a graph is not done.
void add_unless_capturing(Stream& stream, Work work)
{
    if (!is_capturing(stream)) {
        stream.add(std::move(work));
    }
}

/// One side of a copy at the time it is made.
struct Place {
    PhysicalRef keeps;  ///< the mapping, whatever happens to the address meanwhile
    char* data = nullptr;
};

/// Where `address` leads to now, or nothing when the device may not do that there.
Place place_of(CUdeviceptr address, std::uint64_t bytes, bool to_write)
{
    const std::lock_guard lock(process().mutex);
    CUdeviceptr begin = 0;
    const Block* block = find_block(address, bytes, &begin);
    if (block == nullptr || !(to_write ? block->writes : block->reads)) {
        return {};
    }
    return {block->memory, block->memory->data + (address - begin)};
}

void fault(Context& context)
{
    const std::lock_guard lock(process().mutex);
    context.broken = true;
}

bool is_broken(const Context& context)
{
    const std::lock_guard lock(process().mutex);
    return context.broken;
}

int delay_us()
{
    const std::lock_guard lock(process().mutex);
    return process().settings.delay_us;
}

/// In four parts, with time between them.
void copy_slowly(char* to, const char* from, std::uint64_t bytes)
{
    constexpr std::uint64_t kParts = 4;
    const std::uint64_t part = (bytes + kParts - 1) / kParts;
    const auto pause = std::chrono::microseconds(delay_us() / static_cast<int>(kParts));
    for (std::uint64_t done = 0; done < bytes; done += part) {
        if (done != 0) {
            gate().pass();
        }
        std::memcpy(to + done, from + done, std::min(part, bytes - done));
        if (pause.count() > 0) {
            std::this_thread::sleep_for(pause);
        }
    }
}

/// Whether a device address can be the beginning of a copy at all, as far as the call can know.
bool is_known(CUdeviceptr address, std::uint64_t bytes)
{
    const std::lock_guard lock(process().mutex);
    return find_block(address, bytes) != nullptr;
}

CUresult copy_between_devices(CUdeviceptr to, CUdeviceptr from, std::uint64_t bytes,
                              CUstream handle)
{
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!is_known(to, bytes) || !is_known(from, bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Context* context = stream->context;
    add_unless_capturing(*stream, [=] {
        const Place target = place_of(to, bytes, true);
        const Place source = place_of(from, bytes, false);
        if (target.data == nullptr || source.data == nullptr) {
            fault(*context);
        } else if (!is_broken(*context)) {
            copy_slowly(target.data, source.data, bytes);
        }
    });
    return CUDA_SUCCESS;
}

}  // namespace

StreamCounts stream_counts()
{
    const std::lock_guard lock(process().mutex);
    return {static_cast<int>(registry().streams.size()),
            static_cast<int>(registry().events.size())};
}

void drain_streams()
{
    std::vector<StreamRef> all;
    {
        const std::lock_guard lock(process().mutex);
        for (const auto& one : registry().all) {
            if (StreamRef stream = one.lock()) {
                all.push_back(std::move(stream));
            }
        }
    }
    for (const StreamRef& stream : all) {
        stream->wait_idle();
    }
}

}  // namespace fake_cuda

using namespace fake_cuda;

extern "C" {

CUresult cuStreamCreate(CUstream* handle, unsigned int /*flags*/)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    StreamRef stream = make_stream(current());
    *handle = reinterpret_cast<CUstream>(stream.get());
    registry().streams[*handle] = std::move(stream);
    return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    const auto found = registry().streams.find(handle);
    if (found == registry().streams.end()) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    found->second->finish();
    registry().streams.erase(found);
    return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (is_capturing(*stream)) {
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    stream->wait_idle();
    return is_broken(*stream->context) ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS;
}

CUresult cuStreamQuery(CUstream handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    return stream->is_idle() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    *status = static_cast<CUstreamCaptureStatus>(is_capturing(*stream) ? 1 : 0);
    return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent event_handle, unsigned int /*flags*/)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(stream_handle);
    const EventRef event = find_event(event_handle);
    if (stream == nullptr || event == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (const MarkRef mark = event->newest()) {
        add_unless_capturing(*stream, [mark] { mark->wait(); });
    }
    return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent* handle, unsigned int /*flags*/)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    auto event = std::make_shared<Event>(current());
    *handle = reinterpret_cast<CUevent>(event.get());
    registry().events[*handle] = std::move(event);
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    return registry().events.erase(handle) == 1 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuEventRecord(CUevent event_handle, CUstream stream_handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(stream_handle);
    const EventRef event = find_event(event_handle);
    if (stream == nullptr || event == nullptr || event->context != stream->context) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!is_capturing(*stream)) {
        stream->add([mark = event->record()] { mark->reach(); });
    }
    return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const EventRef event = find_event(handle);
    if (event == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const MarkRef mark = event->newest();
    return mark == nullptr || mark->is_reached() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const EventRef event = find_event(handle);
    if (event == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (const MarkRef mark = event->newest()) {
        mark->wait();
    }
    return CUDA_SUCCESS;
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* argument)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    Context* context = stream->context;
    add_unless_capturing(*stream, [=] {
        if (is_broken(*context)) {
            return;
        }
        in_host_function = true;
        function(argument);
        in_host_function = false;
    });
    return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream)
{
    FAKE_CUDA_ENTER(Needs::Context);
    return copy_between_devices(to, from, bytes, stream);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from,
                           CUcontext from_context, std::size_t bytes, CUstream stream)
{
    FAKE_CUDA_ENTER(Needs::Context);
    if (to_context == nullptr || from_context == nullptr) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    return copy_between_devices(to, from, bytes, stream);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, std::size_t bytes, CUstream handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!is_known(to, bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    bool pinned = false;
    {
        const std::lock_guard lock(process().mutex);
        pinned = is_registered(from, bytes);
    }
    // Pageable memory is read before the call returns, registered memory when its turn comes.
    auto staged = std::make_shared<std::vector<char>>();
    if (!pinned) {
        staged->assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    }
    const char* source = pinned ? static_cast<const char*>(from) : staged->data();
    Context* context = stream->context;
    add_unless_capturing(*stream, [=] {
        const Place target = place_of(to, bytes, true);
        if (target.data == nullptr) {
            fault(*context);
        } else if (!is_broken(*context)) {
            copy_slowly(target.data, source, bytes);
        }
        static_cast<void>(staged);
    });
    return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, std::size_t bytes, CUstream handle)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const StreamRef stream = find_stream(handle);
    if (stream == nullptr) {
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (!is_known(from, bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Context* context = stream->context;
    add_unless_capturing(*stream, [=] {
        const Place source = place_of(from, bytes, false);
        if (source.data == nullptr) {
            fault(*context);
        } else if (!is_broken(*context)) {
            copy_slowly(static_cast<char*>(to), source.data, bytes);
        }
    });
    return CUDA_SUCCESS;
}

void fake_cuda_hold(int held)
{
    gate().hold(held != 0);
}

void fake_cuda_step(int steps)
{
    gate().allow(steps);
}

void fake_cuda_drain()
{
    drain_streams();
}

void fake_cuda_set_capturing(void* stream, int capturing)
{
    if (const StreamRef found = find_stream(static_cast<CUstream>(stream))) {
        const std::lock_guard lock(process().mutex);
        found->capturing = capturing != 0;
    }
}
}

#include "tensor_ipc/pool/frame_source.hpp"

#include <cstring>
#include <new>

#include "tensor_ipc/pool/device_reader.hpp"
#include "tensor_ipc/pool/patience.hpp"

namespace tensor_ipc {

namespace {

// After so many turns a window may be shorter than the history, and a copy is tried.
constexpr int kTurnsForAllFrames = 16;
constexpr int kTurnsBeforeCopy = 32;

// Slots that no consumer may hold: one to write to, and one more for when that one is the newest.
constexpr std::uint32_t kRoomBesideViews = 2;
constexpr std::uint32_t kRoomBesideCopies = 1;

FrameInfo info_of(const Attachment& pool, FramePlace place)
{
    const SlotHeader& slot = pool.reader().memory().slot(place.slot);
    return {place.frame, slot.published_ns.load(std::memory_order_relaxed),
            slot.captured_ns.load(std::memory_order_relaxed), pool.geometry().extent_of(slot)};
}

using Infos = std::unique_ptr<FrameInfo[]>;  // NOLINT(*-avoid-c-arrays)

Infos allocate_infos(std::uint32_t count)
{
    return Infos(new (std::nothrow) FrameInfo[count]);
}

/// Those of a run that is pinned, by age; null without memory for them.
Infos infos_of_run(const Attachment& pool, FramePlace newest, std::uint32_t count)
{
    Infos infos = allocate_infos(count);
    for (std::uint32_t age = 0; infos != nullptr && age < count; ++age) {
        infos[age] = info_of(pool, newest);
        --newest.frame;
        newest.slot = pool.geometry().previous_slot(newest.slot);
    }
    return infos;
}

bool is_pinned(PinOutcome outcome)
{
    return outcome == PinOutcome::Pinned || outcome == PinOutcome::PinnedAgain;
}

/// Whether pinning `slot` can leave `room` slots that nobody pins. Asked before, so that consumers
/// do not take turns at pinning what they have to give back; what counts is asked after.
bool may_pin(const FrameReader& reader, std::uint32_t slot, std::uint32_t room)
{
    if (reader.holds(slot)) {
        return true;
    }
    return reader.leaves_room(slot, reader.memory().is_pinned(slot) ? room : room + 1);
}

/// Frames pinned by `pin_run`, and whether it stopped because one more would not be fair.
struct Run {
    std::uint32_t count = 0;
    bool is_fair = true;
};

/// Pins `newest` and the frames before it as far as they lie in the slots before it. Each slot that
/// this consumer did not hold before is checked at once, so that a process that is stopped here
/// holds one slot too many at most.
Run pin_run(Attachment& pool, FramePlace newest, std::uint32_t count, std::uint32_t max_slots)
{
    FramePlace place = newest;
    Run run;
    if (!may_pin(pool.reader(), newest.slot, kRoomBesideViews)) {
        run.is_fair = false;
        return run;
    }
    while (run.count < count) {
        const PinOutcome outcome = pool.pin(place);
        if (outcome == PinOutcome::Saturated) {
            run.is_fair = false;
        }
        if (!is_pinned(outcome)) {
            break;
        }
        ++run.count;
        if (outcome == PinOutcome::Pinned &&
            (pool.reader().slots_held() > max_slots ||
             !pool.reader().leaves_room(newest.slot, kRoomBesideViews))) {
            run.is_fair = false;
            break;
        }
        if (place.frame == 0) {
            break;
        }
        --place.frame;
        place.slot = pool.geometry().previous_slot(place.slot);
    }
    return run;
}

/// The frame to go for. The announced one cannot be had while the producer, short of slots, writes
/// over it; so every other turn looks for the newest that is readable.
std::optional<FramePlace> choose_newest(const FrameReader& reader, FramePlace announced, int turn)
{
    if (turn == 0 || turn % 2 == 1) {
        return announced;
    }
    const std::optional<FramePlace> readable = reader.newest_readable();
    // When the producer goes on meanwhile, what was found may be older than what it announced.
    const bool is_still = reader.latest().value_or(announced).frame == announced.frame;
    return !readable || is_still ? readable : announced;
}

enum class CopyOutcome : std::uint8_t {
    Copied,
    Gone,
    NoRoom,
    Refused,  ///< by the driver; the reason is kept in the DeviceReader
};

/// Where a copy goes.
struct CopyPlace {
    std::byte* host = nullptr;       ///< headroom, and payload where that is in host memory
    cuda::DevicePointer device = 0;  ///< payload of a device pool
};

/// Copies one frame with its headroom, wherever it lies. It is pinned meanwhile.
CopyOutcome copy_one(Attachment& pool, std::uint64_t frame, CopyPlace into, FrameInfo& info,
                     Patience& patience)
{
    const FrameReader& reader = pool.reader();
    for (;;) {
        const std::optional<FramePlace> place = reader.find(frame);
        if (!place) {
            return CopyOutcome::Gone;
        }
        if (!may_pin(reader, place->slot, kRoomBesideCopies)) {
            return CopyOutcome::NoRoom;
        }
        const PinOutcome pin = pool.pin(*place, FrameReader::kMaxPinsOfSlotForCopies);
        if (!is_pinned(pin)) {
            if (patience.is_over()) {
                return CopyOutcome::NoRoom;
            }
            continue;
        }
        const bool has_room =
            pin == PinOutcome::PinnedAgain || reader.leaves_room(place->slot, kRoomBesideCopies);
        CopyOutcome outcome = has_room ? CopyOutcome::Copied : CopyOutcome::NoRoom;
        if (has_room) {
            info = info_of(pool, *place);
            std::memcpy(into.host, pool.payload().slot(place->slot) - kHeadroomBytes,
                        kHeadroomBytes + info.extent * pool.geometry().host_row_bytes);
            if (pool.device() != nullptr) {
                auto copied = pool.device()->copy(into.device, place->slot,
                                                  info.extent * pool.geometry().row_bytes);
                if (!copied) {
                    pool.device()->keep_failure(copied.error());
                    outcome = CopyOutcome::Refused;
                }
            }
        }
        pool.unpin(place->slot);
        return outcome;
    }
}

}  // namespace

/// Takes over the pins of a run of frames on a device; null when they are not one strided range, or
/// without memory for the books.
FrameSource::Held FrameSource::hold_run(const AttachmentRef& pool, const DeviceReader& device,
                                        std::uint32_t newest_slot, std::uint32_t count) noexcept
{
    drop_finished_frames();
    if (!device.is_one_range(newest_slot, count)) {
        return nullptr;
    }
    Held hold(new (std::nothrow) FrameHold(pool, newest_slot, count));
    if (hold != nullptr) {
        hold->lowest_ = device.run(newest_slot, count);
    }
    return hold;
}

FrameSource::View FrameSource::try_view(const AttachmentRef& pool, FramePlace newest,
                                        std::uint32_t count, std::uint32_t max_slots,
                                        bool accept_fewer, FrameWindow& into) noexcept
{
    const FrameReader& reader = pool->reader();
    const Run run = pin_run(*pool, newest, count, max_slots);
    const std::uint32_t taken = run.count;
    if (!run.is_fair) {
        pool->unpin_run(newest.slot, taken);
        return View::MustCopy;
    }
    if (taken == 0) {
        return View::Overtaken;
    }
    if (taken < count && taken < newest.frame + 1) {
        // The frame before the run is in another slot, or was overwritten while we pinned (then a
        // newer window has as many as were asked for), or is older than the history.
        const bool elsewhere = reader.find(newest.frame - taken).has_value();
        const bool overtaken = reader.latest().value_or(newest).frame != newest.frame;
        if (elsewhere || (overtaken && !accept_fewer)) {
            pool->unpin_run(newest.slot, taken);
            return elsewhere ? View::MustCopy : View::Overtaken;
        }
    }
    FrameWindow window;
    if (DeviceReader* device = pool->device()) {
        window.hold_ = hold_run(pool, *device, newest.slot, taken);
        if (window.hold_ == nullptr) {
            pool->unpin_run(newest.slot, taken);
            return View::MustCopy;
        }
    }
    window.pool_ = pool;
    window.lowest_ = pool->payload().run(newest.slot, taken);
    window.newest_slot_ = newest.slot;
    window.count_ = taken;  // from here on it unpins them
    window.newest_ = info_of(*pool, newest);
    if (pool->geometry().varying_extent && taken > 1) {
        window.infos_ = infos_of_run(*pool, newest, taken);
        if (window.infos_ == nullptr) {
            return View::MustCopy;
        }
        window.newest_ = window.infos_[0];  // of one look: another one may see something else
    }
    into = std::move(window);
    return View::Taken;
}

FrameSource::Outcome FrameSource::take_newest(const AttachmentRef& pool, std::uint32_t count,
                                              std::uint32_t max_slots, FrameWindow& into) noexcept
{
    const FrameReader& reader = pool->reader();
    Patience patience = consumer_patience();
    for (int turn = 0;; ++turn) {
        const std::optional<FramePlace> announced = reader.latest();
        if (!announced) {
            return Outcome::NoFrame;
        }
        const std::optional<FramePlace> newest = choose_newest(reader, *announced, turn);
        if (!newest) {
            if (turn < kTurnsBeforeCopy) {
                continue;
            }
            return Outcome::NoFrame;  // all of them are being overwritten
        }
        const View view =
            try_view(pool, *newest, count, max_slots, turn >= kTurnsForAllFrames, into);
        if (view == View::Taken) {
            return Outcome::Taken;
        }
        if (view == View::Overtaken && turn < kTurnsBeforeCopy && !patience.is_over()) {
            continue;
        }
        const Outcome copied = copy_frames(pool, newest->frame, count, patience, into);
        if (copied == Outcome::Taken) {
            return copied;
        }
        if (copied == Outcome::NoFrame && count > 1 && turn > kTurnsBeforeCopy) {
            --count;  // the producer goes all the way round while so many are copied
        }
        if (patience.is_over()) {
            return Outcome::Exhausted;
        }
    }
}

FrameSource::Outcome FrameSource::take_frame(const AttachmentRef& pool, std::uint64_t frame,
                                             std::uint32_t max_slots, FrameWindow& into) noexcept
{
    const std::optional<FramePlace> place = pool->reader().find(frame);
    if (!place) {
        return Outcome::NoFrame;
    }
    if (try_view(pool, *place, 1, max_slots, true, into) == View::Taken) {
        return Outcome::Taken;
    }
    Patience patience = consumer_patience();
    return copy_frames(pool, frame, 1, patience, into);
}

FrameSource::Outcome FrameSource::take_run(const AttachmentRef& pool, FramePlace newest,
                                           std::uint32_t count, std::uint32_t max_slots,
                                           bool accept_fewer, FrameWindow& into) noexcept
{
    switch (try_view(pool, newest, count, max_slots, accept_fewer, into)) {
        case View::Taken:
            return Outcome::Taken;
        case View::Overtaken:
            return Outcome::NoFrame;
        case View::MustCopy:
            break;
    }
    Patience patience = consumer_patience();
    const Outcome copied = copy_frames(pool, newest.frame, count, patience, into);
    const bool is_short = copied == Outcome::Taken && into.count() < count && !accept_fewer;
    return is_short ? Outcome::NoFrame : copied;
}

FrameSource::Outcome FrameSource::copy_chosen(const AttachmentRef& pool,
                                              std::span<const std::uint64_t> frames,
                                              bool accept_fewer, FrameWindow& into) noexcept
{
    const auto count = static_cast<std::uint32_t>(frames.size());
    Patience patience = consumer_patience();
    const Outcome copied = copy_each(
        pool, count, [&](std::uint32_t age) { return frames[age]; }, patience, into);
    const bool is_short = copied == Outcome::Taken && into.count() < count && !accept_fewer;
    return is_short ? Outcome::NoFrame : copied;
}

FrameSource::Outcome FrameSource::copy_frames(const AttachmentRef& pool, std::uint64_t newest,
                                              std::uint32_t count, Patience& patience,
                                              FrameWindow& into) noexcept
{
    std::uint32_t available = 0;
    while (available < count && available <= newest && pool->reader().find(newest - available)) {
        ++available;
    }
    if (available == 0) {
        return Outcome::NoFrame;
    }
    return copy_each(
        pool, available, [&](std::uint32_t age) { return newest - age; }, patience, into);
}

/// Copies `count` frames. @param frame_at  number of the frame at an age, falling
template <typename FrameAt>
FrameSource::Outcome FrameSource::copy_each(const AttachmentRef& pool, std::uint32_t count,
                                            const FrameAt& frame_at, Patience& patience,
                                            FrameWindow& into) noexcept
{
    const std::uint64_t stride = pool->geometry().slot_stride;
    Held hold(new (std::nothrow) FrameHold(pool, 0, 0));
    Infos infos = allocate_infos(count);
    if (hold == nullptr || infos == nullptr) {
        return Outcome::Exhausted;
    }
    // NOLINTNEXTLINE(*-owning-memory): not to be initialised, and no exception
    hold->host_copy_.reset(new (std::nothrow) std::byte[stride * count]);
    if (hold->host_copy_ == nullptr) {
        return Outcome::Exhausted;
    }
    if (DeviceReader* device = pool->device()) {
        static_cast<void>(device->take_failure());  // of an attempt that another one made good
        auto memory = device->allocate(count);
        if (!memory) {
            device->keep_failure(memory.error());
            return Outcome::Exhausted;
        }
        hold->lowest_ = memory.value()->address();
        hold->owned_ = std::move(memory).value();
    }
    std::byte* copies = hold->host_copy();
    const std::uint64_t device_stride = pool->geometry().device_stride;
    const bool newest_first = pool->geometry().memory_order == MemoryOrder::NewestFirst;
    std::uint32_t copied = 0;
    // Oldest first: those are the next to be overwritten.
    for (std::uint32_t age = count; age-- > 0;) {
        const std::uint32_t place = newest_first ? age : count - 1 - age;
        const CopyPlace target{copies + place * stride, hold->lowest_ + place * device_stride};
        const CopyOutcome outcome = copy_one(*pool, frame_at(age), target, infos[age], patience);
        if (outcome == CopyOutcome::NoRoom || outcome == CopyOutcome::Refused) {
            return Outcome::Exhausted;
        }
        if (outcome == CopyOutcome::Copied) {
            ++copied;
        } else if (copied > 0 || age == 0) {
            return Outcome::NoFrame;  // a gap: the producer went all the way round meanwhile
        }
    }
    FrameWindow window;
    window.pool_ = pool;
    // Frames that were gone before the first copy leave their places unused at the oldest end.
    const std::uint32_t unused = newest_first ? 0 : count - copied;
    window.lowest_ = copies + kHeadroomBytes + unused * stride;
    hold->lowest_ += unused * device_stride;
    window.hold_ = std::move(hold);
    window.newest_ = infos[0];
    window.infos_ = std::move(infos);
    window.count_ = copied;
    into = std::move(window);
    return Outcome::Taken;
}

}  // namespace tensor_ipc

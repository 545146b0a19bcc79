#include "tensor_ipc/ring/frame_times.hpp"

namespace tensor_ipc {

namespace {

// How often a reader whom the producer overtook looks for the newest frame again.
constexpr int kTurns = 64;

}  // namespace

/// Adds the frame that lies there, if it still does.
bool FrameTimes::add(const FrameReader& reader, FramePlace place)
{
    const auto captured_ns = reader.captured_ns(place);
    if (captured_ns) {
        captured_ns_.push_back(*captured_ns);
        slots_.push_back(place.slot);
    }
    return captured_ns.has_value();
}

void FrameTimes::read(const FrameReader& reader)
{
    const Geometry& geometry = reader.memory().geometry();
    clear();
    captured_ns_.reserve(geometry.history_len);
    slots_.reserve(geometry.history_len);
    FramePlace place;
    for (int turn = 0; turn < kTurns && slots_.empty(); ++turn) {
        const std::optional<FramePlace> announced = reader.latest();
        if (!announced) {
            return;
        }
        announced_ = announced->frame;
        place = *announced;
        if (turn % 2 == 1) {
            // The announced frame cannot be had while the producer, short of slots, writes over it.
            // What is readable then counts only if the producer did not go on during the search.
            const std::optional<FramePlace> readable = reader.newest_readable();
            const bool is_still = reader.latest().value_or(place).frame == announced->frame;
            if (!readable || !is_still) {
                continue;
            }
            place = *readable;
        }
        add(reader, place);
    }
    newest_ = place.frame;
    while (!slots_.empty() && count() < geometry.history_len && place.frame > 0) {
        const std::uint64_t frame = place.frame - 1;
        place = {frame, geometry.previous_slot(place.slot)};
        if (add(reader, place)) {
            continue;
        }
        // The producer went round a pinned slot, or the frame is gone.
        const std::optional<FramePlace> elsewhere = reader.find(frame);
        if (!elsewhere || !add(reader, *elsewhere)) {
            return;
        }
        place = *elsewhere;
    }
}

}  // namespace tensor_ipc

#include <algorithm>

#include "tensor_ipc/bindings/consumer_face.hpp"
#include "tensor_ipc/bindings/frame_face.hpp"

namespace tensor_ipc::bindings {

namespace {

nb::object frame_object(nb::handle consumer, FrameWindow window)
{
    return nb::cast(FrameFace(std::move(window), arrays_of(consumer)));
}

nb::object window_object(nb::handle consumer, FrameWindow window, bool latest_first)
{
    return nb::cast(FrameWindowFace(std::move(window), arrays_of(consumer), latest_first));
}

nb::tuple new_tuple(std::size_t count)
{
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(count));
    if (tuple == nullptr) {
        throw nb::python_error();
    }
    return nb::steal<nb::tuple>(tuple);
}

void set_item(const nb::tuple& tuple, std::size_t place, nb::object value)
{
    NB_TUPLE_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(place), value.release().ptr());
}

nb::object frame_at(nb::handle consumer, std::uint64_t timestamp_ns, std::uint8_t side)
{
    auto frame = unwrap(core_of(consumer).frame_at(timestamp_ns, static_cast<TimeSide>(side)));
    return frame ? frame_object(consumer, std::move(*frame).into_window()) : nb::none();
}

nb::object frames_between(nb::handle consumer, std::uint64_t first_ns, std::uint64_t last_ns,
                          bool latest_first)
{
    auto window = unwrap(core_of(consumer).frames_between(first_ns, last_ns));
    return window ? window_object(consumer, std::move(*window), latest_first) : nb::none();
}

/// Waits for a set; nothing after the time-out, or when one of the consumers was closed meanwhile.
std::optional<SynchronizedFrames> await_set(Synchronizer& synchronizer, nb::handle consumers,
                                            std::optional<std::uint64_t> after_ns,
                                            std::uint64_t deadline_ns)
{
    for (;;) {
        auto frames = unwrap(synchronizer.take(after_ns));
        if (frames || os::monotonic_ns() >= deadline_ns) {
            return frames;
        }
        const WaitOutcome outcome = without_gil([&] { return synchronizer.wait(deadline_ns); });
        // Closed by another thread, or by a signal handler; it must not attach again.
        const bool any_closed = std::any_of(consumers.begin(), consumers.end(), &is_closed);
        if (outcome == WaitOutcome::TimedOut || any_closed) {
            return std::nullopt;
        }
        if (outcome == WaitOutcome::Changed) {
            unwrap(synchronizer.refresh());
        }
    }
}

/// `(oldest_ns, newest_ns, (frame or window of each pool, ...))`; None without a set.
nb::object synchronized(const nb::tuple& consumers, const std::vector<std::uint32_t>& history_lens,
                        std::uint64_t tolerance_ns, std::optional<std::uint64_t> after_ns,
                        std::optional<double> timeout_s, bool latest_first)
{
    std::vector<SynchronizedPool> pools;
    pools.reserve(history_lens.size());
    for (std::size_t i = 0; i < history_lens.size(); ++i) {
        pools.push_back({&core_of(consumers[i]), history_lens[i]});
    }
    Synchronizer synchronizer(std::move(pools), tolerance_ns);
    auto found = await_set(synchronizer, consumers, after_ns, deadline_of(timeout_s));
    if (!found) {
        return nb::none();
    }
    nb::tuple frames = new_tuple(history_lens.size());
    for (std::size_t i = 0; i < history_lens.size(); ++i) {
        FrameWindow& window = found->windows[i];
        nb::object object = history_lens[i] == 1
                                ? frame_object(consumers[i], std::move(window))
                                : window_object(consumers[i], std::move(window), latest_first);
        set_item(frames, i, std::move(object));
    }
    return nb::make_tuple(found->oldest_ns, found->newest_ns, frames);
}

}  // namespace

void add_reading_by_time(nb::module_& module)
{
    module.def("frame_at", &frame_at, nb::arg("consumer"), nb::arg("timestamp_ns"),
               nb::arg("side"));
    module.def("frames_between", &frames_between, nb::arg("consumer"), nb::arg("first_ns"),
               nb::arg("last_ns"), nb::arg("latest_first"));
    module.def("synchronized", &synchronized, nb::arg("consumers"), nb::arg("history_lens"),
               nb::arg("tolerance_ns"), nb::arg("after_ns").none(), nb::arg("timeout_s").none(),
               nb::arg("latest_first"));
}

}  // namespace tensor_ipc::bindings

#include "tensor_ipc/bindings/consumer_face.hpp"

#include <chrono>
#include <cmath>
#include <thread>

#include "tensor_ipc/bindings/frame_face.hpp"
#include "tensor_ipc/bindings/pinning_report.hpp"

namespace tensor_ipc::bindings {

namespace {

/// Counts the threads that wait without the GIL, so that the end of the interpreter can let them
/// out first: a thread that asks for the GIL after that is ended by force inside our code.
class BlockedThreads {
public:
    /// Made and destroyed with the GIL.
    class Guard {
    public:
        Guard() { ++count(); }

        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

        ~Guard() { --count(); }
    };

    /// Waits until nobody waits, or a second has passed.
    static bool drain()
    {
        const std::uint64_t deadline_ns = os::monotonic_ns() + 1'000'000'000;
        while (count() != 0 && os::monotonic_ns() < deadline_ns) {
            const nb::gil_scoped_release unlocked;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return count() == 0;
    }

private:
    static int& count()
    {
        static int value = 0;
        static std::uint32_t epoch = os::fork_epoch();
        if (epoch != os::fork_epoch()) {  // the waiting threads stayed in the parent
            epoch = os::fork_epoch();
            value = 0;
        }
        return value;
    }
};

/// A consumer as Python holds it. The GIL makes its calls one at a time; it blocks without the GIL
/// through a Waiter, which owns what it needs.
class ConsumerFace {
public:
    ConsumerFace(Consumer consumer, TorchViews torch_views)
        : consumer_(std::move(consumer)), torch_views_(torch_views)
    {
        pinning_report_.tell(consumer_.pool_name(), consumer_.pinning());
    }

    /// The newest frames as one array; None when there is none.
    nb::object get(std::uint32_t frames, bool latest_first, bool copy, std::uint8_t padding,
                   bool as_numpy)
    {
        if (closed_) {  // here: asking from Python takes a tenth of all
            raise(Error{ErrorCode::PoolNotFound, "this consumer was cleaned up: make a new one"});
        }
        auto window = unwrap(consumer_.history(frames));
        if (!window) {
            return nb::none();
        }
        remember(window->info().index);
        const ArrayRequest request{frames, latest_first, copy, static_cast<Padding>(padding)};
        return as_numpy ? arrays()->numpy(std::move(*window), request)
                        : arrays()->native(std::move(*window), request);
    }

    /// The newest frame; None without one. Does not count as got by `wait()` when `remembered` is
    /// false.
    nb::object get_frame(bool remembered)
    {
        auto frame = unwrap(consumer_.latest());
        if (!frame) {
            return nb::none();
        }
        if (remembered) {
            remember(frame->info().index);
        }
        return nb::cast(FrameFace(std::move(*frame).into_window(), arrays()));
    }

    /// The newest frames as one object; None without any.
    nb::object get_frames(std::uint32_t frames, std::optional<bool> latest_first)
    {
        auto window = unwrap(consumer_.history(frames));
        if (!window) {
            return nb::none();
        }
        remember(window->info().index);
        return nb::cast(FrameWindowFace(std::move(*window), arrays(), latest_first));
    }

    /// Waits for a frame that get() has not returned yet.
    bool wait(std::optional<double> timeout_s)
    {
        return block([&] { return position(); }, deadline_of(timeout_s));
    }

    /// Waits for a frame after `after` of attachment `attachment`, for those with their own place.
    bool wait_after(std::optional<std::uint64_t> after, std::uint64_t attachment,
                    std::optional<double> timeout_s)
    {
        const auto place = [&]() -> std::optional<std::uint64_t> {
            return attachment == consumer_.attachments() ? after : std::nullopt;
        };
        return block(place, deadline_of(timeout_s));
    }

    bool connected() { return !closed_ && consumer_.connected(); }

    void close()
    {
        closed_ = true;
        consumer_.wake_waiters();
        consumer_.detach();
        drop_finished_frames();
    }

    /// Sleeps on the News in a capsule from now on, or on the pool's own words with None.
    void wake_by(nb::handle capsule)
    {
        if (capsule.is_none()) {
            consumer_.wake_by(nullptr);
            return;
        }
        void* news = PyCapsule_GetPointer(capsule.ptr(), kNewsCapsule);
        if (news == nullptr) {
            throw nb::python_error();
        }
        consumer_.wake_by(*static_cast<std::shared_ptr<News>*>(news));
    }

    [[nodiscard]] bool is_closed() const { return closed_; }

    [[nodiscard]] std::uint64_t attachments() const { return consumer_.attachments(); }

    [[nodiscard]] std::optional<std::uint64_t> latest_index() const
    {
        return consumer_.latest_index();
    }

    [[nodiscard]] nb::object metadata() const
    {
        const PoolMetadata* metadata = consumer_.metadata();
        return metadata == nullptr ? nb::none() : nb::object(parts_of(*metadata));
    }

    [[nodiscard]] nb::tuple stats() const
    {
        const ConsumerStats& stats = consumer_.stats();
        const ArrayMaker::Reordered now =
            arrays_ != nullptr ? arrays_->reordered() : ArrayMaker::Reordered{};
        return nb::make_tuple(stats.received, stats.missed,
                              stats.copied_frames + reordered_before_.frames + now.frames,
                              stats.copied_bytes + reordered_before_.bytes + now.bytes,
                              is_granted(consumer_.pinning()), refusal_of(consumer_.pinning()));
    }

    /// Frames are copied to a GPU on that CUstream too.
    void record_stream(std::uintptr_t stream)
    {
        // NOLINTNEXTLINE(*-int-to-ptr)
        unwrap(consumer_.record_stream(reinterpret_cast<cuda::StreamHandle>(stream)));
    }

    [[nodiscard]] Consumer& core() { return consumer_; }

    /// What the frames of the pool that is attached now become.
    const std::shared_ptr<ArrayMaker>& arrays()
    {
        if (arrays_attachment_ != consumer_.attachments() || arrays_ == nullptr) {
            auto made = std::make_shared<ArrayMaker>(*consumer_.metadata(), torch_views_);
            if (arrays_ != nullptr) {
                reordered_before_.frames += arrays_->reordered().frames;
                reordered_before_.bytes += arrays_->reordered().bytes;
            }
            arrays_ = std::move(made);
            arrays_attachment_ = consumer_.attachments();
            pinning_report_.tell(consumer_.pool_name(), consumer_.pinning());
        }
        return arrays_;
    }

private:
    void remember(std::uint64_t index)
    {
        got_ = index;
        got_attachment_ = consumer_.attachments();
    }

    /// Number of the newest frame that get() returned, of the pool that is attached now.
    [[nodiscard]] std::optional<std::uint64_t> position() const
    {
        return got_attachment_ == consumer_.attachments() ? got_ : std::nullopt;
    }

    template <typename Place>
    bool block(const Place& place, std::uint64_t deadline_ns)
    {
        bool look_for_successor = false;
        bool is_over = false;
        while (!closed_) {
            unwrap(look_for_successor ? consumer_.refresh() : consumer_.try_attach());
            const std::optional<std::uint64_t> after = place();
            if (consumer_.has_newer(after)) {
                return true;
            }
            if (is_over) {
                return false;
            }
            const Waiter waiter = consumer_.waiter(after);
            const WaitOutcome outcome = without_gil([&] { return waiter.wait(deadline_ns); });
            if (outcome == WaitOutcome::TimedOut) {
                return false;
            }
            if (outcome == WaitOutcome::Ready && !closed_) {
                return true;
            }
            look_for_successor = outcome == WaitOutcome::Changed;
            // As in Consumer::wait(): what changes again and again need not be a frame.
            is_over = look_for_successor && os::monotonic_ns() >= deadline_ns;
        }
        return false;
    }

    Consumer consumer_;
    TorchViews torch_views_;
    std::shared_ptr<ArrayMaker> arrays_;  ///< frames may outlive it, and this
    std::uint64_t arrays_attachment_ = 0;
    ArrayMaker::Reordered reordered_before_;  ///< in earlier attachments
    PinningReport pinning_report_;
    std::optional<std::uint64_t> got_;
    std::uint64_t got_attachment_ = 0;
    bool closed_ = false;
};

ConsumerOptions options_of(std::uint32_t max_pins, double spin_s, std::optional<int> pinned_for)
{
    return {max_pins, static_cast<std::uint64_t>(std::fmax(spin_s, 0.0) * 1e9), pinned_for};
}

/// Lets other threads run meanwhile: to open the memory of a GPU, or to have memory locked for one,
/// may take seconds.
template <typename Open>
Consumer opened(const Open& open)
{
    auto consumer = [&] {
        const nb::gil_scoped_release unlocked;
        return open();
    }();
    return unwrap(std::move(consumer));
}

TorchViews views_of(bool private_views)
{
    return private_views ? TorchViews::Private : TorchViews::ReadOnly;
}

ConsumerFace attach(const std::string& name, std::uint32_t max_pins, double spin_s,
                    bool private_views, std::optional<int> pinned_for)
{
    const ConsumerOptions options = options_of(max_pins, spin_s, pinned_for);
    return {opened([&] { return Consumer::attach(name, options); }), views_of(private_views)};
}

ConsumerFace follow(std::string name, const std::vector<std::int64_t>& shape,
                    const std::string& dtype, std::uint32_t history_len, std::string backend,
                    std::string device, bool varying_extent, std::uint32_t max_pins, double spin_s,
                    bool private_views, std::optional<int> pinned_for)
{
    const PoolMetadata metadata =
        metadata_of(std::move(name), shape, dtype, history_len, std::move(backend),
                    std::move(device), varying_extent);
    const ConsumerOptions options = options_of(max_pins, spin_s, pinned_for);
    return {opened([&] { return Consumer::follow(metadata, options); }), views_of(private_views)};
}

}  // namespace

Consumer& core_of(nb::handle consumer)
{
    return nb::cast<ConsumerFace&>(consumer).core();
}

std::shared_ptr<ArrayMaker> arrays_of(nb::handle consumer)
{
    return nb::cast<ConsumerFace&>(consumer).arrays();
}

bool is_closed(nb::handle consumer)
{
    return nb::cast<ConsumerFace&>(consumer).is_closed();
}

std::uint64_t deadline_of(std::optional<double> timeout_s)
{
    if (!timeout_s || std::isinf(*timeout_s) || *timeout_s > 1e9) {
        return os::kNever;
    }
    const double clipped = std::fmax(*timeout_s, 0.0);
    return os::monotonic_ns() + static_cast<std::uint64_t>(clipped * 1e9);
}

WaitOutcome without_gil(const std::function<WaitOutcome()>& wait)
{
    WaitOutcome outcome{};
    {
        const BlockedThreads::Guard counted;
        const nb::gil_scoped_release unlocked;
        outcome = wait();
    }
    if (PyErr_CheckSignals() != 0) {
        throw nb::python_error();
    }
    return outcome;
}

void add_consumer(nb::module_& module)
{
    nb::class_<ConsumerFace>(module, "Consumer")
        // Without names: nanobind then takes its short way.
        .def("get", &ConsumerFace::get)
        .def("get_frame", &ConsumerFace::get_frame, nb::arg("remembered") = true)
        .def("get_frames", &ConsumerFace::get_frames, nb::arg("frames"),
             nb::arg("latest_first").none())
        .def("wait", &ConsumerFace::wait, nb::arg("timeout_s").none())
        .def("wait_after", &ConsumerFace::wait_after, nb::arg("after").none(),
             nb::arg("attachment"), nb::arg("timeout_s").none())
        .def("wake_by", &ConsumerFace::wake_by, nb::arg("news").none())
        .def("record_stream", &ConsumerFace::record_stream, nb::arg("stream"))
        .def("close", &ConsumerFace::close)
        .def_prop_ro("is_closed", &ConsumerFace::is_closed)
        .def_prop_ro("connected", &ConsumerFace::connected)
        .def_prop_ro("attachments", &ConsumerFace::attachments)
        .def_prop_ro("latest_index", &ConsumerFace::latest_index)
        .def_prop_ro("metadata", &ConsumerFace::metadata)
        .def_prop_ro("stats", &ConsumerFace::stats);
    module.def("attach_consumer", &attach, nb::arg("name"), nb::arg("max_pins"), nb::arg("spin_s"),
               nb::arg("private_views"), nb::arg("pinned_for").none());
    module.def("drain_waiting_threads", &BlockedThreads::drain);
    module.def("follow_pool", &follow, nb::arg("name"), nb::arg("shape"), nb::arg("dtype"),
               nb::arg("history_len"), nb::arg("backend"), nb::arg("device"),
               nb::arg("varying_extent"), nb::arg("max_pins"), nb::arg("spin_s"),
               nb::arg("private_views"), nb::arg("pinned_for").none());
}

}  // namespace tensor_ipc::bindings

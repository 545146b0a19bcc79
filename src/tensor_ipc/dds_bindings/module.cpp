#include <cmath>

#include "tensor_ipc/dds/dds.hpp"
#include "tensor_ipc/dds_bindings/dds_bindings.hpp"

namespace tensor_ipc::bindings {

namespace {

using dds::Announcement;
using dds::Directory;
using dds::Participant;
using dds::ParticipantOptions;
using dds::ProgressWatch;

/// Runs `call`, which touches no Python object, and lets other threads run meanwhile.
template <typename Call>
auto unlocked(const Call& call)
{
    const nb::gil_scoped_release release;
    return call();
}

std::shared_ptr<Participant> join(std::optional<std::uint32_t> domain)
{
    const auto options = unwrap(ParticipantOptions::from_environment(domain));
    return unwrap(unlocked([&] { return Participant::shared(options); }));
}

/// An announcement as Python holds it. Withdrawn without the GIL, which the process' other threads
/// may need to get out of Cyclone DDS.
class AnnouncementFace {
public:
    explicit AnnouncementFace(Announcement announcement) : announcement_(std::move(announcement)) {}

    AnnouncementFace(AnnouncementFace&&) = default;
    AnnouncementFace& operator=(AnnouncementFace&&) = delete;
    AnnouncementFace(const AnnouncementFace&) = delete;
    AnnouncementFace& operator=(const AnnouncementFace&) = delete;

    ~AnnouncementFace() { withdraw(); }

    void withdraw()
    {
        if (announcement_.is_announced()) {
            const nb::gil_scoped_release release;
            announcement_.withdraw();
        }
    }

    [[nodiscard]] bool is_announced() const { return announcement_.is_announced(); }

    [[nodiscard]] std::uint32_t readers() const { return announcement_.readers(); }

    [[nodiscard]] std::uint64_t samples() const { return announcement_.samples(); }

private:
    Announcement announcement_;
};

AnnouncementFace announce(const std::string& pool_name, std::optional<std::uint32_t> domain,
                          std::int32_t keep_last, double max_rate_hz)
{
    dds::AnnouncementOptions options;
    options.participant = unwrap(ParticipantOptions::from_environment(domain));
    options.keep_last = keep_last;
    options.max_rate_hz = max_rate_hz;
    return AnnouncementFace(
        unwrap(unlocked([&] { return Announcement::begin(pool_name, options); })));
}

nb::dict fields_of(const dds::DiscoveredPool& pool)
{
    const dds::PoolRecord& record = pool.record;
    nb::dict fields;
    fields["metadata"] = parts_of(record.metadata);
    fields["name_space"] = record.key.name_space;
    fields["host"] = record.host;
    fields["host_id"] = record.key.host_id;
    fields["owner_uid"] = record.owner_uid;
    fields["producer_pid"] = record.producer_pid;
    fields["generation"] = record.generation;
    fields["latest_frame"] = record.latest_frame;
    fields["rate_hz"] = record.rate_hz;
    fields["alive"] = pool.alive;
    fields["is_local"] = pool.is_local;
    return fields;
}

/// A directory as Python holds it.
class DirectoryFace {
public:
    explicit DirectoryFace(Directory directory) : directory_(std::move(directory)) {}

    bool wait(double timeout_s) const
    {
        const double slice_s = std::fmin(std::fmax(timeout_s, 0.0), 1.0);
        const auto deadline = os::monotonic_ns() + static_cast<std::uint64_t>(slice_s * 1e9);
        return unlocked([&] { return directory_.wait(deadline); });
    }

    nb::list pools()
    {
        nb::list found;
        for (const auto& pool : unwrap(unlocked([&] { return directory_.pools(); }))) {
            found.append(fields_of(pool));
        }
        return found;
    }

private:
    Directory directory_;
};

std::unique_ptr<DirectoryFace> open_directory(std::optional<std::uint32_t> domain)
{
    const auto options = unwrap(ParticipantOptions::from_environment(domain));
    return std::make_unique<DirectoryFace>(
        unwrap(unlocked([&] { return Directory::open(options); })));
}

/// A capsule that Consumer.wake_by of _core takes.
nb::object news_of(const ProgressWatch& watch)
{
    auto owned = std::make_unique<std::shared_ptr<News>>(watch.news());
    PyObject* capsule = PyCapsule_New(owned.get(), kNewsCapsule, [](PyObject* self) {
        const std::unique_ptr<std::shared_ptr<News>> owner(
            static_cast<std::shared_ptr<News>*>(PyCapsule_GetPointer(self, kNewsCapsule)));
    });
    if (capsule == nullptr) {
        throw nb::python_error();
    }
    static_cast<void>(owned.release());  // the capsule's
    return nb::steal(capsule);
}

/// `(generation, frame, captured_ns, published_ns, published_unix_ns)`, or None.
nb::object latest_of(const ProgressWatch& watch)
{
    const auto latest = watch.latest();
    if (!latest) {
        return nb::none();
    }
    return nb::make_tuple(latest->generation, latest->frame, latest->captured_ns,
                          latest->published_ns, latest->published_unix_ns);
}

std::unique_ptr<ProgressWatch> watch_progress(const std::string& pool_name,
                                              std::optional<std::uint32_t> domain,
                                              std::int32_t keep_last)
{
    const auto options = unwrap(ParticipantOptions::from_environment(domain));
    return std::make_unique<ProgressWatch>(
        unwrap(unlocked([&] { return ProgressWatch::open(pool_name, options, keep_last); })));
}

}  // namespace

}  // namespace tensor_ipc::bindings

NB_MODULE(_dds, module)
{
    namespace face = tensor_ipc::bindings;
    namespace nb = nanobind;
    using face::AnnouncementFace;
    using face::DirectoryFace;
    using face::Participant;
    using face::ProgressWatch;
    nb::set_leak_warnings(false);
    nb::class_<Participant>(module, "Participant")
        .def_prop_ro("domain", &Participant::domain)
        .def_prop_ro("is_usable", &Participant::is_usable);
    nb::class_<AnnouncementFace>(module, "Announcement")
        .def("withdraw", &AnnouncementFace::withdraw)
        .def_prop_ro("is_announced", &AnnouncementFace::is_announced)
        .def_prop_ro("readers", &AnnouncementFace::readers)
        .def_prop_ro("samples", &AnnouncementFace::samples);
    nb::class_<DirectoryFace>(module, "Directory")
        .def("wait", &DirectoryFace::wait, nb::arg("timeout_s"))
        .def("pools", &DirectoryFace::pools);
    nb::class_<ProgressWatch>(module, "ProgressWatch")
        .def_prop_ro("news", &face::news_of)
        .def_prop_ro("latest", &face::latest_of)
        .def_prop_ro("samples", &ProgressWatch::samples)
        .def_prop_ro("is_usable", &ProgressWatch::is_usable);
    module.def("join", &face::join, nb::arg("domain").none() = nb::none());
    module.def("announce", &face::announce, nb::arg("pool_name"), nb::arg("domain").none(),
               nb::arg("keep_last"), nb::arg("max_rate_hz"));
    module.def("open_directory", &face::open_directory, nb::arg("domain").none() = nb::none());
    module.def("watch_progress", &face::watch_progress, nb::arg("pool_name"),
               nb::arg("domain").none(), nb::arg("keep_last"));
    face::add_mirror(module);
#ifdef TENSOR_IPC_HAS_ROS
    face::add_ros(module);
#endif
}

#include "tensor_ipc/dds/dds.hpp"
#include "tensor_ipc/dds_bindings/dds_bindings.hpp"

namespace tensor_ipc::bindings {

namespace {

std::shared_ptr<dds::Participant> join(std::optional<std::uint32_t> domain)
{
    const auto options = unwrap(dds::ParticipantOptions::from_environment(domain));
    const nb::gil_scoped_release unlocked;
    auto joined = dds::Participant::shared(options);
    const nb::gil_scoped_acquire locked;
    return unwrap(std::move(joined));
}

}  // namespace

}  // namespace tensor_ipc::bindings

NB_MODULE(_dds, module)
{
    namespace face = tensor_ipc::bindings;
    using tensor_ipc::dds::Participant;
    nanobind::set_leak_warnings(false);
    nanobind::class_<Participant>(module, "Participant")
        .def_prop_ro("domain", &Participant::domain)
        .def_prop_ro("is_usable", &Participant::is_usable);
    module.def("join", &face::join, nanobind::arg("domain").none() = nanobind::none());
    face::add_mirror(module);
}

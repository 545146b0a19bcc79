#include <nanobind/stl/vector.h>

#include "tensor_ipc/dds_bindings/dds_bindings.hpp"
#include "tensor_ipc/mirror/mirror.hpp"
#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::bindings {

namespace {

using mirror::MirrorOptions;
using mirror::MirrorServer;
using mirror::PoolMirror;
using mirror::ServerOptions;

dds::ParticipantOptions network_of(std::optional<std::uint32_t> domain,
                                   const std::optional<std::string>& interface,
                                   std::vector<std::string> peers)
{
    auto options = unwrap(dds::ParticipantOptions::from_environment(domain));
    if (interface) {
        options.interface = *interface;
    }
    if (!peers.empty()) {
        options.peers = std::move(peers);
    }
    return options;
}

PoolMirror start_mirror(std::string pool_name, std::string local_name, std::string host,
                        std::optional<std::uint32_t> domain,
                        const std::optional<std::string>& interface, std::vector<std::string> peers,
                        bool reliable, double max_rate_hz, std::uint64_t max_bytes_per_s,
                        std::uint32_t piece_bytes, std::uint64_t max_pool_bytes)
{
    MirrorOptions options;
    options.network = network_of(domain, interface, std::move(peers));
    options.pool_name = std::move(pool_name);
    options.local_name = std::move(local_name);
    options.host = std::move(host);
    options.reliable = reliable;
    options.max_rate_hz = max_rate_hz;
    options.max_bytes_per_s = max_bytes_per_s;
    options.piece_bytes = piece_bytes;
    options.max_pool_bytes = max_pool_bytes;
    auto started = [&] {
        const nb::gil_scoped_release unlocked;
        return PoolMirror::start(options);
    }();
    return unwrap(std::move(started));
}

MirrorServer start_server(std::vector<std::string> pools, bool all,
                          std::optional<std::uint32_t> domain,
                          const std::optional<std::string>& interface,
                          std::vector<std::string> peers)
{
    ServerOptions options;
    options.network = network_of(domain, interface, std::move(peers));
    options.pools = std::move(pools);
    options.all = all;
    auto started = [&] {
        const nb::gil_scoped_release unlocked;
        return MirrorServer::start(options);
    }();
    return unwrap(std::move(started));
}

/// The fields of tensor_ipc.MirrorStatus by name.
nb::dict status_of(const PoolMirror& face)
{
    const mirror::MirrorStatus status = face.status();
    nb::dict fields;
    fields["source"] = nb::none();
    if (status.source) {
        fields["source"] = nb::make_tuple(status.source->host, status.source->host_id,
                                          status.source->uid, status.source->pid);
    }
    fields["open"] = status.open;
    fields["latest_frame"] = nb::cast(status.latest_frame);
    fields["received"] = status.frames.received;
    fields["received_bytes"] = status.frames.bytes;
    fields["lost"] = status.frames.lost;
    fields["dropped"] = status.frames.dropped;
    fields["missed"] = status.frames.missed;
    fields["pools_made"] = status.frames.pools;
    fields["refused"] = status.refused;
    fields["problem"] = status.problem;
    return fields;
}

bool wait_open(const PoolMirror& face, double timeout_s)
{
    const nb::gil_scoped_release unlocked;
    return face.wait_open(os::monotonic_ns() + static_cast<std::uint64_t>(timeout_s * 1e9));
}

/// The fields of tensor_ipc.ServedMirror in their order, for each.
nb::list mirrors_of(const MirrorServer& face)
{
    nb::list mirrors;
    for (const mirror::ServedMirror& each : face.mirrors()) {
        mirrors.append(nb::make_tuple(each.pool_name, each.host, each.uid, each.pid, each.connected,
                                      each.frames, each.bytes, each.abandoned));
    }
    return mirrors;
}

template <typename Face>
void close(Face& face)
{
    const nb::gil_scoped_release unlocked;
    face.close();
}

}  // namespace

void add_mirror(nb::module_& module)
{
    nb::class_<PoolMirror>(module, "PoolMirror")
        .def_prop_ro("status", &status_of)
        .def("wait_open", &wait_open, nb::arg("timeout_s"))
        .def("close", &close<PoolMirror>);
    nb::class_<MirrorServer>(module, "MirrorServer")
        .def_prop_ro("mirrors", &mirrors_of)
        .def_prop_ro("pools", &MirrorServer::pools)
        .def("close", &close<MirrorServer>);
    module.def("start_mirror", &start_mirror, nb::arg("pool_name"), nb::arg("local_name"),
               nb::arg("host"), nb::arg("domain").none(), nb::arg("interface").none(),
               nb::arg("peers"), nb::arg("reliable"), nb::arg("max_rate_hz"),
               nb::arg("max_bytes_per_s"), nb::arg("piece_bytes"), nb::arg("max_pool_bytes"));
    module.def("start_server", &start_server, nb::arg("pools"), nb::arg("all"),
               nb::arg("domain").none(), nb::arg("interface").none(), nb::arg("peers"));
}

}  // namespace tensor_ipc::bindings

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

namespace {

/// The fields of tensor_ipc.PoolInfo by name; PoolInfo(**this) makes one.
nb::dict info_of(const PoolFacts& facts)
{
    nb::list consumers;
    for (const ConsumerFacts& consumer : facts.consumers) {
        consumers.append(nb::make_tuple(consumer.id, consumer.pid, consumer.pinned_slots));
    }
    nb::dict info;
    info["name"] = facts.metadata.name;
    info["shape"] = shape_of(facts.metadata.shape);
    info["dtype_str"] = std::string(dtype_name(facts.metadata.dtype));
    info["backend_type"] = facts.problem.empty() ? facts.metadata.backend : "";
    info["device"] = facts.problem.empty() ? facts.metadata.device : "";
    info["varying_extent"] = facts.metadata.varying_extent;
    info["history_len"] = facts.problem.empty() ? facts.metadata.history_len : 0;
    info["slot_count"] = facts.geometry.slot_count;
    info["frame_bytes"] = facts.geometry.frame_bytes;
    info["segment_bytes"] = facts.segment_bytes;
    info["device_bytes"] = facts.geometry.device_bytes();
    info["generation"] = facts.generation;
    info["layout_version"] = facts.problem.empty() ? kLayoutVersion : 0;
    info["latest_frame"] = facts.latest_frame;
    info["last_published_ns"] = facts.last_published_ns;
    info["rate_hz"] = facts.rate_hz;
    info["producer_alive"] = facts.producer_alive;
    info["producer_pid"] = facts.producer_pid;
    info["closed"] = facts.ended;
    info["skipped_slots"] = facts.skipped_slots;
    info["consumers"] = nb::tuple(consumers);
    info["error"] = facts.problem;
    return info;
}

}  // namespace

void add_pool_facts(nb::module_& module)
{
    module.def("inspect", [](const std::string& name) { return info_of(unwrap(inspect(name))); });
    module.def("list_pools", [] {
        nb::list pools;
        for (const PoolFacts& facts : unwrap(inspect_all())) {
            pools.append(info_of(facts));
        }
        return pools;
    });
    module.def("clean", [](bool dry_run) {
        nb::list removed;
        for (const Leftover& leftover : unwrap(clean(dry_run))) {
            removed.append(nb::make_tuple(leftover.pool_name, leftover.bytes, leftover.reason));
        }
        return removed;
    });
    module.def(
        "item_bytes", [](const std::string& name) { return dtype_of(name).item_bytes(); },
        nb::arg("dtype"));
    module.def("segment_name",
               [](const std::string& name) { return unwrap(segment_name_of(name)); });
    module.def("monotonic_ns", [] { return os::monotonic_ns(); });
}

}  // namespace tensor_ipc::bindings

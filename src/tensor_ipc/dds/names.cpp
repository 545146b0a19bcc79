#include "tensor_ipc/dds/names.hpp"

#include "tensor_ipc/os/host.hpp"
#include "tensor_ipc/segment/open_segment.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc::dds {

std::string topic_name(std::string_view pool_name, std::string_view what)
{
    std::string name = "tensoripc_";
    for (const char c : pool_name) {
        const bool is_allowed =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name.push_back(is_allowed ? c : '_');
    }
    return name.append("_").append(what);
}

Result<PoolKey> local_key(std::string_view pool_name)
{
    auto name = PoolName::parse(pool_name);
    if (!name) {
        return name.error();
    }
    auto name_space = current_namespace();
    if (!name_space) {
        return name_space.error();
    }
    return PoolKey{*std::move(name_space), name->text(), os::shared_memory_id()};
}

}  // namespace tensor_ipc::dds

/// What is said when the CUDA driver does not lock a pool's memory.
#pragma once

#include <string>

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

/// Tells the log of each refusal once.
class PinningReport {
public:
    /// Call with the GIL. @param pinning  null where it was not asked for
    void tell(const std::string& pool_name, const Pinning* pinning);

private:
    std::string told_;
};

/// For the stats.
inline bool is_granted(const Pinning* pinning)
{
    return pinning != nullptr && pinning->is_granted();
}

/// For the stats.
inline std::string refusal_of(const Pinning* pinning)
{
    return pinning == nullptr ? std::string() : pinning->refusal();
}

}  // namespace tensor_ipc::bindings

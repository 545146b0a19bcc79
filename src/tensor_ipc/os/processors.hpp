/// The processors that threads share.
#pragma once

#include <cstdint>

namespace tensor_ipc::os {

/// Processors that the calling thread may run on; 1 where the kernel does not say.
[[nodiscard]] std::uint32_t usable_processors() noexcept;

/// Lets another thread have this processor, if one waits for it.
void yield_processor() noexcept;

}  // namespace tensor_ipc::os

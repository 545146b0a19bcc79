/// What keeps fork() out while this process is inside Cyclone DDS.
#pragma once

#include <mutex>

namespace tensor_ipc::dds {

using ForkGate = std::recursive_mutex;

/// Held by whoever makes or deletes participants, writers and readers, or writes: one at a time,
/// and fork() waits for it, so that a child finds neither this nor the library's own locks taken by
/// a thread that it has not got. Not for listeners: others wait for them to end while they hold
/// this.
[[nodiscard]] ForkGate& fork_gate();

}  // namespace tensor_ipc::dds

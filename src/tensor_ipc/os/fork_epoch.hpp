/// What fork() must not share.
///
/// A kernel lock (file_lock.hpp) lives as long as any copy of its descriptor. A child that kept a
/// copy would hold its dead parent's locks, and the parent would seem alive. So the child closes
/// every registered descriptor before fork() returns in it, and objects notice by the epoch that
/// they are the parent's.
#pragma once

#include <atomic>
#include <cstdint>

namespace tensor_ipc::os {

namespace detail {
extern std::atomic<std::uint32_t> fork_epoch_value;
}

/// Number of forks between the first process and this one, since the first call of what follows.
/// One relaxed load.
[[nodiscard]] inline std::uint32_t fork_epoch() noexcept
{
    return detail::fork_epoch_value.load(std::memory_order_relaxed);
}

/// Counts forks from now on, for those who have no descriptor to close. Thread-safe.
void count_forks();

/// Names a descriptor that a forked child closes. Thread-safe. Undone by `keep_in_child`.
void close_in_child(int fd);

/// Takes a descriptor off the list; called before it is closed.
void keep_in_child(int fd) noexcept;

}  // namespace tensor_ipc::os

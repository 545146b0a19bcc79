#include "tensor_ipc/os/fork_epoch.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include <pthread.h>
#include <unistd.h>

namespace tensor_ipc::os {

namespace detail {
std::atomic<std::uint32_t> fork_epoch_value{0};  // NOLINT(*-avoid-non-const-global-variables)
}

namespace {

struct Registry {
    std::mutex mutex;
    std::vector<int> descriptors;
};

void before_fork();
void in_parent();
void in_child();

// Never destroyed: threads may fork while static objects die.
Registry& registry()
{
    static auto* const instance = [] {
        auto* made = new Registry;  // NOLINT(*-owning-memory)
        ::pthread_atfork(before_fork, in_parent, in_child);
        return made;
    }();
    return *instance;
}

void before_fork()
{
    registry().mutex.lock();
}

void in_parent()
{
    registry().mutex.unlock();
}

void in_child()
{
    Registry& mine = registry();
    for (const int fd : mine.descriptors) {
        ::close(fd);
    }
    mine.descriptors.clear();
    detail::fork_epoch_value.fetch_add(1, std::memory_order_relaxed);
    mine.mutex.unlock();
}

}  // namespace

void count_forks()
{
    registry();
}

void close_in_child(int fd)
{
    Registry& mine = registry();
    const std::lock_guard lock(mine.mutex);
    mine.descriptors.push_back(fd);
}

void keep_in_child(int fd) noexcept
{
    Registry& mine = registry();
    const std::lock_guard lock(mine.mutex);
    const auto found = std::ranges::find(mine.descriptors, fd);
    if (found != mine.descriptors.end()) {
        *found = mine.descriptors.back();
        mine.descriptors.pop_back();
    }
}

}  // namespace tensor_ipc::os

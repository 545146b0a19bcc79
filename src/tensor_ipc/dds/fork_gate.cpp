#include "tensor_ipc/dds/fork_gate.hpp"

#include <new>

#include <pthread.h>

#include "tensor_ipc/os/fork_epoch.hpp"

namespace tensor_ipc::dds {

namespace {

void before_fork()
{
    fork_gate().lock();
}

void in_parent()
{
    fork_gate().unlock();
}

void in_child()
{
    // Its owner is a thread of another process.
    new (&fork_gate()) ForkGate;
}

}  // namespace

ForkGate& fork_gate()
{
    // Never destroyed: threads may fork while static objects die.
    static auto* const gate = [] {
        os::count_forks();
        ::pthread_atfork(before_fork, in_parent, in_child);
        return new ForkGate;  // NOLINT(*-owning-memory)
    }();
    return *gate;
}

}  // namespace tensor_ipc::dds

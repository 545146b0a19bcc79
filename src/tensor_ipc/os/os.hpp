/// os/ wraps the Linux calls the project needs in types that own what they open. No other layer
/// includes a system header. It may include base/ only and knows nothing of pools.
#pragma once

#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/descriptor_passing.hpp"
#include "tensor_ipc/os/directory_watch.hpp"
#include "tensor_ipc/os/dynamic_library.hpp"
#include "tensor_ipc/os/event_fd.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"
#include "tensor_ipc/os/file_lock.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"
#include "tensor_ipc/os/futex.hpp"
#include "tensor_ipc/os/host.hpp"
#include "tensor_ipc/os/mappable_file.hpp"
#include "tensor_ipc/os/mapping.hpp"
#include "tensor_ipc/os/private_pages.hpp"
#include "tensor_ipc/os/process_facts.hpp"
#include "tensor_ipc/os/processors.hpp"
#include "tensor_ipc/os/shared_memory.hpp"

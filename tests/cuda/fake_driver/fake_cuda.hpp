/// A stand-in for the CUDA driver, for tests on machines without a GPU: libcuda's functions over
/// ordinary memory, as far as the project calls them. This is what tests may ask it and tell it
/// beside those.
///
/// What it keeps of a real driver, because mistakes show there:
/// - device memory is shared between processes, and a host access to a device address faults;
/// - streams work on threads of their own, in order, as slowly as told; a copy is made in four
/// parts,
///   so that who looks too early sees a torn one; work meets an address that is gone with a fault;
/// - freed memory is overwritten with kPoison, also where another process has it open;
/// - handles open whole allocations, not in a process of the same PID *value*, twice to one
/// address;
/// - the CUDA of a forked child is dead; a context that has faulted stays broken, and its host
///   functions are not called; a host function that calls CUDA is refused.
///
/// What it does not model: the implicit synchronisation of the legacy default stream; kernels;
/// speed. It proves our use of the interface, not the driver.
///
/// Environment, read by cuInit and `fake_cuda_reset`:
///   FAKE_CUDA_DEVICES=n       GPUs of the machine (1); CUDA_VISIBLE_DEVICES chooses and reorders
///   FAKE_CUDA_MEMORY_MB=n     of each GPU, for this process (256)
///   FAKE_CUDA_DELAY_US=n      how long a copy takes (0)
///   FAKE_CUDA_VERSION=n       what cuDriverGetVersion says (13000)
///   FAKE_CUDA_PID=n           this process's PID value, as in a container of its own
///   FAKE_CUDA_WITHOUT=a,b     of ipc, vmm, p2p, hostreg, readonly-hostreg
///   FAKE_CUDA_FAIL=name:nth:status,..   as fake_cuda_fail
#pragma once

#include <cstdint>

/// What device memory is filled with when it is made and when it is freed.
inline constexpr unsigned char kUninitialised = 0xCD;
inline constexpr unsigned char kPoison = 0xDD;

/// What this process has of the driver and has not given back.
struct FakeCudaLive {
    int contexts;       ///< retains
    int pushed;         ///< contexts on this thread's stack
    int allocations;    ///< cuMemAlloc
    int opened;         ///< cuIpcOpenMemHandle, each time counted
    int handles;        ///< cuMemCreate and cuMemImportFromShareableHandle
    int reservations;   ///< cuMemAddressReserve
    int mappings;       ///< cuMemMap
    int registrations;  ///< cuMemHostRegister
    int streams;        ///< without the default ones
    int events;

    friend bool operator==(const FakeCudaLive&, const FakeCudaLive&) = default;
};

extern "C" {

/// Reads the environment again, forgets injected failures and counts, mends contexts. What is live
/// stays.
void fake_cuda_reset();

/// Lets the `nth` call of `name` from now on (1 is the next, 0 all) return `status`.
void fake_cuda_fail(const char* name, std::uint64_t nth, int status);

/// How often `name` was called since the last reset; every function together for null.
std::uint64_t fake_cuda_calls(const char* name);

FakeCudaLive fake_cuda_live();

/// Bytes of physical device `gpu` that this process keeps allocated.
std::uint64_t fake_cuda_used_bytes(int gpu);

/// While held, no stream begins another piece of work, or another part of a copy.
void fake_cuda_hold(int held);

/// Lets that many of them happen while held. The first part of a copy goes with its beginning.
void fake_cuda_step(int steps);

/// Waits until no stream has anything to do.
void fake_cuda_drain();

/// Breaks the current context as a kernel that goes astray does.
void fake_cuda_break_context();

/// Lets cuStreamIsCapturing say so of `stream`.
void fake_cuda_set_capturing(void* stream, int capturing);

/// A byte of device memory, as the device sees it; -1 when there is none at that address.
int fake_cuda_peek(unsigned long long address);
}

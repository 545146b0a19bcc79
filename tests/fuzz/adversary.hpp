/// A malicious process that writes into a pool while others use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "fuzz/edits.hpp"

namespace tensor_ipc::fuzz {

/// When its edits come.
enum class Attack : std::uint8_t {
    Never,
    AtTestPoints,  ///< one at each named place of the protocol: the same with each run of an input
    InAThread,     ///< all the time, in another thread
};

/// Goes round a list of edits for as long as it lives. One at a time.
class Adversary {
public:
    Adversary(std::byte* control, std::vector<Edit> edits, Attack attack);
    Adversary(const Adversary&) = delete;
    Adversary& operator=(const Adversary&) = delete;
    ~Adversary();

    /// Called between calls of the library. Whoever passes a hundred thousand test points within
    /// one call goes round in circles.
    void begin_call() noexcept { points_ = 0; }

private:
    static void at_test_point(const char* name);
    void write_next() noexcept;

    static inline Adversary* active_ = nullptr;

    std::byte* control_;
    std::vector<Edit> edits_;
    std::size_t next_ = 0;
    std::uint64_t round_ = 0;
    std::uint64_t points_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace tensor_ipc::fuzz

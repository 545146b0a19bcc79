/// What a load may return: the C++20 memory model as a machine that runs one operation at a time.
///
/// Every atomic place keeps the messages that were stored there, oldest first, and every process
/// has a view: for each place the oldest message that it may still read. A load may read that one
/// or any later one; a store adds one at the end. A message that was stored with release carries
/// its writer's view, and a load with acquire that reads it takes that view over. A
/// read-modify-write reads the last message and hands on what that one carried (a release
/// sequence). A seq_cst load reads nothing older than what any seq_cst operation on that place has
/// read or stored.
///
/// Plain bytes are places without messages: whoever touches them must have the last change in its
/// view, else the program has a data race.
///
/// What the machine does not do: let a load be satisfied by a store that runs later (load
/// buffering), and put a store anywhere but at the end of its place's modification order. Sources:
/// the C++20 draft [atomics.order]; "Repairing Sequential Consistency in C/C++11", O. Lahav et al.,
/// PLDI 2017; views after "A Promising Semantics for Relaxed-Memory Concurrency", J. Kang et al.,
/// POPL 2017.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tensor_ipc::model {

inline constexpr int kAtomics = 24;  ///< places that hold messages
inline constexpr int kPlaces = 40;   ///< those, and plain ones after them
inline constexpr int kMessages = 24;

using View = std::array<std::uint8_t, kPlaces>;

/// A running digest of 128 bits.
struct Digest {
    std::uint64_t high = 1;
    std::uint64_t low = 2;

    void add(std::uint64_t value) noexcept
    {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(high ^ value) * 0x9E3779B97F4A7C15U;
        high = static_cast<std::uint64_t>(product) + static_cast<std::uint64_t>(product >> 64U) +
               0x632BE59BD9B4E019U;
        low = (std::rotl(low, 29) ^ value) * 0xD6E8FEB86659FD93U + (low >> 32U);
    }

    friend bool operator==(const Digest&, const Digest&) = default;
};

void join(View& into, const View& from) noexcept;

struct Message {
    std::uint64_t value;
    View view;  ///< what whoever acquires the message has seen
};

struct Place {
    std::uint8_t count;       ///< messages
    std::uint8_t last_by_sc;  ///< the newest message that a seq_cst operation touched
    std::array<Message, kMessages> messages;
};

/// Which of `count` messages a load reads, 0 being the newest.
using Pick = int (*)(int count);

class Memory {
public:
    void reset() noexcept;

    /// What is there before anyone runs.
    void preset(int place, std::uint64_t value) noexcept
    {
        places_[place].messages[0].value = value;
    }

    std::uint64_t load(View& mine, int place, std::memory_order order, Pick pick) noexcept;

    /// Where a process only does seq_cst loads, it never reads messages older than `last_by_sc`
    /// again, and they can be forgotten. This says that it does other loads too.
    /// @return true when that is news
    static bool admit_weak_loads(int process, int place) noexcept
    {
        const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(process));
        const bool is_news = (weak_loads_[place] & bit) == 0;
        weak_loads_[place] |= bit;
        return is_news;
    }

    static void expect_no_weak_loads() noexcept { weak_loads_.fill(0); }

    /// The oldest message that a process with this view may read again.
    [[nodiscard]] std::uint8_t oldest(int process, const View& view, int place) const noexcept
    {
        const bool has_weak_loads =
            (weak_loads_[place] >> static_cast<unsigned>(process) & 1U) != 0;
        const std::uint8_t ordered = has_weak_loads ? 0 : places_[place].last_by_sc;
        return view[place] < ordered ? ordered : view[place];
    }

    void store(View& mine, int place, std::uint64_t value, std::memory_order order) noexcept;

    /// The message that a read-modify-write reads: the last. `store_after` completes it.
    std::uint64_t load_last(View& mine, int place, std::memory_order order) noexcept;
    void store_after(View& mine, int place, std::uint64_t value, std::memory_order order) noexcept;

    /// The last value in modification order, for checks.
    [[nodiscard]] std::uint64_t last(int place) const noexcept;

    /// Whether a process with this view may still read anything but 0 there.
    [[nodiscard]] bool may_read_nonzero(const View& view, int place) const noexcept;

    /// A change of plain bytes.
    void touch(View& mine, int place) noexcept;

    /// Whether the last change of plain bytes happened before.
    [[nodiscard]] bool has_seen(const View& view, int place) const noexcept
    {
        return view[place] == plain_[place - kAtomics];
    }

    /// Forgets messages older than `base`, and counts from there. Views are moved by `rebase`.
    void forget(const View& base) noexcept;
    static void rebase(View& view, const View& base) noexcept;

    /// What equal memories have in common; of a plain place, whether its last change was seen.
    void add_to(Digest& digest) const noexcept;
    void add_view(const View& view, Digest& digest) const noexcept;

    /// Appends a copy to `bytes`, without the room for messages that is not in use.
    void save(std::vector<std::byte>& bytes) const;

    /// @return the first byte behind the copy
    const std::byte* restore(const std::byte* bytes) noexcept;

private:
    void append(View& mine, int place, std::uint64_t value, const View& carried) noexcept;

    static inline std::array<std::uint8_t, kAtomics> weak_loads_{};  ///< a bit for each process

    std::array<Place, kAtomics> places_;
    std::array<std::uint8_t, kPlaces - kAtomics> plain_;  ///< changes of each plain place
};

}  // namespace tensor_ipc::model

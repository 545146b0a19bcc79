/// Included before everything else when ring/ and notify/ are compiled for the model: their
/// `std::atomic` becomes one whose every operation is a step of the explorer and goes through the
/// model's memory, with the order that the code asked for.
///
/// The standard headers come first, so the macro at the end changes only our own files. To add a
/// name to namespace std is not allowed to a program; this one is never shipped.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "explorer.hpp"

namespace tensor_ipc::model {

/// The place of a shared atomic; -1 for those that belong to one process, or that no property
/// depends on.
[[nodiscard]] int place_of(const void* address) noexcept;

[[nodiscard]] const char* name_of(int place) noexcept;

/// Whether nobody but this process can store there now. Its loads then need no step of their own:
/// it makes no difference what others do just before or just after.
[[nodiscard]] bool is_mine_to_store(int place) noexcept;

[[nodiscard]] inline std::uint64_t scripted_load(int place, std::memory_order order) noexcept
{
    if (!is_mine_to_store(place)) {
        step(name_of(place));
        if (order != std::memory_order_seq_cst) {
            admit_weak_loads(place);
        }
    }
    const std::uint64_t value = memory().load(view_of(running()), place, order, &choose);
    learn(value);
    note_result("  reads", value);
    return value;
}

/// Called after a store or a read-modify-write that changed the place.
void after_store(int place, std::uint64_t value) noexcept;

}  // namespace tensor_ipc::model

namespace std {

template <typename T>
struct scripted_atomic {
    static constexpr bool is_always_lock_free = atomic<T>::is_always_lock_free;

    scripted_atomic() noexcept = default;

    constexpr scripted_atomic(T value) noexcept : value_(value) {}

    scripted_atomic(const scripted_atomic&) = delete;
    scripted_atomic& operator=(const scripted_atomic&) = delete;

    T load(memory_order order = memory_order_seq_cst) const noexcept
    {
        const int place = tensor_ipc::model::place_of(this);
        return place < 0 ? value_ : static_cast<T>(tensor_ipc::model::scripted_load(place, order));
    }

    void store(T value, memory_order order = memory_order_seq_cst) noexcept
    {
        namespace model = tensor_ipc::model;
        const int place = model::place_of(this);
        if (place < 0) {
            value_ = value;
            return;
        }
        model::step(model::name_of(place));
        const auto bits = static_cast<std::uint64_t>(value);
        model::note_result("  stores", bits);
        model::memory().store(model::view_of(model::running()), place, bits, order);
        model::after_store(place, bits);
    }

    T fetch_add(T by, memory_order order = memory_order_seq_cst) noexcept
    {
        return change([by](T value) { return static_cast<T>(value + by); }, order);
    }

    T fetch_sub(T by, memory_order order = memory_order_seq_cst) noexcept
    {
        return change([by](T value) { return static_cast<T>(value - by); }, order);
    }

    /// Fails only when the values differ; then it is a load of the last value.
    bool compare_exchange_weak(T& expected, T wanted,
                               memory_order order = memory_order_seq_cst) noexcept
    {
        const T before = expected;
        expected =
            change([before, wanted](T value) { return value == before ? wanted : value; }, order);
        return expected == before;
    }

private:
    template <typename Change>
    T change(Change&& change, memory_order order) noexcept
    {
        namespace model = tensor_ipc::model;
        const int place = model::place_of(this);
        if (place < 0) {
            return std::exchange(value_, change(value_));
        }
        model::step(model::name_of(place));
        View& mine = model::view_of(model::running());
        const T before = static_cast<T>(model::memory().load_last(mine, place, order));
        model::learn(static_cast<std::uint64_t>(before));
        const T after = change(before);
        model::note_result("  changes to", static_cast<std::uint64_t>(after));
        if (after != before) {
            model::memory().store_after(mine, place, static_cast<std::uint64_t>(after), order);
            model::after_store(place, static_cast<std::uint64_t>(after));
        }
        return before;
    }

    using View = tensor_ipc::model::View;

    T value_{};
};

}  // namespace std

#define atomic scripted_atomic  // NOLINT

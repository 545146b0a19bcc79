/// The topics between servers and mirrors, and who may write what to them.
#pragma once

#include <array>
#include <cstdint>
#include <dds/dds.h>
#include <string>
#include <utility>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::mirror {

/// Random name of a server or a mirror, as on the wire.
using Id = std::array<std::uint8_t, 16>;

[[nodiscard]] Id random_id();

/// In hexadecimal digits.
[[nodiscard]] std::string text_of(const Id& id);

/// Copies between C++ and the arrays of the generated code.
[[nodiscard]] Id id_of(const std::uint8_t (&bytes)[16]);  // NOLINT(*-avoid-c-arrays)
void put_id(std::uint8_t (&bytes)[16], const Id& id);     // NOLINT(*-avoid-c-arrays)

/// Fills a bounded string; cuts what is too long.
template <std::size_t N>
void put_text(char (&field)[N], const std::string& text)  // NOLINT(*-avoid-c-arrays)
{
    text.copy(static_cast<char*>(field), N - 1);
    field[std::min(text.size(), N - 1)] = '\0';
}

/// A DDS entity that is deleted with this. Move-only. Not to be destroyed in a forked child, where
/// it is the parent's.
class Entity {
public:
    Entity() = default;

    explicit Entity(dds_entity_t entity) noexcept : entity_(entity) {}

    Entity(Entity&& other) noexcept : entity_(std::exchange(other.entity_, 0)) {}

    Entity& operator=(Entity&& other) noexcept
    {
        std::swap(entity_, other.entity_);
        return *this;
    }

    Entity(const Entity&) = delete;
    Entity& operator=(const Entity&) = delete;
    ~Entity();

    [[nodiscard]] dds_entity_t get() const noexcept { return entity_; }

private:
    dds_entity_t entity_ = 0;
};

/// One sample for each key, kept for those who come later; liveliness of the writer is looked
/// after.
enum class Announcements : std::uint8_t { Offers, Requests };

[[nodiscard]] Result<Entity> announcement_writer(dds_entity_t participant, Announcements what);
[[nodiscard]] Result<Entity> announcement_reader(dds_entity_t participant, Announcements what);

/// For the pieces that go to one mirror.
[[nodiscard]] Result<Entity> piece_writer(dds_entity_t participant, const Id& mirror,
                                          bool reliable);
[[nodiscard]] Result<Entity> piece_reader(dds_entity_t participant, const Id& mirror,
                                          bool reliable);

/// A wait for data of some readers, or for somebody who calls `wake()` from another thread.
class Alarm {
public:
    [[nodiscard]] static Result<Alarm> make(dds_entity_t participant);

    /// Returns from wait() when the reader has samples.
    [[nodiscard]] Result<void> watch(dds_entity_t reader);

    /// Returns from wait() when readers match the writer, or no longer.
    [[nodiscard]] Result<void> watch_matches(dds_entity_t writer);

    void wake() const noexcept { dds_set_guardcondition(guard_.get(), true); }

    void wait(std::uint64_t timeout_ns) const noexcept;

private:
    Entity waitset_;
    Entity guard_;
};

}  // namespace tensor_ipc::mirror

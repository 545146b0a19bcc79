/// The pool here, made of pieces from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor_ipc/mirror/piece.hpp"
#include "tensor_ipc/pool/producer.hpp"

namespace tensor_ipc::mirror {

/// What became of the frames that a server sent.
struct FrameCounts {
    std::uint64_t received = 0;  ///< complete, and published here
    std::uint64_t bytes = 0;     ///< of those
    std::uint64_t lost = 0;      ///< sent, and not complete when they came here
    std::uint64_t dropped = 0;   ///< that came, and found no slot or an unsound number here
    std::uint64_t missed = 0;  ///< numbers that are not in the pool here: lost, dropped, never sent
    std::uint64_t pools = 0;   ///< how often the pool was made
};

/// Producer of the local pool. Frames are written where consumers will read them, piece by piece,
/// and published when the last piece has come; a frame of which one is missing is given up. Not
/// thread-safe.
///
/// Always makes the pool anew rather than go on with a leftover: what a dead mirror left may be of
/// another pool. Never takes the name from a living producer.
class LocalPool {
public:
    /// Takes a checked piece. `piece.data` is copied. Waits 50 ms at most, when no slot is free.
    void accept(const Piece& piece);

    /// Gives up the frame that is on its way; the pool stays.
    void interrupt() noexcept;

    /// Ends the pool, if there is one. Views that consumers hold stay valid.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return producer_.has_value(); }

    [[nodiscard]] const FrameCounts& counts() const noexcept { return counts_; }

    /// Number + 1 of the newest frame there, when it was sent and is not here; else 0.
    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }

    /// Number of the newest frame; nothing before the first.
    [[nodiscard]] std::optional<std::uint64_t> latest() const noexcept { return latest_; }

    /// Why there is no pool although there is one at the source; empty when there is none to tell.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    bool follow(const Piece& piece);
    void begin(const Piece& piece);
    void add(const Piece& piece);
    void count_lost_before(const Piece& piece) noexcept;

    std::optional<Producer> producer_;
    std::optional<PoolDescription> description_;
    std::uint64_t created_ns_ = 0;
    std::optional<Loan> loan_;  ///< of the frame on its way
    std::uint64_t end_ = 0;     ///< bytes of it that are there
    std::uint64_t session_ = 0;
    std::uint64_t turn_ = 0;  ///< of the frame that began last
    std::optional<std::uint64_t> latest_;
    std::uint64_t missing_ = 0;
    FrameCounts counts_;
    std::string problem_;
    std::uint64_t retry_ns_ = 0;
};

/// Refuses a name under which a living producer has a pool here.
/// @return PoolInUse
[[nodiscard]] Result<void> check_name_is_free(const std::string& pool_name);

}  // namespace tensor_ipc::mirror

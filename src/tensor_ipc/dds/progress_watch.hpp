/// Hearing of a pool's frames over DDS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/dds/pool_record.hpp"
#include "tensor_ipc/pool/news.hpp"

namespace tensor_ipc::dds {

/// Rings a consumer's `News` when a sample says that a pool of this host and namespace moved
/// (Consumer::wake_by). The sample only wakes; which frames there are, the consumer sees in the
/// segment itself, which it checks as ever. Move-only.
class ProgressWatch {
public:
    /// Joins the domain when this process has not. The pool need not exist yet.
    /// @param keep_last  depth of the reader, at least 1
    [[nodiscard]] static Result<ProgressWatch> open(const std::string& pool_name,
                                                    const ParticipantOptions& options,
                                                    std::int32_t keep_last);

    ProgressWatch(ProgressWatch&&) noexcept;
    ProgressWatch& operator=(ProgressWatch&&) noexcept;
    ProgressWatch(const ProgressWatch&) = delete;
    ProgressWatch& operator=(const ProgressWatch&) = delete;
    ~ProgressWatch();

    /// What it rings. Lives on without it.
    [[nodiscard]] std::shared_ptr<News> news() const noexcept;

    /// The last sample about the pool; nothing before the first. Thread-safe.
    [[nodiscard]] std::optional<ProgressRecord> latest() const;

    /// How many samples about the pool came. Thread-safe.
    [[nodiscard]] std::uint64_t samples() const noexcept;

    /// False in a forked child: open another one there.
    [[nodiscard]] bool is_usable() const noexcept;

private:
    struct State;
    explicit ProgressWatch(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace tensor_ipc::dds

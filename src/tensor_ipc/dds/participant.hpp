/// One participant of Cyclone DDS for all that a process does in a domain.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::dds {

/// As `dds_entity_t` of Cyclone DDS.
using Entity = std::int32_t;

/// The interface that is used unless another is named: nothing leaves the machine.
inline constexpr const char* kLoopback = "lo";

/// The interface that leads out of this machine, or loopback where there is no other.
inline constexpr const char* kAutomatic = "auto";

inline constexpr std::uint32_t kMaxDomain = 230;  ///< beyond it there are no ports

/// Where a participant is, and whom it talks to.
///
/// Ignored when CYCLONEDDS_URI is set, but for the domain: then that configures Cyclone DDS.
struct ParticipantOptions {
    std::uint32_t domain = 0;           ///< 0 to kMaxDomain
    std::string interface = kLoopback;  ///< name or address of a network interface
    std::vector<std::string> peers;     ///< addresses to talk to, where there is no multicast
    /// For ROS nodes, which may need other settings in the same domain: apart from the participant
    /// without this.
    bool for_ros = false;

    /// TENSOR_IPC_DDS_DOMAIN, TENSOR_IPC_DDS_INTERFACE and TENSOR_IPC_DDS_PEERS (separated by
    /// commas); `domain` overrides the first.
    /// @return InvalidArgument that names the variable
    [[nodiscard]] static Result<ParticipantOptions> from_environment(
        std::optional<std::uint32_t> domain = {});
};

/// Whether TENSOR_IPC_DDS forbids DDS in this process: `off` or `0`. Nobody joins then.
[[nodiscard]] bool is_switched_off();

/// The participant of this process in one domain, or one of two (`for_ros`). Made at the first use,
/// gone with the last one.
/// About seven threads and 7 MB. Thread-safe.
///
/// A forked child never touches its parent's: `shared()` makes one of its own there, and what the
/// child holds of the parent's does nothing when it dies.
class Participant {
public:
    /// Joins the domain, or finds who of this process has joined it already: then `options` but for
    /// the domain do not count. Takes some 20 ms on the loopback interface the first time.
    /// @return InvalidArgument; Dds when it is switched off, and when Cyclone DDS refuses, as
    ///         without such an interface
    [[nodiscard]] static Result<std::shared_ptr<Participant>> shared(
        const ParticipantOptions& options);

    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;
    Participant(Participant&&) = delete;
    Participant& operator=(Participant&&) = delete;
    ~Participant();

    /// For calls of Cyclone DDS. Owned by this; valid while `is_usable()`.
    [[nodiscard]] Entity entity() const noexcept { return participant_; }

    [[nodiscard]] std::uint32_t domain() const noexcept { return domain_; }

    /// False in a forked child.
    [[nodiscard]] bool is_usable() const noexcept;

private:
    Participant(std::uint32_t domain, std::uint32_t number, Entity configured_domain,
                Entity participant) noexcept;
    static Result<std::shared_ptr<Participant>> join(const ParticipantOptions& options);

    std::uint32_t domain_;
    std::uint32_t number_;      ///< of the domain inside Cyclone DDS; another one in a forked child
    Entity configured_domain_;  ///< 0 when somebody else configured it
    Entity participant_;
    std::uint32_t fork_epoch_;
};

/// The configuration of Cyclone DDS for these options, as XML.
/// @return InvalidArgument for a domain, an interface or a peer that cannot be one
[[nodiscard]] Result<std::string> configuration_of(const ParticipantOptions& options);

}  // namespace tensor_ipc::dds

#include "tensor_ipc/dds/participant.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <dds/dds.h>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "tensor_ipc/dds/fork_gate.hpp"
#include "tensor_ipc/dds/return_code.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"

namespace tensor_ipc::dds {

namespace {

std::string_view variable(const char* name)
{
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Names and addresses go into XML: nothing that means something there gets through.
bool is_address(std::string_view text)
{
    const auto is_fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == ':' || c == '-' || c == '_' || c == '%' || c == '@';
    };
    return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, is_fine);
}

Error not_an_address(std::string_view what, std::string_view text)
{
    return Error{ErrorCode::InvalidArgument, "the " + std::string(what) +
                                                 " of DDS has to be a name or an address, found '" +
                                                 printable(text) + "'"};
}

// Cyclone DDS waits for its sockets with select(). It opens some ten descriptors.
constexpr std::size_t kDescriptorsOfCyclone = 32;

Error too_many_descriptors()
{
    return Error{
        ErrorCode::Dds,
        "this process has too many open descriptors for Cyclone DDS, whose own must be below " +
            std::to_string(os::kSelectLimit) +
            ": open fewer pools, or begin with DDS before the rest"};
}

/// What this process has of Cyclone DDS. Guarded by fork_gate().
struct Registry {
    /// By domain and for_ros.
    std::map<std::pair<std::uint32_t, bool>, std::weak_ptr<Participant>> participants;
    std::uint32_t fork_epoch = os::fork_epoch();
    bool used = false;             ///< Cyclone DDS was, by this process or those it was forked from
    std::uint32_t generation = 0;  ///< of forks after the first use
};

// Never destroyed: the last participant may die while static objects do.
Registry& registry()
{
    static auto* const instance = new Registry;  // NOLINT(*-owning-memory)
    return *instance;
}

/// Whether other participants than ours are in a domain of this process.
bool is_shared(std::uint32_t domain)
{
    return dds_lookup_participant(domain, nullptr, 0) > 0;
}

}  // namespace

Result<ParticipantOptions> ParticipantOptions::from_environment(std::optional<std::uint32_t> domain)
{
    ParticipantOptions options;
    if (domain) {
        options.domain = *domain;
    } else if (const auto text = variable("TENSOR_IPC_DDS_DOMAIN"); !text.empty()) {
        const auto* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, options.domain);
        if (parsed.ec != std::errc() || parsed.ptr != end) {
            return Error{ErrorCode::InvalidArgument, "TENSOR_IPC_DDS_DOMAIN is 0 to " +
                                                         std::to_string(kMaxDomain) + ", not '" +
                                                         printable(text) + "'"};
        }
    }
    if (const auto text = variable("TENSOR_IPC_DDS_INTERFACE"); !text.empty()) {
        options.interface = text;
    }
    auto peers = variable("TENSOR_IPC_DDS_PEERS");
    while (!peers.empty()) {
        const std::size_t comma = peers.find(',');
        options.peers.emplace_back(peers.substr(0, comma));
        peers.remove_prefix(comma == std::string_view::npos ? peers.size() : comma + 1);
    }
    return options;
}

bool is_switched_off()
{
    const auto value = variable("TENSOR_IPC_DDS");
    return value == "off" || value == "OFF" || value == "0";
}

Result<std::string> configuration_of(const ParticipantOptions& options)
{
    if (options.domain > kMaxDomain) {
        return Error{ErrorCode::InvalidArgument, "a DDS domain is 0 to " +
                                                     std::to_string(kMaxDomain) + ", got " +
                                                     std::to_string(options.domain)};
    }
    if (!is_address(options.interface)) {
        return not_an_address("interface", options.interface);
    }
    const bool is_automatic = options.interface == kAutomatic;
    const bool is_number =
        options.interface.find_first_not_of("0123456789.:%") == std::string::npos;
    const bool is_local = options.interface == kLoopback;
    std::string peers;
    for (const std::string& peer : options.peers) {
        if (!is_address(peer)) {
            return not_an_address("peer", peer);
        }
        peers.append("<Peer address=\"").append(peer).append("\"/>");
    }
    // Without multicast every participant needs a port of its own that others can guess, on this
    // host too.
    const bool by_peers = is_local || !peers.empty();
    if (by_peers) {
        peers.append("<Peer address=\"127.0.0.1\"/>");
    }
    std::string xml = "<Domain Id=\"any\"><General><Interfaces><NetworkInterface ";
    if (is_automatic) {
        xml.append("autodetermine=\"true");
    } else {
        xml.append(is_number ? "address" : "name").append("=\"").append(options.interface);
    }
    xml.append("\"/></Interfaces>");
    xml.append("<AllowMulticast>").append(by_peers ? "false" : "default");
    xml.append("</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize>");
    xml.append("<FragmentSize>63000B</FragmentSize></General><Discovery>");
    if (by_peers) {
        xml.append("<ParticipantIndex>auto</ParticipantIndex>");
        xml.append("<MaxAutoParticipantIndex>100</MaxAutoParticipantIndex>");
        xml.append("<Peers>").append(peers).append("</Peers>");
    }
    xml.append("</Discovery><Internal><SocketReceiveBufferSize max=\"8MB\"/></Internal></Domain>");
    return xml;
}

Participant::Participant(std::uint32_t domain, std::uint32_t number, Entity configured_domain,
                         Entity participant) noexcept
    : domain_(domain),
      number_(number),
      configured_domain_(configured_domain),
      participant_(participant),
      fork_epoch_(os::fork_epoch())
{
}

bool Participant::is_usable() const noexcept
{
    return fork_epoch_ == os::fork_epoch();
}

Result<std::shared_ptr<Participant>> Participant::shared(const ParticipantOptions& options)
{
    if (is_switched_off()) {
        return Error{ErrorCode::Dds, "DDS is switched off by TENSOR_IPC_DDS in the environment"};
    }
    const std::lock_guard lock(fork_gate());
    Registry& mine = registry();
    if (mine.fork_epoch != os::fork_epoch()) {
        mine.fork_epoch = os::fork_epoch();
        mine.participants.clear();
        mine.generation += mine.used ? 1 : 0;
    }
    std::weak_ptr<Participant>& known = mine.participants[{options.domain, options.for_ros}];
    if (auto participant = known.lock()) {
        return participant;
    }
    auto joined = join(options);
    if (joined) {
        mine.used = true;
        known = *joined;
    }
    return joined;
}

Result<std::shared_ptr<Participant>> Participant::join(const ParticipantOptions& options)
{
    auto configuration = configuration_of(options);
    if (!configuration) {
        return configuration.error();
    }
    if (!os::can_select_next(kDescriptorsOfCyclone)) {
        return too_many_descriptors();
    }
    std::string xml = *std::move(configuration);
    const auto uri = variable("CYCLONEDDS_URI");
    if (!uri.empty()) {
        xml = uri;
    }
    // The library in a forked child still believes that it is in its parent's domains, whose
    // threads are not there; and it has one configuration for a domain. Further ones have numbers
    // of their own in it, and the ports of the same.
    std::uint32_t number = options.domain;
    const std::uint32_t turn = 2 * registry().generation + (options.for_ros ? 1 : 0);
    if (turn > 0) {
        number += turn * (kMaxDomain + 1);
        xml.append(",<Domain Id=\"any\"><Discovery><ExternalDomainId>");
        xml.append(std::to_string(options.domain));
        xml.append("</ExternalDomainId></Discovery></Domain>");
    }
    const std::string object = "domain " + std::to_string(options.domain) + ", interface " +
                               (uri.empty() ? options.interface : "as in CYCLONEDDS_URI");
    Entity configured = dds_create_domain(number, xml.c_str());
    if (configured == DDS_RETCODE_PRECONDITION_NOT_MET) {
        configured = 0;  // somebody of this process was here before
    } else if (configured < 0) {
        return dds_error("dds_create_domain", object, configured);
    }
    const Entity participant = dds_create_participant(number, nullptr, nullptr);
    if (participant < 0) {
        if (configured > 0) {
            dds_delete(configured);
        }
        return dds_error("dds_create_participant", object, participant);
    }
    return std::shared_ptr<Participant>(new Participant(options.domain, number, configured,
                                                        participant));  // NOLINT(*-owning-memory)
}

Participant::~Participant()
{
    const std::lock_guard lock(fork_gate());
    if (!is_usable()) {
        return;
    }
    dds_delete(participant_);
    if (configured_domain_ > 0 && !is_shared(number_)) {
        dds_delete(configured_domain_);
    }
}

}  // namespace tensor_ipc::dds

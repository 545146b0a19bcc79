/// What comes over the network, checked before anybody acts on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/pool/producer.hpp"
#include "tensor_ipc/tensor/user_metadata.hpp"

struct tensor_ipc_mirror_v1_Piece;

namespace tensor_ipc::mirror {

inline constexpr std::uint32_t kMinPieceBytes = 1024;
inline constexpr std::uint32_t kMaxPieceBytes = 57344;  ///< as in mirror.idl

/// Largest pool that a stranger can make us allocate, unless the user says otherwise.
inline constexpr std::uint64_t kDefaultMaxPoolBytes = std::uint64_t{2} << 30U;

/// Device of the pools that can be mirrored.
inline constexpr const char* kHostMemory = "cpu";

/// Values of `Piece::kind` on the wire.
enum class PieceKind : std::uint8_t {
    NoPool = 0,  ///< there is no such pool at the source, or it has ended
    Pool = 1,    ///< there is one; no frame comes with this
    Frame = 2,   ///< a part of a frame
};

/// What a producer needs to make the pool.
struct PoolDescription {
    PoolMetadata metadata;
    SegmentOptions options;

    friend bool operator==(const PoolDescription& a, const PoolDescription& b) noexcept
    {
        return a.metadata == b.metadata && a.options.spare == b.options.spare &&
               a.options.memory_order == b.options.memory_order;
    }
};

/// One sample, sound in itself. Whether it fits to those before it is LocalPool's business.
struct Piece {
    PieceKind kind = PieceKind::NoPool;
    std::uint64_t session = 0;
    std::uint64_t turn = 0;        ///< counts the frames that the session sends, from 1
    std::uint64_t created_ns = 0;  ///< tells pools of one name apart
    std::uint64_t frame = 0;  ///< its number; with PieceKind::Pool that of the last one, + 1, or 0
    std::uint64_t captured_ns = 0;
    std::uint64_t frame_bytes = 0;
    std::uint64_t offset = 0;  ///< of `data` in the frame; 0 for the first piece
    std::optional<PoolDescription> pool;
    std::uint64_t extent = 0;          ///< rows of the frame; only with `pool`
    PackedUserMetadata user_metadata;  ///< only with `pool`
    std::span<const std::byte> data;   ///< lies in the sample
};

/// @param pool_name       under which name the pool will be made here
/// @param max_pool_bytes  refuses what would need more shared memory than this for its frames
/// @return InvalidArgument for a sample that no sound server sends
[[nodiscard]] Result<Piece> read_piece(const tensor_ipc_mirror_v1_Piece& sample,
                                       const std::string& pool_name, std::uint64_t max_pool_bytes);

}  // namespace tensor_ipc::mirror

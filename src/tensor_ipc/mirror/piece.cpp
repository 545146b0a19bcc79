#include "tensor_ipc/mirror/piece.hpp"

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/mirror/generated/mirror.h"

namespace tensor_ipc::mirror {

namespace {

Error unsound(std::string what)
{
    return Error{ErrorCode::InvalidArgument, "refused what came over DDS: " + std::move(what)};
}

Result<PoolDescription> read_description(const tensor_ipc_mirror_v1_Description& sample,
                                         const std::string& pool_name, std::uint64_t max_pool_bytes)
{
    if (!Shape::fits(sample.shape._length)) {
        return unsound("a shape of " + std::to_string(sample.shape._length) + " dimensions");
    }
    PoolDescription pool;
    pool.metadata.name = pool_name;
    pool.metadata.shape = Shape(std::span(sample.shape._buffer, sample.shape._length));
    pool.metadata.dtype = {sample.dtype_code, sample.dtype_bits, sample.dtype_lanes};
    pool.metadata.history_len = sample.history_len;
    pool.metadata.backend = static_cast<const char*>(sample.backend);
    pool.metadata.device = static_cast<const char*>(sample.device);
    pool.metadata.varying_extent = sample.varying_extent;
    pool.options.spare = sample.spare;
    pool.options.take_over = false;
    pool.options.memory_order =
        sample.chronological ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
    if (auto valid = validate(pool.metadata); !valid) {
        return unsound(valid.error().message);
    }
    if (pool.metadata.device != kHostMemory) {
        return unsound("a pool in the memory of " + printable(pool.metadata.device));
    }
    if (pool.options.spare < kMinSpare || pool.options.spare > kMaxSpare) {
        return unsound("spare " + std::to_string(pool.options.spare));
    }
    const auto bytes = checked_multiply(
        *frame_bytes(pool.metadata), std::uint64_t{pool.metadata.history_len} + pool.options.spare);
    if (!bytes || *bytes > max_pool_bytes) {
        return Error{ErrorCode::InvalidArgument,
                     "the pool has " + std::to_string(pool.metadata.history_len) + " + " +
                         std::to_string(pool.options.spare) + " frames of " +
                         std::to_string(*frame_bytes(pool.metadata)) + " bytes, more than the " +
                         std::to_string(max_pool_bytes) +
                         " bytes that this mirror may take (max_pool_bytes, --max-bytes)"};
    }
    return pool;
}

/// What is said of a frame with its first piece.
Result<void> read_frame(const tensor_ipc_mirror_v1_Piece& sample, Piece& piece)
{
    const PoolMetadata& metadata = piece.pool->metadata;
    const std::uint64_t most = *frame_bytes(metadata);
    const std::uint64_t row = most / max_extent(metadata);
    const bool fits = metadata.varying_extent
                          ? piece.frame_bytes <= most && piece.frame_bytes % row == 0
                          : piece.frame_bytes == most;
    if (!fits) {
        return unsound("a frame of " + std::to_string(piece.frame_bytes) + " bytes for shape " +
                       frame_shape_text(metadata));
    }
    piece.extent = piece.frame_bytes / row;
    const auto entries =
        unpack_user_metadata({reinterpret_cast<const char*>(sample.user_metadata._buffer),
                              sample.user_metadata._length});
    if (!entries) {
        return unsound(entries.error().message);
    }
    auto packed = PackedUserMetadata::pack(*entries);
    if (!packed) {
        return unsound(packed.error().message);
    }
    piece.user_metadata = *packed;
    return {};
}

}  // namespace

Result<Piece> read_piece(const tensor_ipc_mirror_v1_Piece& sample, const std::string& pool_name,
                         std::uint64_t max_pool_bytes)
{
    if (sample.kind > static_cast<std::uint8_t>(PieceKind::Frame)) {
        return unsound("kind " + std::to_string(sample.kind));
    }
    Piece piece;
    piece.kind = static_cast<PieceKind>(sample.kind);
    piece.session = sample.session;
    piece.turn = sample.turn;
    piece.created_ns = sample.created_ns;
    piece.frame = sample.frame;
    piece.captured_ns = sample.captured_ns;
    piece.frame_bytes = sample.frame_bytes;
    piece.offset = sample.offset;
    piece.data = std::as_bytes(std::span(sample.data._buffer, sample.data._length));
    const bool needs_pool =
        piece.kind == PieceKind::Pool || (piece.kind == PieceKind::Frame && piece.offset == 0);
    if (sample.pool._length != (needs_pool ? 1U : 0U)) {
        return unsound(std::to_string(sample.pool._length) + " descriptions of a pool");
    }
    if (needs_pool) {
        auto pool = read_description(*sample.pool._buffer, pool_name, max_pool_bytes);
        if (!pool) {
            return pool.error();
        }
        piece.pool = std::move(pool).value();
    }
    if (piece.kind != PieceKind::Frame) {
        return piece;
    }
    if (piece.turn == 0) {
        return unsound("a frame without a turn");
    }
    const auto end = checked_add(piece.offset, piece.data.size());
    if (!end || *end > piece.frame_bytes || (piece.data.empty() && piece.frame_bytes != 0)) {
        return unsound(std::to_string(piece.data.size()) + " bytes at " +
                       std::to_string(piece.offset) + " of a frame of " +
                       std::to_string(piece.frame_bytes));
    }
    if (needs_pool) {
        if (auto fits = read_frame(sample, piece); !fits) {
            return fits.error();
        }
    }
    return piece;
}

}  // namespace tensor_ipc::mirror

/// Samples as a server would write them, for tests to change.
#pragma once

#include <vector>

#include "tensor_ipc/mirror/generated/mirror.h"
#include "tensor_ipc/mirror/piece.hpp"
#include "tensor_ipc/mirror/topics.hpp"

namespace tensor_ipc::mirror {

/// A piece of a frame of int32 (2, 3), with what it points to.
struct Sample {
    Sample() { description(); }

    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;

    tensor_ipc_mirror_v1_Description& description()
    {
        pool.dtype_code = 0;
        pool.dtype_bits = 32;
        pool.dtype_lanes = 1;
        pool.shape._buffer = shape.data();
        pool.shape._length = static_cast<std::uint32_t>(shape.size());
        pool.history_len = 3;
        pool.spare = kDefaultSpare;
        put_text(pool.backend, "numpy");
        put_text(pool.device, "cpu");
        return pool;
    }

    /// `count` bytes of value `frame` at `offset`, of the `turn`th frame of the session.
    tensor_ipc_mirror_v1_Piece& piece(std::uint64_t turn, std::uint64_t frame,
                                      std::uint64_t offset = 0, std::size_t count = 24)
    {
        data.assign(count, static_cast<std::uint8_t>(frame));
        wire.session = 7;
        wire.kind = static_cast<std::uint8_t>(PieceKind::Frame);
        wire.turn = turn;
        wire.created_ns = 1;
        wire.frame = frame;
        wire.captured_ns = 100 * frame;
        wire.frame_bytes = 24;
        wire.offset = offset;
        wire.data._buffer = data.data();
        wire.data._length = static_cast<std::uint32_t>(count);
        with_pool(offset == 0);
        return wire;
    }

    tensor_ipc_mirror_v1_Piece& state(PieceKind kind, std::uint64_t turn = 0)
    {
        piece(turn, 0);
        wire.kind = static_cast<std::uint8_t>(kind);
        wire.data._length = 0;
        with_pool(kind == PieceKind::Pool);
        return wire;
    }

    void with_pool(bool there)
    {
        wire.pool._buffer = &pool;
        wire.pool._length = there ? 1 : 0;
    }

    std::vector<std::int64_t> shape{2, 3};
    std::vector<std::uint8_t> data;
    tensor_ipc_mirror_v1_Description pool{};
    tensor_ipc_mirror_v1_Piece wire{};
};

}  // namespace tensor_ipc::mirror

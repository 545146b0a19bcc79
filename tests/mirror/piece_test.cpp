#include <array>
#include <functional>

#include <gtest/gtest.h>

#include "mirror/sample.hpp"

namespace tensor_ipc::mirror {
namespace {

constexpr std::uint64_t kPlenty = 1 << 20;

Result<Piece> read(const Sample& sample)
{
    return read_piece(sample.wire, "here", kPlenty);
}

TEST(ReadPiece, GivesWhatASoundServerSends)
{
    Sample sample;
    sample.piece(5, 9);
    std::array<std::uint8_t, 4> texts{'k', 0, 'v', 0};
    sample.wire.user_metadata._buffer = texts.data();
    sample.wire.user_metadata._length = 4;

    const auto piece = read(sample);

    ASSERT_TRUE(piece) << piece.error().message;
    EXPECT_EQ(piece->kind, PieceKind::Frame);
    EXPECT_EQ(piece->turn, 5U);
    EXPECT_EQ(piece->frame, 9U);
    EXPECT_EQ(piece->captured_ns, 900U);
    EXPECT_EQ(piece->extent, 2U);
    EXPECT_EQ(piece->data.size(), 24U);
    EXPECT_EQ(piece->user_metadata.bytes(), std::string_view("k\0v\0", 4));
    EXPECT_EQ(piece->pool->metadata.name, "here");
    EXPECT_EQ(piece->pool->metadata.shape, Shape({2, 3}));
}

TEST(ReadPiece, TakesShorterFramesWhereTheExtentVaries)
{
    Sample sample;
    sample.piece(1, 1, 0, 12);
    sample.pool.varying_extent = true;
    sample.wire.frame_bytes = 12;
    EXPECT_EQ(read(sample)->extent, 1U);

    sample.piece(1, 1, 0, 0);
    sample.wire.frame_bytes = 0;
    EXPECT_EQ(read(sample)->extent, 0U);

    sample.piece(1, 1, 0, 8);
    sample.wire.frame_bytes = 8;
    EXPECT_FALSE(read(sample)) << "not a whole row";
}

TEST(ReadPiece, RefusesWhatNoSoundServerSends)
{
    using Damage = std::function<void(Sample&)>;
    std::vector<std::int64_t> many(33, 1);
    std::array<std::uint8_t, 2> text{'k', 'v'};
    const std::pair<const char*, Damage> damages[] = {
        {"kind", [](Sample& s) { s.wire.kind = 3; }},
        {"turn 0", [](Sample& s) { s.wire.turn = 0; }},
        {"no description", [](Sample& s) { s.with_pool(false); }},
        {"a description too many",
         [](Sample& s) {
             s.piece(1, 1, 12, 12);
             s.with_pool(true);
         }},
        {"bytes beyond the frame", [](Sample& s) { s.piece(1, 1, 12, 24); }},
        {"an offset that overflows", [](Sample& s) { s.piece(1, 1, UINT64_MAX - 3, 24); }},
        {"no bytes", [](Sample& s) { s.wire.data._length = 0; }},
        {"a frame of another size", [](Sample& s) { s.wire.frame_bytes = 48; }},
        {"a dtype", [](Sample& s) { s.pool.dtype_bits = 33; }},
        {"a negative extent", [](Sample& s) { s.shape[0] = -2; }},
        {"an empty dimension", [](Sample& s) { s.shape[0] = 0; }},
        {"a shape that overflows",
         [](Sample& s) {
             s.shape = {INT64_MAX, INT64_MAX};
             s.description();
         }},
        {"33 dimensions",
         [&](Sample& s) {
             s.shape = many;
             s.description();
         }},
        {"no history", [](Sample& s) { s.pool.history_len = 0; }},
        {"a long history", [](Sample& s) { s.pool.history_len = kMaxHistory + 1; }},
        {"no spare", [](Sample& s) { s.pool.spare = 0; }},
        {"much spare", [](Sample& s) { s.pool.spare = UINT32_MAX; }},
        {"a backend", [](Sample& s) { s.pool.backend[0] = '\n'; }},
        {"a device", [](Sample& s) { put_text(s.pool.device, "cuda:0"); }},
        {"texts without an end",
         [&](Sample& s) {
             s.wire.user_metadata._buffer = text.data();
             s.wire.user_metadata._length = 2;
         }},
    };
    for (const auto& [what, damage] : damages) {
        Sample sample;
        sample.piece(1, 1);
        damage(sample);

        const auto piece = read(sample);

        ASSERT_FALSE(piece) << what;
        EXPECT_EQ(piece.error().code, ErrorCode::InvalidArgument) << what;
    }
}

TEST(ReadPiece, RefusesPoolsThatAreLargerThanAllowed)
{
    Sample sample;
    sample.piece(1, 1);
    const std::uint64_t needed = 24 * (3 + kDefaultSpare);

    EXPECT_TRUE(read_piece(sample.wire, "here", needed));
    EXPECT_FALSE(read_piece(sample.wire, "here", needed - 1));
}

}  // namespace
}  // namespace tensor_ipc::mirror

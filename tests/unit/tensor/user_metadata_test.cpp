#include "tensor_ipc/tensor/user_metadata.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

using namespace std::string_view_literals;

std::vector<UserMetadataEntry> entries_of(std::string_view packed)
{
    auto entries = unpack_user_metadata(packed);
    EXPECT_TRUE(entries) << entries.error().message;
    return entries ? std::move(*entries) : std::vector<UserMetadataEntry>{};
}

TEST(UserMetadata, IsKeysAndValuesEachWithAZeroBehind)
{
    const std::vector<UserMetadataEntry> entries{{"encoding", "rgb8"}, {"frame_id", ""}};

    const auto packed = PackedUserMetadata::pack(entries);

    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->bytes(), "encoding\0rgb8\0frame_id\0\0"sv);
    EXPECT_EQ(entries_of(packed->bytes()), entries);
}

TEST(UserMetadata, MayBeNone)
{
    const auto packed = PackedUserMetadata::pack({});

    ASSERT_TRUE(packed);
    EXPECT_TRUE(packed->bytes().empty());
    EXPECT_TRUE(entries_of({}).empty());
}

TEST(UserMetadata, FitsToTheLastByteAndNotBeyond)
{
    const std::string most(kMaxUserMetadataBytes - 3, 'v');
    const std::string more(kMaxUserMetadataBytes - 2, 'v');
    const std::vector<UserMetadataEntry> fits{{"k", most}};
    const std::vector<UserMetadataEntry> too_much{{"k", more}};

    const auto packed = PackedUserMetadata::pack(fits);
    const auto refused = PackedUserMetadata::pack(too_much);

    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->bytes().size(), kMaxUserMetadataBytes);
    EXPECT_EQ(entries_of(packed->bytes()), fits);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(refused.error().message.find("255 bytes, at most 254"), std::string::npos);
}

TEST(UserMetadata, RefusesAZeroInsideAText)
{
    for (const UserMetadataEntry& entry :
         {UserMetadataEntry{"a\0b"sv, "c"}, UserMetadataEntry{"a", "\0"sv}}) {
        const auto refused = PackedUserMetadata::pack({&entry, 1});

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
        EXPECT_NE(refused.error().message.find("\\x00"), std::string::npos);
    }
}

TEST(UserMetadata, ThatIsDamagedIsRefused)
{
    for (const std::string_view damaged :
         {"key"sv, "key\0"sv, "key\0value"sv, "key\0value\0more"sv, "\0"sv, "a\0b\0c\0"sv}) {
        const auto refused = unpack_user_metadata(damaged);

        ASSERT_FALSE(refused) << damaged;
        EXPECT_EQ(refused.error().code, ErrorCode::BadSegment);
    }
}

}  // namespace
}  // namespace tensor_ipc

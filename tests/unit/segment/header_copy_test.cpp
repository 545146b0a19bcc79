#include "tensor_ipc/segment/header_copy.hpp"

#include <fcntl.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;

class HeaderCopy : public testing::PoolTest {};

TEST_F(HeaderCopy, HasTheControlBytesAndIsAligned)
{
    SegmentFile segment = must(open_for_producer(metadata_of(name_), {}));
    segment.header().skipped_slots.store(77);

    const auto copy =
        must(ControlCopy::read(segment.fd.get(), segment.geometry, segment.segment_name));

    EXPECT_EQ(std::memcmp(copy.data(), segment.control.data(), segment.geometry.payload_offset), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.data()) % alignof(PoolHeader), 0U);
    end_segment(segment);
}

TEST_F(HeaderCopy, IsRefusedWhenTheFileBecameShorterMeanwhile)
{
    SegmentFile segment = must(open_for_producer(metadata_of(name_), {}));
    ASSERT_EQ(::ftruncate(segment.fd.get(), 4096), 0);

    const auto refused =
        ControlCopy::read(segment.fd.get(), segment.geometry, segment.segment_name);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::BadSegment);
    EXPECT_NE(refused.error().message.find("shorter"), std::string::npos);
    end_segment(segment);
}

}  // namespace
}  // namespace tensor_ipc

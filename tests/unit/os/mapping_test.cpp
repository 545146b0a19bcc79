#include "tensor_ipc/os/mapping.hpp"

#include <sys/mman.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

using testing::must;

/// Three pages of memory that have no name.
class MappingTest : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::ftruncate(fd_.get(), static_cast<off_t>(3 * page_)), 0); }

    std::uint64_t page_ = page_bytes();
    FileDescriptor fd_{::memfd_create("mapping-test", MFD_CLOEXEC)};
};

TEST_F(MappingTest, SharesBytesWithOtherMappings)
{
    const Mapping writer = must(Mapping::shared(fd_.get(), page_, page_, Protection::ReadWrite));
    const Mapping reader = must(Mapping::shared(fd_.get(), 0, 3 * page_, Protection::ReadOnly));

    writer.data()[7] = std::byte{42};

    EXPECT_EQ(reader.data()[page_ + 7], std::byte{42});
    EXPECT_EQ(writer.bytes(), page_);
}

TEST_F(MappingTest, MappedTwiceRunsOverItsEnd)
{
    const Mapping ring =
        must(Mapping::shared_twice(fd_.get(), page_, 2 * page_, Protection::ReadWrite));
    ASSERT_EQ(ring.bytes(), 4 * page_);

    std::memset(ring.data() + 2 * page_ - 8, 7, 16);  // eight bytes at the end, eight at the start

    EXPECT_EQ(ring.data()[0], std::byte{7});
    EXPECT_EQ(ring.data()[7], std::byte{7});
    EXPECT_EQ(ring.data()[8], std::byte{0});
    EXPECT_EQ(std::memcmp(ring.data(), ring.data() + 2 * page_, 2 * page_), 0);
}

TEST_F(MappingTest, CannotBeWrittenWhenReadOnly)
{
    const Mapping reader = must(Mapping::shared_twice(fd_.get(), 0, page_, Protection::ReadOnly));
    volatile auto* bytes = reinterpret_cast<volatile char*>(reader.data());
    EXPECT_EQ(bytes[0], 0);

    testing::ChildProcess child([bytes](const testing::Channel&) {
        ::signal(SIGSEGV, SIG_DFL);
        bytes[0] = 1;
        return 0;
    });

    EXPECT_EQ(child.wait(), 128 + SIGSEGV);
}

TEST_F(MappingTest, IsLeftByAMove)
{
    Mapping first = must(Mapping::shared(fd_.get(), 0, page_, Protection::ReadWrite));
    std::byte* const data = first.data();

    const Mapping second = std::move(first);

    EXPECT_EQ(second.data(), data);
    EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move)
}

TEST_F(MappingTest, OfABadDescriptorIsAnError)
{
    const auto once = Mapping::shared(-1, 0, page_, Protection::ReadOnly);
    const auto twice = Mapping::shared_twice(-1, 0, page_, Protection::ReadOnly);

    EXPECT_FALSE(once);
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, ErrorCode::System);
}

}  // namespace
}  // namespace tensor_ipc::os

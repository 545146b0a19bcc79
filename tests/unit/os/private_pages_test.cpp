#include "tensor_ipc/os/private_pages.hpp"

#include "support/pool_test.hpp"
#include "tensor_ipc/os/mapping.hpp"

namespace tensor_ipc::os {
namespace {

using testing::must;

constexpr std::uint64_t kPages = 1300;  // more than one read of the page map has room for

/// An object of many pages, full of 1, seen by a writer and by a private mapping.
class PrivatePagesTest : public ::testing::TestWithParam<PageSearch> {
protected:
    void SetUp() override
    {
        ASSERT_EQ(::ftruncate(fd_.get(), static_cast<off_t>(kPages * page_)), 0);
        writer_ = must(Mapping::shared(fd_.get(), 0, kPages * page_, Protection::ReadWrite));
        mine_ = must(Mapping::shared(fd_.get(), 0, kPages * page_, Protection::CopyOnWrite));
        std::memset(writer_.data(), 1, writer_.bytes());
    }

    [[nodiscard]] int first_byte_of(std::uint64_t page) const
    {
        return std::to_integer<int>(*static_cast<volatile std::byte*>(mine_.data() + page * page_));
    }

    void write(std::uint64_t page) const { mine_.data()[page * page_] = std::byte{9}; }

    std::uint64_t page_ = page_bytes();
    FileDescriptor fd_{::memfd_create("private-pages-test", MFD_CLOEXEC)};
    Mapping writer_;
    Mapping mine_;
    PrivatePages pages_{GetParam()};
};

TEST_P(PrivatePagesTest, LetsTheFileBeSeenAgain)
{
    for (const std::uint64_t page : {0UL, 1UL, 2UL, 511UL, 512UL, 700UL, kPages - 1}) {
        write(page);
    }
    std::memset(writer_.data(), 2, writer_.bytes());
    ASSERT_EQ(first_byte_of(700), 9);

    pages_.drop(mine_.data(), mine_.bytes());

    for (std::uint64_t page = 0; page < kPages; ++page) {
        ASSERT_EQ(first_byte_of(page), 2) << page;
    }
    EXPECT_EQ(writer_.data()[0], std::byte{2});
}

TEST_P(PrivatePagesTest, TouchesNothingOutsideTheRange)
{
    for (std::uint64_t page = 10; page < 20; ++page) {
        write(page);
    }

    pages_.drop(mine_.data() + 12 * page_, 5 * page_);

    for (std::uint64_t page = 10; page < 20; ++page) {
        EXPECT_EQ(first_byte_of(page), page >= 12 && page < 17 ? 1 : 9) << page;
    }
}

TEST_P(PrivatePagesTest, FindsEveryPageWhenAllButFewWereWritten)
{
    // In one piece, so that no region is longer, and with holes, so that there are many.
    for (std::uint64_t page = 0; page < kPages; ++page) {
        if (page % 7 != 3) {
            write(page);
        }
    }

    pages_.drop(mine_.data(), mine_.bytes());

    for (std::uint64_t page = 0; page < kPages; ++page) {
        ASSERT_EQ(first_byte_of(page), 1) << page;
    }
}

TEST_P(PrivatePagesTest, DoesNothingWhereNothingWasTouched)
{
    pages_.drop(mine_.data(), mine_.bytes());

    EXPECT_EQ(first_byte_of(5), 1);
}

std::string name_of(const ::testing::TestParamInfo<PageSearch>& test)
{
    switch (test.param) {
        case PageSearch::Scan:
            return "Scan";
        case PageSearch::Pagemap:
            return "Pagemap";
        case PageSearch::Blind:
            break;
    }
    return "Blind";
}

INSTANTIATE_TEST_SUITE_P(EverySearch, PrivatePagesTest,
                         ::testing::Values(PageSearch::Scan, PageSearch::Pagemap,
                                           PageSearch::Blind),
                         name_of);

TEST(PrivatePages, SearchNoFasterThanTheyAreAskedTo)
{
    EXPECT_EQ(PrivatePages(PageSearch::Blind).search(), PageSearch::Blind);
    EXPECT_NE(PrivatePages(PageSearch::Pagemap).search(), PageSearch::Scan);
}

}  // namespace
}  // namespace tensor_ipc::os

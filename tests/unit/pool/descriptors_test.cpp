/// Descriptors are scarce: 1024 in a process, unless somebody raises that.
#include <algorithm>
#include <filesystem>

#include "support/pool_test.hpp"
#include "tensor_ipc/pool/observer.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;

class Descriptors : public testing::PoolTest {
protected:
    /// How many of this process lead to the pool's object.
    [[nodiscard]] std::ptrdiff_t of_pool() const
    {
        const std::string object =
            std::string(os::kSharedMemoryDirectory) + "/" + must(segment_name_of(name_));
        return std::ranges::count_if(
            std::filesystem::directory_iterator("/proc/self/fd"), [&](const auto& entry) {
                std::error_code gone;  // the iterator's own descriptor
                return std::filesystem::read_symlink(entry.path(), gone) == object;
            });
    }
};

TEST_F(Descriptors, OfAPoolAreOneForEachWhoHasIt)
{
    Producer producer = must(Producer::create(metadata_of(name_)));
    EXPECT_EQ(of_pool(), 1);

    const Consumer consumer = must(Consumer::attach(name_));
    EXPECT_EQ(of_pool(), 2);

    const PoolObserver observer = present(PoolObserver::open(name_));
    EXPECT_EQ(of_pool(), 3);

    producer.close();
}

}  // namespace
}  // namespace tensor_ipc

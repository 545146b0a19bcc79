/// Something that is no segment under a segment's name: refused with a typed error by everyone, and
/// neither followed, nor written to, nor removed.
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "support/pool_test.hpp"

namespace tensor_ipc {
namespace {

using testing::metadata_of;
using testing::must;
using testing::put;
using testing::segment_path;

/// Something to put there, by name.
struct Foreign {
    const char* what;
    bool (*place)(const std::string& path, const std::string& target);
};

bool make_socket(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const os::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

const Foreign kForeign[] = {
    {"LinkToNothing",
     [](const std::string& path, const std::string&) {
         return ::symlink("/dev/shm/tensoripc-test-nothing", path.c_str()) == 0;
     }},
    {"LinkToAFile",
     [](const std::string& path, const std::string& target) {
         return ::symlink(target.c_str(), path.c_str()) == 0;
     }},
    {"LinkToAFileOfTheSystem",
     [](const std::string& path, const std::string&) {
         return ::symlink("/etc/passwd", path.c_str()) == 0;
     }},
    {"HardLinkToAFile",
     [](const std::string& path, const std::string& target) {
         return ::link(target.c_str(), path.c_str()) == 0;
     }},
    {"Directory",
     [](const std::string& path, const std::string&) { return ::mkdir(path.c_str(), 0700) == 0; }},
    {"Fifo",
     [](const std::string& path, const std::string&) { return ::mkfifo(path.c_str(), 0600) == 0; }},
    {"Socket", [](const std::string& path, const std::string&) { return make_socket(path); }},
    {"Device",
     [](const std::string& path, const std::string&) {
         return ::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
     }},
};

class ForeignObject : public testing::PoolTest, public ::testing::WithParamInterface<Foreign> {
protected:
    void SetUp() override
    {
        std::ofstream(target_) << kContent;
        if (!GetParam().place(path_, target_)) {
            std::filesystem::remove(target_);
            GTEST_SKIP() << "cannot be made here: " << std::strerror(errno);
        }
        before_ = identity(path_);
    }

    void TearDown() override
    {
        std::filesystem::remove(target_);
        std::filesystem::remove(path_);
        PoolTest::TearDown();
    }

    static std::pair<dev_t, ino_t> identity(const std::string& path)
    {
        struct stat status {};

        return ::lstat(path.c_str(), &status) == 0 ? std::pair{status.st_dev, status.st_ino}
                                                   : std::pair{dev_t{0}, ino_t{0}};
    }

    static std::string text_of(const std::string& path)
    {
        std::stringstream stream;
        stream << std::ifstream(path).rdbuf();
        return stream.str();
    }

    static bool is_typed(const Error& error)
    {
        return error.code == ErrorCode::PermissionDenied || error.code == ErrorCode::BadSegment;
    }

    static constexpr const char* kContent = "not to be touched";

    std::string path_ = segment_path(name_);
    std::string target_ = "/dev/shm/tensoripc-test-target-" + name_;
    std::pair<dev_t, ino_t> before_;
};

TEST_P(ForeignObject, IsRefusedAndLeftAlone)
{
    const auto produced = Producer::create(metadata_of(name_));
    const auto attached = Consumer::attach(name_);
    const auto inspected = inspect(name_);
    const auto removed = must(clean(false));

    ASSERT_FALSE(produced);
    EXPECT_TRUE(is_typed(produced.error())) << produced.error().message;
    ASSERT_FALSE(attached);
    EXPECT_TRUE(is_typed(attached.error())) << attached.error().message;
    ASSERT_FALSE(inspected);
    EXPECT_TRUE(is_typed(inspected.error())) << inspected.error().message;
    EXPECT_TRUE(removed.empty());
    EXPECT_EQ(identity(path_), before_);
    EXPECT_EQ(text_of(target_), kContent);
    EXPECT_NE(::access("/dev/shm/tensoripc-test-nothing", F_OK), 0);
}

TEST_P(ForeignObject, IsListedAsUnsoundBesideOthers)
{
    const std::string other = testing::unique_pool_name();
    const Producer producer = must(Producer::create(metadata_of(other)));

    const auto pools = must(inspect_all());

    ASSERT_EQ(pools.size(), 2U);
    for (const PoolFacts& pool : pools) {
        EXPECT_EQ(pool.problem.empty(), pool.metadata.name == other) << pool.problem;
    }
}

INSTANTIATE_TEST_SUITE_P(Named, ForeignObject, ::testing::ValuesIn(kForeign),
                         [](const auto& test) { return std::string(test.param.what); });

class LinkToAnotherPool : public testing::PoolTest {
protected:
    void refuse_everything() const
    {
        EXPECT_FALSE(Producer::create(metadata_of(name_)));
        EXPECT_FALSE(Consumer::attach(name_));
        EXPECT_FALSE(inspect(name_));
        EXPECT_TRUE(must(clean(false)).empty());
    }

    std::string other_ = testing::unique_pool_name();
};

TEST_F(LinkToAnotherPool, IsRefusedAndThePoolGoesOn)
{
    Producer producer = must(Producer::create(metadata_of(other_)));
    for (const bool is_hard : {false, true}) {
        const std::string path = segment_path(name_);
        ASSERT_EQ(is_hard ? ::link(segment_path(other_).c_str(), path.c_str())
                          : ::symlink(segment_path(other_).c_str(), path.c_str()),
                  0);

        refuse_everything();

        EXPECT_EQ(put(producer, 1), is_hard ? 1U : 0U);
        EXPECT_FALSE(must(inspect(other_)).ended);
        ASSERT_EQ(::unlink(path.c_str()), 0);
    }
}

TEST_F(LinkToAnotherPool, IsRefusedAlsoWhenThePoolsProducerIsDead)
{
    testing::publish_and_die(metadata_of(other_), {7});
    ASSERT_EQ(::link(segment_path(other_).c_str(), segment_path(name_).c_str()), 0);

    refuse_everything();

    Consumer consumer = must(Consumer::attach(other_));
    EXPECT_EQ(testing::value_of(testing::present(consumer.latest())), 7);
    ASSERT_EQ(::unlink(segment_path(name_).c_str()), 0);
    EXPECT_EQ(must(clean(false)).size(), 1U);
}

}  // namespace
}  // namespace tensor_ipc

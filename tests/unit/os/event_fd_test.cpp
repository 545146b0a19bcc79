#include "tensor_ipc/os/event_fd.hpp"

#include <poll.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

bool is_readable(const EventFd& event)
{
    pollfd entry{event.fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

TEST(EventFd, IsReadableFromSignalToClear)
{
    const EventFd event = testing::must(EventFd::create());
    EXPECT_FALSE(is_readable(event));

    event.signal();
    event.signal();
    EXPECT_TRUE(is_readable(event));

    event.clear();
    event.clear();
    EXPECT_FALSE(is_readable(event));
}

}  // namespace
}  // namespace tensor_ipc::os

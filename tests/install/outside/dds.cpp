// Tells of a pool over DDS and finds it.
#include <cstdio>
#include <string>
#include <tensor_ipc/dds/dds.hpp>
#include <tensor_ipc/pool/pool.hpp>

#include <unistd.h>

int main()
{
    namespace dds = tensor_ipc::dds;
    tensor_ipc::PoolMetadata metadata;
    metadata.name = "outside-dds-" + std::to_string(::getpid());
    metadata.dtype = *tensor_ipc::dtype_from_name("uint8");
    const auto producer = tensor_ipc::Producer::create(metadata);
    dds::AnnouncementOptions options;
    options.participant.domain = 20 + static_cast<std::uint32_t>(::getpid()) % 20;
    auto announcement = dds::Announcement::begin(metadata.name, options);
    auto directory = dds::Directory::open(options.participant);
    if (!producer || !announcement || !directory) {
        std::fprintf(stderr, "%s\n",
                     announcement ? "refused" : announcement.error().message.c_str());
        return 1;
    }
    const std::uint64_t end_ns = tensor_ipc::os::monotonic_ns() + 60'000'000'000;
    while (tensor_ipc::os::monotonic_ns() < end_ns) {
        const auto pools = directory->pools();
        for (const auto& pool : *pools) {
            if (pool.record.key.pool == metadata.name && pool.alive) {
                std::printf("%s is told of\n", metadata.name.c_str());
                return 0;
            }
        }
        static_cast<void>(directory->wait(end_ns));
    }
    return 2;
}

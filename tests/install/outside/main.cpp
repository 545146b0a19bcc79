// Publishes a frame and reads it back.
#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <tensor_ipc/pool/pool.hpp>

#include <unistd.h>

int main()
{
    tensor_ipc::PoolMetadata metadata;
    metadata.name = "outside-" + std::to_string(::getpid());
    metadata.shape = {2, 2};
    metadata.dtype = *tensor_ipc::dtype_from_name("float32");
    auto producer = tensor_ipc::Producer::create(metadata);
    if (!producer) {
        std::fprintf(stderr, "%s\n", producer.error().message.c_str());
        return 1;
    }
    auto consumer = tensor_ipc::Consumer::attach(metadata.name);
    const std::array<float, 4> sent{1.0F, 2.0F, 3.0F, 4.0F};
    if (!consumer || !producer->put(std::as_bytes(std::span(sent)))) {
        return 2;
    }
    const auto frame = consumer->latest();
    if (!frame || !*frame) {
        return 3;
    }
    const bool is_same = std::memcmp((*frame)->bytes().data(), sent.data(), sizeof sent) == 0;
    std::printf("frame %llu %s\n", static_cast<unsigned long long>((*frame)->info().index),
                is_same ? "arrived" : "is damaged");
    return is_same ? 0 : 4;
}

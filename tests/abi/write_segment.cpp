/// Stores the bytes of a known pool, for decoders that know docs/protocol.md alone.
///
///     write_segment OUTPUT_FILE
///
/// Pool "abi-sample": int16, shape (2, 3), history 3, default spare; five frames, element j of
/// frame i is 100 * i + j. The copy is made while the producer lives, so the pool has not ended.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

#include "tensor_ipc/pool/pool.hpp"

namespace {

using tensor_ipc::Producer;

int fail(const std::string& message)
{
    std::fprintf(stderr, "write_segment: %s\n", message.c_str());
    return 1;
}

int write(const std::string& output)
{
    tensor_ipc::PoolMetadata metadata;
    metadata.name = "abi-sample";
    metadata.shape = {2, 3};
    metadata.dtype = *tensor_ipc::dtype_from_name("int16");
    metadata.history_len = 3;
    auto producer = Producer::create(metadata);
    if (!producer) {
        return fail(producer.error().message);
    }
    for (int i = 0; i < 5; ++i) {
        std::array<std::int16_t, 6> frame{};
        for (std::size_t j = 0; j < frame.size(); ++j) {
            frame.at(j) = static_cast<std::int16_t>(100 * i + static_cast<int>(j));
        }
        if (auto put = producer->put(std::as_bytes(std::span(frame))); !put) {
            return fail(put.error().message);
        }
    }
    const auto segment_name = tensor_ipc::segment_name_of(metadata.name);
    if (!segment_name) {
        return fail(segment_name.error().message);
    }
    std::error_code error;
    std::filesystem::copy_file("/dev/shm/" + *segment_name, output,
                               std::filesystem::copy_options::overwrite_existing, error);
    return error ? fail(output + ": " + error.message()) : 0;
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        return fail("usage: write_segment OUTPUT_FILE");
    }
    // The name of the object is not part of its bytes; this one meets no other.
    ::setenv("TENSOR_IPC_NAMESPACE", ("abi-" + std::to_string(::getpid())).c_str(), 1);
    return write(argv[1]);
}

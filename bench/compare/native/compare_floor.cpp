/// The least that it can cost: one or more places in shared memory, a word, and nothing that keeps
/// a frame from being overwritten while it is read. Torn frames are counted like anybody's.
#include <fcntl.h>
#include <sys/stat.h>

#include "bench/compare/native/harness.hpp"
#include "bench/core/ping.hpp"

namespace {

using namespace compare;

/// One to write while the other is read.
constexpr std::size_t kSlots = 2;

class Ring {
public:
    explicit Ring(const Job& job) : frame_bytes_((job.frame_bytes + 4095) / 4096 * 4096)
    {
        const std::string name = "/" + job.name;
        const int file = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        const std::size_t bytes = 4096 + kSlots * frame_bytes_;
        if (file < 0 || ::ftruncate(file, static_cast<off_t>(bytes)) != 0) {
            fail("shm_open or ftruncate failed");
        }
        void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (memory == MAP_FAILED) {
            fail("mmap failed");
        }
        bytes_ = static_cast<std::byte*>(memory);
    }

    [[nodiscard]] tensor_ipc::bench::BareWord& word() const
    {
        return *reinterpret_cast<tensor_ipc::bench::BareWord*>(bytes_);  // zeroes are a new one
    }

    [[nodiscard]] std::byte* slot(std::uint32_t frame) const
    {
        return bytes_ + 4096 + frame % kSlots * frame_bytes_;
    }

private:
    std::size_t frame_bytes_;
    std::byte* bytes_;
};

struct Floor {
    struct Publisher {
        explicit Publisher(const Job& job) : ring(job), spins(job.spin) {}

        void put(Frame frame)
        {
            fill([&](std::byte* slot) { std::memcpy(slot, frame.data(), frame.size()); });
        }

        template <typename Write>
        void fill(Write&& write)
        {
            write(ring.slot(ring.word().word.load() + 1));
            if (spins) {
                ring.word().change();
            } else {
                ring.word().wake();
            }
        }

        Ring ring;
        bool spins;
    };

    struct Subscriber {
        Subscriber(const Job& job, std::uint32_t)
            : ring(job), spins(job.spin), frame_bytes(job.frame_bytes)
        {
        }

        Frame get(std::uint64_t timeout_ns)
        {
            const auto& word = ring.word().word;
            const std::uint64_t until = monotonic_ns() + timeout_ns;
            std::uint32_t now = word.load();
            for (; now == seen; now = word.load()) {
                if (spins) {
                    tensor_ipc::relax_processor();
                } else {
                    const timespec left{0, static_cast<long>(timeout_ns % 1'000'000'000U)};
                    ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &left, nullptr, 0);
                }
                if (word.load() == seen && monotonic_ns() > until) {
                    return {};
                }
            }
            seen = now;
            return {ring.slot(now), frame_bytes};
        }

        Ring ring;
        bool spins;
        std::size_t frame_bytes;
        std::uint32_t seen = 0;
    };
};

}  // namespace

int main(int argc, char** argv)
{
    return compare::run<Floor>(argc, argv);
}

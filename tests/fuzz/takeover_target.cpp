/// A producer before any leftover: it takes it over or makes the pool anew, and what it puts can be
/// read. Attacked meanwhile, it may fail, but not crash and not go on for ever.
#include <vector>

#include <unistd.h>

#include "fuzz/adversary.hpp"
#include "fuzz/leftover.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::fuzz {

namespace {

constexpr const char* kPool = "leftover";

/// Publishes three frames; each is the newest at once, and whole.
void put_and_get(Producer& producer, bool is_attacked)
{
    auto consumer = Consumer::attach(kPool);
    FUZZ_REQUIRE(is_attacked || consumer);
    std::optional<std::uint64_t> last;
    for (std::uint8_t value = 1; value <= 3; ++value) {
        const std::vector<std::byte> frame(producer.geometry().frame_bytes, std::byte{value});
        const auto number = producer.put(frame);
        if (is_attacked) {
            if (consumer) {
                static_cast<void>(consumer->latest());
            }
            continue;
        }
        FUZZ_REQUIRE(number);
        FUZZ_REQUIRE(!last || *number == *last + 1);
        last = *number;
        const auto got = consumer->latest();
        FUZZ_REQUIRE(got && *got && (*got)->info().index == *number);
        FUZZ_REQUIRE(std::ranges::equal((*got)->bytes(), frame));
    }
}

void produce(const PoolPlan& plan, Adversary* adversary)
{
    if (adversary != nullptr) {
        adversary->begin_call();
    }
    auto producer = Producer::create(plan.metadata, plan.options);
    FUZZ_REQUIRE(adversary != nullptr || producer);
    if (producer) {
        put_and_get(*producer, adversary != nullptr);
        auto loan = producer->loan();
        FUZZ_REQUIRE(adversary != nullptr || loan);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    FuzzInput input({data, size});
    const std::uint8_t kind = input.byte();
    const PoolPlan plan = next_plan(input, kPool);
    if (kind == 0xFF) {
        const std::uint64_t bytes = input.number<std::uint16_t>();
        write_object(kPool, input.rest(), bytes);
        produce(plan, nullptr);
    } else {
        Leftover pool(kind % 4 == 0 ? next_plan(input, kPool) : plan);
        pool.damage(input);
        const auto attack = static_cast<Attack>(input.below(3));
        const std::vector<Edit> edits = next_edits(input, pool.geometry(), pool.bytes());
        if (attack == Attack::Never || edits.empty()) {
            produce(plan, nullptr);
        } else {
            Adversary adversary(pool.control(), edits, attack);
            produce(plan, &adversary);
        }
    }
    FUZZ_REQUIRE(kind == 0xFF || ::access(path_of(kPool).c_str(), F_OK) != 0);
    return 0;
}

}  // namespace tensor_ipc::fuzz

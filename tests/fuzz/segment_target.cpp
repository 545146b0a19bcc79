/// A consumer before a malicious producer: any segment, changing while it is attached, inspected,
/// read and waited on. It may get errors, nothing, or nonsense; it must not read outside, crash, or
/// go on for ever.
#include <optional>

#include <sys/stat.h>

#include "fuzz/adversary.hpp"
#include "fuzz/leftover.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::fuzz {

namespace {

constexpr const char* kPool = "hostile";
constexpr std::uint32_t kMaxCalls = 24;

/// Reads every byte, as a user would.
void touch(const FrameWindow& window, std::uint32_t wanted)
{
    FUZZ_REQUIRE(window.count() >= 1 && window.count() <= wanted);
    FUZZ_REQUIRE(window.info().index < kFrameLimit);
    unsigned sum = 0;
    for (std::uint32_t age = 0; age < window.count(); ++age) {
        const auto bytes = window.bytes(age);
        const std::uint64_t whole = *frame_bytes(window.metadata());
        FUZZ_REQUIRE(window.metadata().varying_extent ? bytes.size() <= whole
                                                      : bytes.size() == whole);
        FUZZ_REQUIRE(window.info_at(age).extent * (whole / max_extent(window.metadata())) ==
                     bytes.size());
        for (const std::byte value : bytes) {
            sum += static_cast<unsigned>(value);
        }
        FUZZ_REQUIRE(window.user_metadata(age).size() <= kMaxUserMetadataBytes);
        for (const char value : window.user_metadata(age)) {
            sum += static_cast<unsigned>(value);
        }
    }
    static volatile unsigned kept = 0;
    kept = kept + sum;  // so that the bytes are really read
}

/// A user of the pool that does what the input says, and ignores all errors.
class Reader {
public:
    void call(FuzzInput& input)
    {
        const std::uint32_t what = input.below(16);
        if (what == 0) {
            look(inspect(kPool));
        } else if (what == 1) {
            static_cast<void>(inspect_all());
        } else if (!consumer_) {
            attach(input);
        } else {
            use(*consumer_, what, input);
        }
    }

private:
    static void look(const Result<PoolFacts>& facts)
    {
        if (facts) {
            FUZZ_REQUIRE(facts->metadata.name == kPool);
            FUZZ_REQUIRE(facts->rate_hz >= 0.0);
        } else {
            FUZZ_REQUIRE(!facts.error().message.empty());
        }
    }

    void attach(FuzzInput& input)
    {
        ConsumerOptions options;
        options.max_pins = input.below(4);
        const std::uint8_t choice = input.byte();
        options.spin_ns = (choice & 1U) != 0 ? 1 : 0;
        if ((choice & 2U) != 0) {  // then our consumer id is not the first
            auto neighbour = Consumer::attach(kPool);
            if (neighbour) {
                neighbour_ = std::move(neighbour).value();
            }
        }
        auto consumer = Consumer::attach(kPool, options);
        if (consumer) {
            consumer_ = std::move(consumer).value();
        }
    }

    void use(Consumer& consumer, std::uint32_t what, FuzzInput& input)
    {
        switch (what) {
            case 2:
            case 3:
                keep(consumer.latest(), input.flag() ? input.byte() : 0);
                break;
            case 4:
            case 5:
            case 6: {
                const std::uint32_t count = 1 + input.below(5);
                auto window = consumer.history(count);
                if (window && *window) {
                    touch(**window, count);
                    held_.push_back(std::move(**window));
                }
                break;
            }
            case 7:
                keep(consumer.frame(next_value(input)), 0);
                break;
            case 8:
                static_cast<void>(consumer.wait(next_value(input), 0));
                break;
            case 9:
                static_cast<void>(consumer.wait(std::nullopt, 0));
                break;
            case 10:
                static_cast<void>(consumer.waiter(next_value(input)).wait(0));
                break;
            case 11:
                static_cast<void>(consumer.connected());
                static_cast<void>(consumer.latest_index());
                break;
            case 12:
                static_cast<void>(consumer.refresh());
                break;
            case 13:
                consumer.wake_waiters();
                consumer.detach();
                break;
            case 14:
                held_.clear();
                break;
            default:
                consumer_.reset();
                break;
        }
    }

    /// Keeps the frame, and gets it `more` times again: pins of one slot are counted in a byte.
    void keep(Result<std::optional<Frame>> frame, std::uint32_t more)
    {
        while (frame && *frame) {
            held_.push_back(std::move(**frame).into_window());
            touch(held_.back(), 1);
            if (more-- == 0) {
                return;
            }
            frame = consumer_->latest();
        }
    }

    std::optional<Consumer> consumer_;
    std::optional<Consumer> neighbour_;
    std::vector<FrameWindow> held_;
};

void read_arbitrary(FuzzInput& input)
{
    const std::uint64_t size = input.number<std::uint16_t>();
    Reader reader;
    write_object(kPool, input.rest(), size);
    for (std::uint8_t what = 0; what < 16; ++what) {
        FuzzInput script({&what, 1});
        reader.call(script);
    }
    ::unlink(path_of(kPool).c_str());
}

void read_damaged(FuzzInput& input, const PoolPlan& plan)
{
    Leftover pool(plan);
    pool.damage(input);
    const auto attack = static_cast<Attack>(input.below(3));
    Adversary adversary(pool.control(), next_edits(input, pool.geometry(), pool.bytes()), attack);
    Reader reader;
    for (std::uint32_t calls = 0; calls < kMaxCalls && !input.empty(); ++calls) {
        adversary.begin_call();
        reader.call(input);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    FuzzInput input({data, size});
    const bool is_arbitrary = input.byte() == 0xFF;
    const PoolPlan plan = next_plan(input, kPool);
    if (is_arbitrary) {
        read_arbitrary(input);
    } else {
        read_damaged(input, plan);
    }
    return 0;
}

}  // namespace tensor_ipc::fuzz

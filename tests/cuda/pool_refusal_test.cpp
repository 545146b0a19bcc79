/// Every function of the driver, refusing each time that a pool on a device calls it: an error
/// comes out, or what was promised happens nevertheless; and nothing is left.
#include "pool_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

constexpr std::array kNames = {
#define NAME(name, arguments) #name,
    TENSOR_IPC_CUDA_ENTRY_POINTS(NAME)
#undef NAME
};

#define TRY(expression)                               \
    if (const auto& result = (expression); !result) { \
        return result.error();                        \
    }                                                 \
    static_assert(true)

using Scenario = std::function<Result<void>()>;
using Counts = std::array<std::uint64_t, kNames.size()>;

class CudaPoolRefusal : public PoolProcesses {
protected:
    /// A user's stream and array on the device, made while nothing is refused.
    struct Users {
        DeviceArray array;
        DeviceArray reader;
    };

    /// Everything that a producer does, and a consumer beside it.
    Result<void> use_pool(Users& users, CudaSync sync)
    {
        auto made = CudaProducer::create(device_metadata(name_, 3), options_of(GetParam(), sync));
        TRY(made);
        CudaProducer& producer = made.value();
        auto attached = Consumer::attach(name_);
        TRY(attached);
        Consumer& consumer = attached.value();
        std::vector<std::int32_t> values(600, 3);
        const CudaSource from_host{values.data(), values.size() * sizeof(std::int32_t)};
        TRY(producer.put(users.array.source()));
        TRY(producer.put(from_host));
        {
            auto loan = producer.loan();
            TRY(loan);
            auto dropped = producer.loan();
            TRY(dropped);
            dropped.value().record_stream(users.array.stream());
            TRY(loan.value().publish(users.array.stream()));
        }
        TRY(producer.synchronize());
        for (int more = 0; more < 6; ++more) {
            TRY(producer.put(users.array.source()));
        }
        TRY(producer.synchronize());
        TRY(look(consumer, users));
        // As they do anyway, sooner or later: a producer of Ipc memory waits for them.
        fake_cuda_drain();
        drop_finished_frames();
        return {};
    }

    /// Everything that a consumer does.
    static Result<void> look(Consumer& consumer, Users& users)
    {
        auto window = consumer.history(3);
        TRY(window);
        std::vector<std::byte> bytes(window.value()->payload_bytes());
        TRY(window.value()->copy_to_host(bytes, 2));
        const DevicePointer address = window.value()->device_address();
        window.value()->record_stream(users.reader.stream());
        TRY(users.reader.bench().stream.copy_on_device(
            users.reader.bench().current, users.reader.address(), address, users.reader.bytes()));
        window.value()->release(users.reader.stream());
        if (tensor_ipc::testing::value_of(bytes) != 7) {
            return Error{ErrorCode::System, "another value than was put"};
        }
        return {};
    }

    static bool gives_back(const std::string& name)
    {
        return name.find("Free") != std::string::npos || name.find("Unmap") != std::string::npos ||
               name.find("Release") != std::string::npos ||
               name.find("Destroy") != std::string::npos ||
               name.find("Close") != std::string::npos || name.find("Pop") != std::string::npos;
    }

    /// Runs `scenario` in a process of its own.
    /// @param name  what is refused, or null
    int run(const std::function<Result<void>(Users&)>& scenario, const char* name,
            std::uint64_t nth)
    {
        return in_child([&] {
            static_cast<void>(the_driver());
            Users users;
            users.array.fill(7);
            must_do(users.array.bench().stream.synchronize(users.array.bench().current));
            const FakeCudaLive before = fake_cuda_live();
            const std::uint64_t used = fake_cuda_used_bytes(0);
            fake_cuda_reset();
            if (name != nullptr) {
                constexpr int kUnknown = 999;
                fake_cuda_fail(name, nth, kUnknown);
            }
            const auto result = scenario(users);
            if (name == nullptr) {
                CHILD_REQUIRE(result.ok());
                for (std::size_t i = 0; i < kNames.size(); ++i) {
                    (*counts_)[i] = fake_cuda_calls(kNames[i]);
                }
            } else if (!result) {
                CHILD_REQUIRE(result.error().message.starts_with(std::string(name) + ": "));
                CHILD_REQUIRE(result.error().code == ErrorCode::CudaFailed);
            }
            fake_cuda_reset();
            fake_cuda_drain();
            drop_finished_frames();
            CHILD_REQUIRE(pinned_nowhere());
            if (name == nullptr || !gives_back(name)) {
                // A call that pushes a context may have been needed to free something.
                const bool may_leak = name != nullptr && std::string(name) == "cuCtxPushCurrent_v2";
                CHILD_REQUIRE(may_leak || fake_cuda_live() == before);
                CHILD_REQUIRE(may_leak || fake_cuda_used_bytes(0) == used);
            }
            return 0;
        });
    }

    /// Of a pool that another process keeps open, if there is one.
    [[nodiscard]] bool pinned_nowhere() const
    {
        const auto pool = inspect(name_);
        return !pool || std::ranges::all_of(pool->consumers, [](const ConsumerFacts& consumer) {
            return consumer.pinned_slots == 0;
        });
    }

    void refuse_each(const std::function<Result<void>(Users&)>& scenario)
    {
        ASSERT_EQ(run(scenario, nullptr, 0), 0);
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            for (std::uint64_t nth = 1; nth <= (*counts_)[i]; ++nth) {
                EXPECT_EQ(run(scenario, kNames[i], nth), 0) << kNames[i] << ", call " << nth;
                EXPECT_TRUE(inspect(name_).ok() || leftovers().empty()) << kNames[i];
            }
        }
    }

    SharedWithChildren<Counts> counts_;
};

TEST_P(CudaPoolRefusal, ComesOutOfAProducerAndLeavesNothing)
{
    refuse_each([this](Users& users) { return use_pool(users, CudaSync::Stream); });
}

TEST_P(CudaPoolRefusal, ComesOutOfAProducerThatBlocksAndLeavesNothing)
{
    refuse_each([this](Users& users) { return use_pool(users, CudaSync::Block); });
}

TEST_P(CudaPoolRefusal, ComesOutOfAConsumerAndLeavesNothing)
{
    PoolProcess producer(device_metadata(name_, 3), options_of(GetParam()), {},
                         [](CudaProducer& pool, DeviceArray& array, const Channel& parent) {
                             for (int i = 0; i < 9; ++i) {
                                 put_now(pool, array, 7);
                             }
                             parent.say('p');
                             static_cast<void>(parent.hear());
                             return 0;
                         });
    ASSERT_EQ(producer.channel().hear(), 'p');

    refuse_each([this](Users& users) -> Result<void> {
        auto attached = Consumer::attach(name_);
        TRY(attached);
        TRY(look(attached.value(), users));
        fake_cuda_drain();
        return {};
    });

    producer.channel().say('g');
    EXPECT_EQ(producer.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaPoolRefusal, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda

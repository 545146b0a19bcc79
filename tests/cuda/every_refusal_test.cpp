/// Every function of the driver, refusing each time that it is called: the refusal comes out as an
/// error with its name, and nothing is left with the driver.
#include <set>

#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

constexpr std::array kNames = {
#define NAME(name, arguments) #name,
    TENSOR_IPC_CUDA_ENTRY_POINTS(NAME)
#undef NAME
};

/// By whom things are given back, which has nobody to tell.
const std::set<std::string>& releases()
{
    static const std::set<std::string> names = {
        "cuCtxPopCurrent_v2",  "cuDevicePrimaryCtxRelease_v2",
        "cuEventDestroy_v2",   "cuIpcCloseMemHandle",
        "cuMemAddressFree",    "cuMemFree_v2",
        "cuMemHostUnregister", "cuMemRelease",
        "cuMemUnmap",          "cuStreamDestroy_v2"};
    return names;
}

/// Only called when something else was refused; driver_test.cpp has them.
bool tells_of_refusals(const std::string& name)
{
    return name == "cuGetErrorName" || name == "cuGetErrorString";
}

#define TRY(expression)                               \
    if (const auto& result = (expression); !result) { \
        return result.error();                        \
    }                                                 \
    static_assert(true)

void nothing(void* /*argument*/) {}

/// Of the memory that `use_everything` shared in this process.
os::RandomId& shared_id()
{
    static os::RandomId id{};
    return id;
}

/// Everything that one process does alone.
Result<void> use_everything(MemoryKind kind)
{
    ::setenv("TENSOR_IPC_CUDA_DRIVER", FAKE_CUDA_LIBRARY, 1);
    const auto driver = Driver::get();
    TRY(driver);
    const auto device = device_at(*driver.value(), 0);
    TRY(device);
    TRY(find_device(*driver.value(), device.value().uuid));
    const auto context = PrimaryContext::retain(*driver.value(), device.value());
    TRY(context);
    const auto current = CurrentContext::push(*context.value());
    TRY(current);
    const CurrentContext& in = current.value();
    const auto memory = DeviceMemory::create(context.value(), kind, 1);
    TRY(memory);
    const auto ticket = memory.value()->share(0600);
    memory.value()->nobody_else_has_it();
    TRY(ticket);
    shared_id() = ticket.value().id;
    TRY(import_memory(context.value(), ticket.value(), hang_deadline_ns()));
    TRY(facts_of(*driver.value(), memory.value()->address()));

    std::array<char, 4096> page{};
    const auto registration = HostRegistration::create(context.value(), page.data(), page.size(),
                                                       HostRegistration::Access::ReadOnly);
    TRY(registration);

    const auto made = Stream::create(context.value(), in);
    TRY(made);
    const Stream& stream = made.value();
    const auto marked = Event::create(context.value(), in);
    TRY(marked);
    const Event& event = marked.value();
    const DevicePointer address = memory.value()->address();
    TRY(stream.copy_to_device(in, address, page.data(), page.size()));
    TRY(stream.copy_on_device(in, address + 4096, address, page.size()));
    TRY(stream.copy_from_peer(in, address + 8192, *context.value(), address, page.size()));
    TRY(stream.copy_to_host(in, page.data(), address, page.size()));
    TRY(event.record(in, stream.handle()));
    TRY(stream.wait_for(in, event));
    TRY(stream.then_on_host(in, nothing, nullptr));
    TRY(is_capturing(in, stream.handle()));
    TRY(event.wait(in));
    TRY(event.is_reached(in));
    TRY(stream.is_idle(in));
    return stream.synchronize(in);
}

Result<void> open_and_close(const MemoryTicket& ticket)
{
    ::setenv("TENSOR_IPC_CUDA_DRIVER", FAKE_CUDA_LIBRARY, 1);
    const auto driver = Driver::get();
    TRY(driver);
    const auto device = find_device(*driver.value(), ticket.device);
    TRY(device);
    const auto context = PrimaryContext::retain(*driver.value(), device.value());
    TRY(context);
    TRY(import_memory(context.value(), ticket, hang_deadline_ns()));
    return {};
}

using Scenario = std::function<Result<void>()>;
using Counts = std::array<std::uint64_t, kNames.size()>;

class CudaRefusal : public OfEachKind {
protected:
    /// What only the other kind of memory needs.
    static bool of_other_kind(const std::string& name)
    {
        static const std::set<std::string> ipc = {"cuMemAlloc_v2",       "cuMemFree_v2",
                                                  "cuIpcGetMemHandle",   "cuIpcOpenMemHandle_v2",
                                                  "cuIpcCloseMemHandle", "cuMemGetAddressRange_v2"};
        static const std::set<std::string> vmm = {"cuMemGetAllocationGranularity",
                                                  "cuMemCreate",
                                                  "cuMemRelease",
                                                  "cuMemAddressReserve",
                                                  "cuMemAddressFree",
                                                  "cuMemMap",
                                                  "cuMemUnmap",
                                                  "cuMemSetAccess",
                                                  "cuMemExportToShareableHandle",
                                                  "cuMemImportFromShareableHandle"};
        return (GetParam() == MemoryKind::Ipc ? vmm : ipc).contains(name);
    }

    /// How often `scenario` calls each function.
    void count(const Scenario& scenario)
    {
        ASSERT_EQ(in_child([&] {
                      CHILD_REQUIRE(scenario().ok());
                      fake_cuda_drain();
                      CHILD_REQUIRE(fake_cuda_live() == FakeCudaLive{});
                      for (std::size_t i = 0; i < kNames.size(); ++i) {
                          (*counts_)[i] = fake_cuda_calls(kNames[i]);
                      }
                      return 0;
                  }),
                  0);
    }

    /// `scenario` with call number `nth` of `name` refused, in a process of its own.
    static int refuse(const Scenario& scenario, const char* name, std::uint64_t nth)
    {
        return in_child([&] {
            constexpr int kUnknown = 999;
            fake_cuda_fail(name, nth, kUnknown);
            const auto result = scenario();
            fake_cuda_drain();
            CHILD_REQUIRE(::access(socket_path(shared_id()).c_str(), F_OK) != 0);
            if (result.ok()) {
                // A destructor may have needed the context.
                CHILD_REQUIRE(releases().contains(name) ||
                              std::string(name) == "cuCtxPushCurrent_v2");
                return 0;
            }
            CHILD_REQUIRE(!releases().contains(name));
            CHILD_REQUIRE(result.error().message.starts_with(std::string(name) + ": "));
            CHILD_REQUIRE(result.error().message.find("999") != std::string::npos);
            CHILD_REQUIRE(result.error().code == (std::string(name) == "cuInit"
                                                      ? ErrorCode::CudaUnavailable
                                                      : ErrorCode::CudaFailed));
            CHILD_REQUIRE(fake_cuda_live() == FakeCudaLive{});
            CHILD_REQUIRE(fake_cuda_used_bytes(0) == 0);
            return 0;
        });
    }

    /// Refuses every call of `scenario`, one at a time.
    void refuse_each(const Scenario& scenario)
    {
        count(scenario);
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            for (std::uint64_t nth = 1; nth <= (*counts_)[i]; ++nth) {
                EXPECT_EQ(refuse(scenario, kNames[i], nth), 0) << kNames[i] << ", call " << nth;
            }
        }
    }

    SharedWithChildren<Counts> counts_;
};

TEST_P(CudaRefusal, OfEveryCallOfOneProcessComesOutAndLeavesNothing)
{
    refuse_each([] { return use_everything(GetParam()); });
}

TEST_P(CudaRefusal, OfEveryCallOfAnOpenerComesOutAndLeavesNothing)
{
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    refuse_each([&] { return open_and_close(board_->ticket); });
}

/// Without this, a function that nothing above calls would be a function that is not tested.
TEST_P(CudaRefusal, IsTriedForEveryFunctionThatThisKindNeeds)
{
    std::set<std::string> called;
    const auto run = [&](const Scenario& scenario) {
        count(scenario);
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            if ((*counts_)[i] != 0) {
                called.insert(kNames[i]);
            }
        }
    };
    const CreatorProcess creator(*board_, GetParam(), {}, stay);

    run([] { return use_everything(GetParam()); });
    run([&] { return open_and_close(board_->ticket); });

    for (const std::string name : kNames) {
        EXPECT_TRUE(called.contains(name) || tells_of_refusals(name) || of_other_kind(name))
            << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaRefusal, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda

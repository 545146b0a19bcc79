/// CUDA does not survive fork(): what a child finds, and what it leaves alone.
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaFork : public TwoProcesses {};

TEST_F(CudaFork, LeavesTheChildWithoutCudaAndSaysSo)
{
    EXPECT_EQ(
        in_child([] {
            const Bench bench;
            return in_child([&] {
                const auto driver = Driver::get();
                CHILD_REQUIRE(!driver.ok());
                CHILD_REQUIRE(driver.error().code == ErrorCode::CudaUnavailable);
                CHILD_REQUIRE(driver.error().message.find("spawn") != std::string::npos);
                CHILD_REQUIRE(!CurrentContext::push(*bench.context).ok());
                CHILD_REQUIRE(!DeviceMemory::create(bench.context, MemoryKind::Vmm, 1).ok());
                CHILD_REQUIRE(!visible_devices(bench.context->driver()).ok());
                CHILD_REQUIRE(!facts_of(bench.context->driver(), 4096).ok());
                CHILD_REQUIRE(
                    !PrimaryContext::retain(bench.context->driver(), bench.context->device()).ok());
                CHILD_REQUIRE(!import_memory(bench.context, MemoryTicket{}, 0).ok());
                return 0;
            });
        }),
        0);
}

TEST_F(CudaFork, LetsTheChildsCopiesDieWithoutTouchingTheDriverOrTheSocket)
{
    EXPECT_EQ(
        in_child([&] {
            auto bench = std::make_unique<Bench>();
            auto memory = must(DeviceMemory::create(bench->context, MemoryKind::Vmm, 1));
            auto handled = must(DeviceMemory::create(bench->context, MemoryKind::Ipc, 1));
            auto event =
                std::make_unique<Event>(must(Event::create(bench->context, bench->current)));
            std::vector<char> page(4096);
            auto registration = std::make_unique<HostRegistration>(must(HostRegistration::create(
                bench->context, page.data(), page.size(), HostRegistration::Access::ReadWrite)));
            board_->ticket = must(memory->share(0600));

            const int child = in_child([&] {
                const std::uint64_t before = fake_cuda_calls(nullptr);
                registration.reset();
                event.reset();
                memory.reset();
                handled.reset();
                bench.reset();
                CHILD_REQUIRE(fake_cuda_calls(nullptr) == before);
                return 0;
            });

            CHILD_REQUIRE(child == 0);
            CHILD_REQUIRE(in_child([&] {
                              return ::access(socket_path(board_->ticket.id).c_str(), F_OK);
                          }) == 0);
            bench->fill(*memory, 4);
            CHILD_REQUIRE(is_all(bench->contents(*memory), 4));
            return 0;
        }),
        0);
}

TEST_F(CudaFork, IsNoneWhenCudaIsFirstUsedInTheChild)
{
    EXPECT_EQ(in_child([] {
                  const Bench bench;
                  return must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 1)) == nullptr;
              }),
              0);
}

/// A child that outlives its parent must not keep the parent's socket alive, or openers would wait
/// for somebody who is dead.
TEST_F(CudaFork, DoesNotLetAChildKeepADeadCreatorsOffer)
{
    SharedWithChildren<std::atomic<pid_t>> grandchild;
    CreatorProcess creator(*board_, MemoryKind::Vmm, {},
                           [&](const Bench&, DeviceMemory&, const Channel& parent) {
                               const pid_t child = ::fork();
                               if (child == 0) {
                                   ::pause();
                                   ::_exit(0);
                               }
                               grandchild->store(child);
                               parent.say('f');
                               static_cast<void>(parent.hear());
                               return 0;
                           });
    ASSERT_EQ(creator.channel().hear(), 'f');
    creator.kill();

    const int status = in_child([&] {
        const auto opened = open(board_->ticket);
        CHILD_REQUIRE(!opened.ok());
        CHILD_REQUIRE(opened.error().code == ErrorCode::PoolNotFound);
        return 0;
    });

    ::kill(grandchild->load(), SIGKILL);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tensor_ipc::cuda

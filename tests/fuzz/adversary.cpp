#include "fuzz/adversary.hpp"

#include "tensor_ipc/base/test_point.hpp"

namespace tensor_ipc::fuzz {

Adversary::Adversary(std::byte* control, std::vector<Edit> edits, Attack attack)
    : control_(control), edits_(std::move(edits))
{
    if (edits_.empty()) {
        attack = Attack::Never;
    }
    active_ = this;
    if (attack == Attack::AtTestPoints) {
        testing::test_point_hook.store(&Adversary::at_test_point);
    } else if (attack == Attack::InAThread) {
        thread_ = std::thread([this] {
            while (!stop_.load(std::memory_order_relaxed)) {
                write_next();
            }
        });
    }
}

Adversary::~Adversary()
{
    testing::test_point_hook.store(nullptr);
    stop_.store(true);
    if (thread_.joinable()) {
        thread_.join();
    }
    active_ = nullptr;
}

void Adversary::at_test_point(const char*)
{
    constexpr std::uint64_t kEndless = 100'000;
    FUZZ_REQUIRE(++active_->points_ < kEndless);
    active_->write_next();
}

void Adversary::write_next() noexcept
{
    write_into(edits_[next_], control_, round_);
    if (++next_ == edits_.size()) {
        next_ = 0;
        ++round_;
    }
}

}  // namespace tensor_ipc::fuzz

/// A ring in plain memory, with consumers that live and die as a test says.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/ring/ring.hpp"

namespace tensor_ipc::testing {

/// Says of consumers what the test told it.
class FakeLiveness final : public ConsumerLiveness {
public:
    void die(std::uint32_t id) { dead_.insert(id); }

    bool lock_if_dead(std::uint32_t id) noexcept override
    {
        ++asked_;
        if (!dead_.contains(id)) {
            return false;
        }
        ++locked_;
        return true;
    }

    void unlock(std::uint32_t) noexcept override { --locked_; }

    /// Locks that were taken and not given back.
    [[nodiscard]] int locked() const { return locked_; }

    /// How often anybody was asked about. Each time is a system call.
    [[nodiscard]] int asked() const { return asked_; }

private:
    std::set<std::uint32_t> dead_;
    int asked_ = 0;
    int locked_ = 0;
};

/// Runs something once, in the middle of a step of the protocol.
class AtTestPoint {
public:
    AtTestPoint(const char* name, std::function<void()> action)
        : name_(name), action_(std::move(action))
    {
        active_ = this;
        test_point_hook.store(&AtTestPoint::hook);
    }

    AtTestPoint(const AtTestPoint&) = delete;
    AtTestPoint& operator=(const AtTestPoint&) = delete;

    ~AtTestPoint() { test_point_hook.store(nullptr); }

    [[nodiscard]] bool was_reached() const { return reached_; }

private:
    static void hook(const char* name)
    {
        if (!active_->reached_ && active_->name_ == name) {
            active_->reached_ = true;
            active_->action_();
        }
    }

    static inline AtTestPoint* active_ = nullptr;
    std::string name_;
    std::function<void()> action_;
    bool reached_ = false;
};

/// Control bytes of a pool, zeroed, without a pool.
class RingInMemory : public ::testing::Test {
protected:
    static constexpr std::uint32_t kHistory = 3;
    static constexpr std::uint32_t kSlots = 6;
    static constexpr std::uint32_t kConsumers = 8;

    RingInMemory() { memory_.header().consumer_high_water.store(kConsumers); }

    static Geometry plan()
    {
        GeometryInput input;
        input.frame_bytes = 8;
        input.history_len = kHistory;
        input.spare = kSlots - kHistory;
        return *plan_geometry(input);
    }

    [[nodiscard]] FrameReader reader(std::uint32_t id) const { return {memory_, id}; }

    [[nodiscard]] std::uint64_t state(std::uint32_t slot) const
    {
        return memory_.slot(slot).state.load();
    }

    [[nodiscard]] int pin(std::uint32_t slot, std::uint32_t id) const
    {
        return memory_.pin(slot, id).load();
    }

    /// Publishes `count` frames.
    static void publish(FrameWriter& writer, int count)
    {
        for (int i = 0; i < count; ++i) {
            const auto slot = writer.claim();
            ASSERT_TRUE(slot);
            writer.commit(*slot, 1, 1);
        }
    }

    struct alignas(64) Line {
        std::byte bytes[64];
    };

    Geometry geometry_ = plan();
    std::vector<Line> bytes_ = std::vector<Line>(geometry_.payload_offset / sizeof(Line));
    RingMemory memory_{bytes_.front().bytes, geometry_};
    FakeLiveness liveness_;
};

}  // namespace tensor_ipc::testing

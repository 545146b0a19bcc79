#include "tensor_ipc/pool/time_match.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

using Times = std::vector<std::uint64_t>;
using Pools = std::vector<Times>;

std::vector<CaptureTimes> views_of(const Pools& pools)
{
    return {pools.begin(), pools.end()};
}

/// A set as ages; nothing without one.
std::optional<std::vector<std::uint32_t>> match(const Pools& pools, std::uint64_t tolerance_ns,
                                                std::optional<std::uint64_t> after_ns = {})
{
    std::vector<std::uint32_t> ages(pools.size());
    const SetMatch found = match_set(views_of(pools), tolerance_ns, after_ns, ages);
    return found.found ? std::optional(ages) : std::nullopt;
}

std::size_t pool_behind(const Pools& pools, std::uint64_t tolerance_ns,
                        std::optional<std::uint64_t> after_ns = {})
{
    std::vector<std::uint32_t> ages(pools.size());
    const SetMatch found = match_set(views_of(pools), tolerance_ns, after_ns, ages);
    EXPECT_FALSE(found.found);
    return found.behind;
}

/// The rule as the documents have it, word by word: tries every set.
std::optional<std::vector<std::uint32_t>> match_by_trying_all(const Pools& pools,
                                                              std::uint64_t tolerance_ns,
                                                              std::optional<std::uint64_t> after_ns)
{
    if (std::ranges::any_of(pools, &Times::empty)) {
        return std::nullopt;
    }
    std::vector<std::uint32_t> ages(pools.size(), 0);
    std::optional<std::vector<std::uint32_t>> best;
    // Greater is better: oldest time, then nearness to it and newness of publication, pool by pool.
    std::vector<std::int64_t> best_rank;
    for (;;) {
        Times times;
        for (std::size_t i = 0; i < pools.size(); ++i) {
            times.push_back(pools[i][ages[i]]);
        }
        const auto [oldest, newest] = std::ranges::minmax(times);
        if (newest - oldest <= tolerance_ns && (!after_ns || oldest > *after_ns)) {
            std::vector<std::int64_t> rank{static_cast<std::int64_t>(oldest)};
            for (std::size_t i = 0; i < pools.size(); ++i) {
                rank.push_back(-static_cast<std::int64_t>(times[i]));
                rank.push_back(-static_cast<std::int64_t>(ages[i]));
            }
            if (!best || rank > best_rank) {
                best = ages;
                best_rank = rank;
            }
        }
        std::size_t i = 0;
        while (i < pools.size() && ++ages[i] == pools[i].size()) {
            ages[i++] = 0;
        }
        if (i == pools.size()) {
            return best;
        }
    }
}

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t limit)
    {
        return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(engine_);
    }

    /// Newest first; falling or not.
    Times times(bool in_order)
    {
        Times times(below(7));
        std::ranges::generate(times, [&] { return below(30); });
        if (in_order) {
            std::ranges::sort(times, std::greater{});
        }
        return times;
    }

private:
    std::mt19937 engine_;
};

TEST(Closest, IsTheLastFrameThenOrBefore)
{
    const Times times{50, 40, 30};

    EXPECT_EQ(closest(times, 60, TimeSide::Before), 0U);
    EXPECT_EQ(closest(times, 50, TimeSide::Before), 0U);
    EXPECT_EQ(closest(times, 49, TimeSide::Before), 1U);
    EXPECT_EQ(closest(times, 30, TimeSide::Before), 2U);
    EXPECT_EQ(closest(times, 29, TimeSide::Before), std::nullopt);
}

TEST(Closest, IsTheFirstFrameThenOrAfter)
{
    const Times times{50, 40, 30};

    EXPECT_EQ(closest(times, 0, TimeSide::After), 2U);
    EXPECT_EQ(closest(times, 30, TimeSide::After), 2U);
    EXPECT_EQ(closest(times, 31, TimeSide::After), 1U);
    EXPECT_EQ(closest(times, 50, TimeSide::After), 0U);
    EXPECT_EQ(closest(times, 51, TimeSide::After), std::nullopt);
}

TEST(Closest, IsTheNearestOfAll)
{
    const Times times{50, 40, 30};

    EXPECT_EQ(closest(times, 0, TimeSide::Nearest), 2U);
    EXPECT_EQ(closest(times, 34, TimeSide::Nearest), 2U);
    EXPECT_EQ(closest(times, 36, TimeSide::Nearest), 1U);
    EXPECT_EQ(closest(times, UINT64_MAX, TimeSide::Nearest), 0U);
    EXPECT_EQ(closest({}, 0, TimeSide::Nearest), std::nullopt);
}

TEST(Closest, OfSeveralAsCloseIsTheOnePublishedLast)
{
    EXPECT_EQ(closest(Times{50, 40, 40, 30}, 45, TimeSide::Before), 1U);
    EXPECT_EQ(closest(Times{50, 40, 40, 30}, 35, TimeSide::After), 1U);
    EXPECT_EQ(closest(Times{50, 40}, 45, TimeSide::Nearest), 0U);
    EXPECT_EQ(closest(Times{40, 50}, 45, TimeSide::Nearest), 0U);
}

TEST(MatchSet, TakesTheNewestFramesWhenTheyAreNear)
{
    EXPECT_EQ(match({{100, 90}, {103, 93}, {98, 88}}, 5), (std::vector<std::uint32_t>{0, 0, 0}));
}

TEST(MatchSet, TakesTheFrameClosestToTheOldestOfTheSet)
{
    EXPECT_EQ(match({{100, 67}, {109, 107, 105, 103, 101, 99}}, 20),
              (std::vector<std::uint32_t>{0, 4}));
}

TEST(MatchSet, GoesBackAsFarAsItHasTo)
{
    EXPECT_EQ(match({{130, 100, 70}, {145, 115, 72}}, 5), (std::vector<std::uint32_t>{2, 2}));
    EXPECT_EQ(match({{130, 100}, {145, 115}}, 5), std::nullopt);
}

TEST(MatchSet, CountsTheToleranceAsWithin)
{
    EXPECT_TRUE(match({{100}, {105}}, 5));
    EXPECT_FALSE(match({{100}, {106}}, 5));
    EXPECT_TRUE(match({{0}, {UINT64_MAX}}, UINT64_MAX));
    EXPECT_FALSE(match({{0}, {UINT64_MAX}}, UINT64_MAX - 1));
}

TEST(MatchSet, LeavesOutWhatWasCapturedThenOrBefore)
{
    EXPECT_TRUE(match({{100}, {105}}, 5, 99));
    EXPECT_FALSE(match({{100}, {105}}, 5, 100));
    EXPECT_FALSE(match({{100}, {105}}, 5, UINT64_MAX));
}

TEST(MatchSet, NamesThePoolThatIsBehind)
{
    EXPECT_EQ(pool_behind({{100}, {200}, {150}}, 5), 0U);
    EXPECT_EQ(pool_behind({{200}, {100}, {150}}, 5), 1U);
    EXPECT_EQ(pool_behind({{200}, {100}, {}}, 500), 2U);
    EXPECT_EQ(pool_behind({{200}, {201}}, 5, 200), 0U);
}

TEST(MatchSet, IsThatOfTheRuleWhateverTheTimes)
{
    Random random(1);
    int sets = 0;
    for (int round = 0; round < 10'000; ++round) {
        Pools pools(1 + random.below(4));
        std::ranges::generate(pools, [&] { return random.times(round % 2 == 0); });
        const std::uint64_t tolerance_ns = random.below(8);
        const auto after_ns = random.below(2) == 0 ? std::nullopt : std::optional(random.below(30));

        const auto found = match(pools, tolerance_ns, after_ns);

        ASSERT_EQ(found, match_by_trying_all(pools, tolerance_ns, after_ns)) << round;
        sets += found ? 1 : 0;
    }
    EXPECT_GT(sets, 2'000);
}

TEST(MatchSet, SaysItsOldestAndItsNewestTimeAndWhetherTimesRise)
{
    std::vector<std::uint32_t> ages(2);

    const SetMatch rising = match_set(views_of({{130, 101}, {145, 105}}), 5, {}, ages);
    EXPECT_TRUE(rising.found);
    EXPECT_EQ(rising.oldest_ns, 101U);
    EXPECT_EQ(rising.newest_ns, 105U);
    EXPECT_TRUE(rising.in_order);

    EXPECT_TRUE(match_set(views_of({{5, 5}, {6}}), 0, {}, ages).in_order);
    EXPECT_FALSE(match_set(views_of({{5, 6}, {6}}), 0, {}, ages).in_order);
}

/// The claim that waiting rests on: while no pool's times fall, there is no set before the pool
/// that is behind has published.
TEST(MatchSet, ComesOnlyAfterAFrameOfThePoolBehind)
{
    Random random(2);
    int claims = 0;
    for (int round = 0; round < 10'000; ++round) {
        Pools pools(2 + random.below(3));
        std::ranges::generate(pools, [&] { return random.times(true); });
        const std::uint64_t tolerance_ns = random.below(8);
        const auto after_ns = random.below(2) == 0 ? std::nullopt : std::optional(random.below(30));
        if (match(pools, tolerance_ns, after_ns)) {
            continue;
        }
        const std::size_t behind = pool_behind(pools, tolerance_ns, after_ns);
        for (int frame = 0; frame < 10; ++frame) {
            const std::size_t other = random.below(pools.size());
            if (other == behind) {
                continue;
            }
            Times& times = pools[other];
            times.insert(times.begin(), (times.empty() ? 0 : times.front()) + random.below(4));
            times.resize(std::min<std::size_t>(times.size(), 5));
            ASSERT_FALSE(match(pools, tolerance_ns, after_ns)) << round;
            ++claims;
        }
    }
    EXPECT_GT(claims, 5'000);
}

}  // namespace
}  // namespace tensor_ipc

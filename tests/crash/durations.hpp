/// How long something took, each time it happened. Printed for people, never asserted: a test that
/// fails because a machine is busy proves nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace tensor_ipc::testing {

class Durations {
public:
    void add(std::uint64_t ns) { ns_.push_back(ns); }

    void print(const std::string& what)
    {
        if (ns_.empty()) {
            return;
        }
        std::ranges::sort(ns_);
        std::cout << what << ": n " << ns_.size() << std::fixed << std::setprecision(1) << ", p50 "
                  << in_us(0.5) << " us, p99 " << in_us(0.99) << " us, max " << in_us(1.0) << " us"
                  << std::endl;
    }

private:
    [[nodiscard]] double in_us(double quantile) const
    {
        const auto last = static_cast<double>(ns_.size() - 1);
        return static_cast<double>(ns_[static_cast<std::size_t>(quantile * last)]) / 1e3;
    }

    std::vector<std::uint64_t> ns_;
};

}  // namespace tensor_ipc::testing

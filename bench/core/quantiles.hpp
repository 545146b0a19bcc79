/// What a set of measured times says: the middle, and how far the middle 80 % spread.
#pragma once

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstddef>
#include <string>
#include <vector>

namespace tensor_ipc::bench {

inline double quantile(std::vector<double> values, double share)
{
    if (values.empty()) {
        return 0.0;
    }
    const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at),
                     values.end());
    return values[at];
}

/// Adds `<name>_p10`, `<name>` (the median), `<name>_p90` and `<name>_p99` to the benchmark's row.
inline void report(benchmark::State& state, const std::string& name,
                   const std::vector<double>& values)
{
    state.counters[name + "_p10"] = quantile(values, 0.1);
    state.counters[name] = quantile(values, 0.5);
    state.counters[name + "_p90"] = quantile(values, 0.9);
    state.counters[name + "_p99"] = quantile(values, 0.99);
}

}  // namespace tensor_ipc::bench

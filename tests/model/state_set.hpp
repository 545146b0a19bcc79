/// The states that were seen: 128 bits of each, in one table that doubles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory.hpp"

namespace tensor_ipc::model {

class StateSet {
public:
    /// @return false when it was there already
    bool add(Digest state)
    {
        if (2 * size_ >= table_.size()) {
            grow();
        }
        return insert(state);
    }

private:
    static constexpr Digest kFree{0, 0};

    bool insert(Digest state)
    {
        std::size_t at = state.low & (table_.size() - 1);
        while (table_[at] != kFree) {
            if (table_[at] == state) {
                return false;
            }
            at = (at + 1) & (table_.size() - 1);
        }
        table_[at] = state;
        ++size_;
        return true;
    }

    void grow()
    {
        std::vector<Digest> old(table_.size() * 2, kFree);
        old.swap(table_);
        size_ = 0;
        for (const Digest& state : old) {
            if (state != kFree) {
                insert(state);
            }
        }
    }

    std::vector<Digest> table_ = std::vector<Digest>(1U << 16U, kFree);
    std::size_t size_ = 0;
};

}  // namespace tensor_ipc::model

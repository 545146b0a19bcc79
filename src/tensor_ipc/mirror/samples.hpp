/// Taking samples, and reading text from them.
#pragma once

#include <array>
#include <dds/dds.h>
#include <string>

namespace tensor_ipc::mirror {

/// Takes what a reader has, in memory that is used again and again.
template <typename Sample>
class Taker {
public:
    explicit Taker(const dds_topic_descriptor_t& type) noexcept : type_(&type)
    {
        for (std::size_t i = 0; i < kBatch; ++i) {
            places_[i] = &samples_[i];
        }
    }

    Taker(const Taker&) = delete;
    Taker& operator=(const Taker&) = delete;
    Taker(Taker&&) = delete;
    Taker& operator=(Taker&&) = delete;

    ~Taker()
    {
        for (Sample& sample : samples_) {
            dds_sample_free(&sample, type_, DDS_FREE_CONTENTS);
        }
    }

    /// Calls `each(sample, info)` for all that is there. Where `info.valid_data` is false, the
    /// sample has only its key.
    template <typename Each>
    void take_all(dds_entity_t reader, const Each& each)
    {
        for (;;) {
            const auto count = dds_take(reader, places_.data(), infos_.data(), kBatch, kBatch);
            for (int i = 0; i < count; ++i) {
                each(samples_[static_cast<std::size_t>(i)], infos_[static_cast<std::size_t>(i)]);
            }
            if (count < static_cast<int>(kBatch)) {
                return;
            }
        }
    }

private:
    static constexpr std::size_t kBatch = 16;
    const dds_topic_descriptor_t* type_;
    std::array<Sample, kBatch> samples_{};
    std::array<void*, kBatch> places_{};
    std::array<dds_sample_info_t, kBatch> infos_{};
};

}  // namespace tensor_ipc::mirror

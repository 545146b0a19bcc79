/// What a frame carries, so that a torn, lost or repeated one is seen. Drawn in ../seal.py, whose
/// twin this is.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace compare {

using Frame = std::span<const std::byte>;

/// A frame of another number has another pattern, unless the difference is a multiple of this.
inline constexpr std::uint64_t kPatterns = 4;

class Seal {
public:
    /// @param frame_bytes  a multiple of 8, at least 256
    explicit Seal(std::size_t frame_bytes) : words_(frame_bytes / 8)
    {
        for (std::size_t i = 0; i < kStamps; ++i) {
            places_[i] = i * (words_ - 1) / (kStamps - 1);
        }
    }

    /// A frame for each pattern, unstamped.
    [[nodiscard]] std::vector<std::vector<std::uint64_t>> frames() const
    {
        std::vector<std::vector<std::uint64_t>> made;
        for (std::uint64_t pattern = 0; pattern < kPatterns; ++pattern) {
            made.emplace_back(words_, filler(pattern));
        }
        return made;
    }

    void stamp(std::byte* frame, std::uint64_t number, std::uint64_t sent_ns) const
    {
        for (const std::size_t place : places_) {
            std::memcpy(frame + 8 * place, &number, 8);
        }
        std::memcpy(frame + 8, &sent_ns, 8);
    }

    [[nodiscard]] static std::uint64_t sent_ns(Frame frame) { return word(frame, 1); }

    /// Nothing when the stamps disagree: the frame is torn.
    [[nodiscard]] std::optional<std::uint64_t> number(Frame frame) const
    {
        const std::uint64_t first = word(frame, 0);
        for (const std::size_t place : places_) {
            if (word(frame, place) != first) {
                return std::nullopt;
            }
        }
        return first;
    }

    /// Reads every byte, and tells whether they are those of frame `number`.
    [[nodiscard]] bool sum_is_right(Frame frame, std::uint64_t number) const
    {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < words_; ++i) {
            sum += word(frame, i);
        }
        return sum == (words_ - kStamps - 1) * filler(number % kPatterns) + kStamps * number +
                          sent_ns(frame);
    }

private:
    static constexpr std::size_t kStamps = 16;

    static std::uint64_t filler(std::uint64_t pattern)
    {
        return (pattern + 1) * 0x9E3779B97F4A7C15U;
    }

    static std::uint64_t word(Frame frame, std::size_t at)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, frame.data() + 8 * at, 8);
        return value;
    }

    std::size_t words_;
    std::array<std::size_t, kStamps> places_{};
};

}  // namespace compare

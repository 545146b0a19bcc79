/// Any bytes as a ROS message, in any pieces: refused, or a frame whose every byte lies in the
/// message, which goes out and comes back as it was.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "tensor_ipc/cdr/incoming.hpp"
#include "tensor_ipc/cdr/outgoing.hpp"

namespace tensor_ipc::fuzz {

namespace {

constexpr std::array<std::uint8_t, 4> kPieces{3, 0, 77, 1};

using Texts = std::vector<std::pair<std::string, std::string>>;

/// A copy without a byte to spare, so that a sanitizer sees each one that is read beyond it.
std::vector<std::byte> exact(std::span<const std::byte> bytes)
{
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    copy.shrink_to_fit();
    return copy;
}

/// The frame's bytes, out of the message in pieces of sizes that the input chooses.
std::vector<std::byte> payload_of(const cdr::IncomingFrame& frame,
                                  std::span<const std::byte> message, FuzzInput sizes)
{
    std::vector<std::byte> payload(frame.rows.count * frame.rows.bytes);
    const cdr::PayloadCopy copy(frame.rows, payload);
    for (std::size_t at = 0; at < message.size();) {
        const std::size_t bytes =
            std::min<std::size_t>(std::size_t{1} + sizes.byte() * 8U, message.size() - at);
        copy.take(at, exact(message.subspan(at, bytes)));
        at += bytes;
    }
    if (frame.swapped_item_bytes > 1) {
        cdr::swap_bytes(payload, frame.swapped_item_bytes);
    }
    return payload;
}

/// The same by the rule, byte for byte.
std::vector<std::byte> expected_payload(const cdr::IncomingFrame& frame,
                                        std::span<const std::byte> message)
{
    std::vector<std::byte> payload;
    for (std::size_t row = 0; row < frame.rows.count; ++row) {
        for (std::size_t i = 0; i < frame.rows.bytes; ++i) {
            const std::size_t item = frame.swapped_item_bytes;
            const std::size_t from = i / item * item + (item > 1 ? item - 1 - i % item : i % item);
            payload.push_back(message[frame.rows.offset + row * frame.rows.step + from]);
        }
    }
    return payload;
}

void require_way_back(cdr::MessageType type, const cdr::IncomingFrame& frame, const Texts& texts,
                      std::span<const std::byte> payload)
{
    const std::vector<UserMetadataEntry> entries(texts.begin(), texts.end());
    cdr::OutgoingFrame outgoing;
    outgoing.dtype = frame.dtype;
    outgoing.shape = frame.shape;
    outgoing.stamp_ns = frame.captured_ns.value_or(0);
    outgoing.texts = entries;
    const auto envelope = cdr::envelope_of(type, outgoing);
    if (!envelope) {  // a stamp whose nanoseconds are more than a second, after 2038
        FUZZ_REQUIRE(frame.captured_ns.value_or(0) / 1'000'000'000 > INT32_MAX);
        return;
    }
    std::vector<std::byte> message(envelope->prefix);
    message.insert(message.end(), payload.begin(), payload.end());
    message.insert(message.end(), envelope->tail.begin(), envelope->tail.end());
    const auto back = cdr::incoming_frame(
        type, std::span(message).first(std::min(message.size(), cdr::kMaxPrefixBytes)),
        message.size());
    FUZZ_REQUIRE(back && back->shape == frame.shape && back->dtype == frame.dtype);
    FUZZ_REQUIRE(back->captured_ns == frame.captured_ns);
    FUZZ_REQUIRE(back->dense_at.has_value() == frame.dense_at.has_value());
    FUZZ_REQUIRE(back->texts == frame.texts);
    FUZZ_REQUIRE(payload_of(*back, message, FuzzInput(kPieces)) ==
                 std::vector<std::byte>(payload.begin(), payload.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 4) {
        return 0;  // less than what says how to read the rest
    }
    FuzzInput input({data, size});
    const auto type = static_cast<cdr::MessageType>(input.below(3));
    const std::size_t fill = input.byte() * 32U;  // so that short inputs have large payloads
    auto message = exact(std::as_bytes(input.rest()));
    message.resize(message.size() + fill);
    message.shrink_to_fit();
    const auto prefix =
        exact(std::span(message).first(std::min(message.size(), cdr::kMaxPrefixBytes)));

    const auto frame = cdr::incoming_frame(type, prefix, message.size());

    if (!frame) {
        FUZZ_REQUIRE(frame.error().code == ErrorCode::InvalidArgument);
        FUZZ_REQUIRE(std::ranges::all_of(frame.error().message,
                                         [](char c) { return c >= ' ' && c <= '~'; }));
        return 0;
    }
    const auto elements = frame->shape.elements();
    FUZZ_REQUIRE(elements &&
                 *elements * frame->dtype.item_bytes() == frame->rows.count * frame->rows.bytes);
    FUZZ_REQUIRE(frame->rows.count == 0 || frame->rows.offset +
                                                   (frame->rows.count - 1) * frame->rows.step +
                                                   frame->rows.bytes <=
                                               message.size());
    FUZZ_REQUIRE(!frame->dense_at || *frame->dense_at < message.size());
    const auto payload = payload_of(*frame, message, FuzzInput({data, size}));
    FUZZ_REQUIRE(payload == expected_payload(*frame, message));
    Texts texts = frame->texts;
    if (frame->dense_at) {
        texts.emplace_back("is_dense", "1");
    }
    require_way_back(type, *frame, texts, payload);
    return 0;
}

}  // namespace tensor_ipc::fuzz

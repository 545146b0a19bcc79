#include "tensor_ipc/cdr/point_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tensor_ipc::cdr {

namespace {

struct Datatype {
    std::string_view code;
    DType dtype;
};

// By sensor_msgs/PointField.datatype, from 1 on.
constexpr std::array<Datatype, 8> kDatatypes{{{"i1", {0, 8}},
                                              {"u1", {1, 8}},
                                              {"i2", {0, 16}},
                                              {"u2", {1, 16}},
                                              {"i4", {0, 32}},
                                              {"u4", {1, 32}},
                                              {"f4", {2, 32}},
                                              {"f8", {2, 64}}}};
constexpr std::uint32_t kLargest = 999'999'999;  // nine digits, which is as many as a text may have
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

Error invalid(std::string message)
{
    return Error{ErrorCode::InvalidArgument, std::move(message)};
}

/// As Python's `urllib.parse.quote(name, safe="/ ")`.
std::string quoted(std::string_view name)
{
    std::string text;
    for (const char c : name) {
        const bool is_usual = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') ||
                              std::string_view("_.-~/ ").find(c) != std::string_view::npos;
        if (is_usual) {
            text.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            text.append({'%', kHexDigits[byte / 16U], kHexDigits[byte % 16U]});
        }
    }
    return text;
}

std::string unquoted(std::string_view text)
{
    std::string name;
    while (!text.empty()) {
        unsigned char byte = 0;
        const char* const digits = text.data() + 1;
        if (text.size() >= 3 && text[0] == '%' &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            name.push_back(static_cast<char>(byte));
            text.remove_prefix(3);
        } else {
            name.push_back(text[0]);
            text.remove_prefix(1);
        }
    }
    return name;
}

/// Digits only, all of `text`.
std::optional<std::uint32_t> number_of(std::string_view text) noexcept
{
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (text.empty() || number > kLargest || parsed.ec != std::errc{} || parsed.ptr != end) {
        return std::nullopt;
    }
    return number;
}

/// `name:f4x3:16`
std::optional<NamedField> field_of(std::string_view word)
{
    const std::size_t first = word.find(':');
    const std::size_t second = first == std::string_view::npos ? first : word.find(':', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    NamedField field;
    field.name = unquoted(word.substr(0, first));
    const std::string_view type = word.substr(first + 1, second - first - 1);
    const auto offset = number_of(word.substr(second + 1));
    const auto* const found = std::ranges::find(kDatatypes, type.substr(0, 2), &Datatype::code);
    const bool is_one = type.size() == 2;
    const auto count = is_one                              ? std::optional(1U)
                       : type.size() > 3 && type[2] == 'x' ? number_of(type.substr(3))
                                                           : std::nullopt;
    if (!offset || !count || found == kDatatypes.end()) {
        return std::nullopt;
    }
    field.offset = *offset;
    field.count = *count;
    field.datatype = static_cast<std::uint8_t>(found - kDatatypes.begin() + 1);
    return field;
}

std::uint64_t end_of(std::uint32_t offset, std::uint32_t count, std::uint8_t datatype) noexcept
{
    // NOLINTNEXTLINE(*-constant-array-index): 1 to 8
    return offset + std::uint64_t{count} * kDatatypes[datatype - 1U].dtype.item_bytes();
}

}  // namespace

Result<std::string> text_of_fields(std::span<const PointField> fields, std::uint32_t point_step)
{
    std::string text;
    for (const PointField& field : fields) {
        const std::string name = printable(field.name);
        if (field.datatype < 1 || field.datatype > kDatatypes.size()) {
            return invalid("PointCloud2: field '" + name + "' has datatype " +
                           std::to_string(field.datatype) + ", expected 1 to 8");
        }
        const std::uint32_t count = std::max(field.count, 1U);  // old drivers leave it at 0
        if (field.offset > kLargest || count > kLargest ||
            end_of(field.offset, count, field.datatype) > point_step) {
            return invalid("PointCloud2: field '" + name + "' ends behind the " +
                           std::to_string(point_step) + " bytes of a point");
        }
        if (std::ranges::count(fields, field.name, &PointField::name) > 1) {
            return invalid("PointCloud2: two fields have the name '" + name + "'");
        }
        text.append(text.empty() ? "" : ",").append(quoted(field.name)).append(":");
        text.append(kDatatypes[field.datatype - 1U].code);  // NOLINT(*-constant-array-index)
        text.append(count == 1 ? "" : "x" + std::to_string(count));
        text.append(":").append(std::to_string(field.offset));
    }
    return text;
}

Result<std::vector<NamedField>> fields_of_text(std::string_view text, std::uint64_t point_step)
{
    std::vector<NamedField> fields;
    bool is_more = !text.empty();
    while (is_more) {
        const std::size_t comma = text.find(',');
        auto field = field_of(text.substr(0, comma));
        if (!field || fields.size() == kMaxPointFields) {
            return invalid("user metadata 'fields': expected as 'x:f4:0,y:f4:4', got '" +
                           printable(text) + "'");
        }
        if (end_of(field->offset, field->count, field->datatype) > point_step) {
            return invalid("user metadata 'fields': '" + printable(field->name) +
                           "' ends behind the " + std::to_string(point_step) + " bytes of a point");
        }
        fields.push_back(*std::move(field));
        is_more = comma != std::string_view::npos;
        text.remove_prefix(is_more ? comma + 1 : text.size());
    }
    return fields;
}

std::uint8_t datatype_of(DType dtype) noexcept
{
    const auto* const found = std::ranges::find(kDatatypes, dtype, &Datatype::dtype);
    return found == kDatatypes.end() ? std::uint8_t{0}
                                     : static_cast<std::uint8_t>(found - kDatatypes.begin() + 1);
}

}  // namespace tensor_ipc::cdr

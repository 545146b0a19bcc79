#include "memory.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tensor_ipc::model {

namespace {

static_assert(kAtomics % 8 == 0 && kPlaces % 8 == 0, "views are digested as words");

bool acquires(std::memory_order order)
{
    return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order)
{
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

}  // namespace

void join(View& into, const View& from) noexcept
{
    for (int place = 0; place < kPlaces; ++place) {
        into[place] = std::max(into[place], from[place]);
    }
}

void Memory::reset() noexcept
{
    std::memset(static_cast<void*>(this), 0, sizeof *this);
    for (Place& place : places_) {
        place.count = 1;  // the zeros of a new segment
    }
}

std::uint64_t Memory::load(View& mine, int place, std::memory_order order, Pick pick) noexcept
{
    Place& from = places_[place];
    const bool in_order = order == std::memory_order_seq_cst;
    const int oldest = in_order ? std::max(mine[place], from.last_by_sc) : mine[place];
    const int choices = from.count - oldest;
    const int at = from.count - 1 - (choices > 1 ? pick(choices) : 0);
    mine[place] = static_cast<std::uint8_t>(at);
    if (acquires(order)) {
        join(mine, from.messages[at].view);
    }
    if (in_order) {
        from.last_by_sc = static_cast<std::uint8_t>(std::max<int>(from.last_by_sc, at));
    }
    return from.messages[at].value;
}

void Memory::store(View& mine, int place, std::uint64_t value, std::memory_order order) noexcept
{
    mine[place] = places_[place].count;
    append(mine, place, value, releases(order) ? mine : View{});
    if (order == std::memory_order_seq_cst) {
        places_[place].last_by_sc = mine[place];
    }
}

std::uint64_t Memory::load_last(View& mine, int place, std::memory_order order) noexcept
{
    Place& from = places_[place];
    const Message& read = from.messages[from.count - 1];
    mine[place] = static_cast<std::uint8_t>(from.count - 1);
    if (acquires(order)) {
        join(mine, read.view);
    }
    if (order == std::memory_order_seq_cst) {
        from.last_by_sc = mine[place];
    }
    return read.value;
}

void Memory::store_after(View& mine, int place, std::uint64_t value,
                         std::memory_order order) noexcept
{
    View carried = places_[place].messages[places_[place].count - 1].view;
    mine[place] = places_[place].count;
    if (releases(order)) {
        join(carried, mine);
    }
    append(mine, place, value, carried);
    if (order == std::memory_order_seq_cst) {
        places_[place].last_by_sc = mine[place];
    }
}

void Memory::append(View& mine, int place, std::uint64_t value, const View& carried) noexcept
{
    Place& to = places_[place];
    if (to.count == kMessages) {
        std::fputs("the model's memory has too little room: raise kMessages\n", stderr);
        std::abort();
    }
    to.messages[to.count] = {value, carried};
    to.messages[to.count].view[place] = mine[place];
    ++to.count;
}

std::uint64_t Memory::last(int place) const noexcept
{
    return places_[place].messages[places_[place].count - 1].value;
}

bool Memory::may_read_nonzero(const View& view, int place) const noexcept
{
    const Place& from = places_[place];
    return std::any_of(from.messages.begin() + view[place], from.messages.begin() + from.count,
                       [](const Message& message) { return message.value != 0; });
}

void Memory::touch(View& mine, int place) noexcept
{
    mine[place] = ++plain_[place - kAtomics];
}

void Memory::forget(const View& base) noexcept
{
    for (int at = 0; at < kAtomics; ++at) {
        Place& place = places_[at];
        const std::uint8_t gone = base[at];
        if (gone > 0) {
            std::copy(place.messages.begin() + gone, place.messages.begin() + place.count,
                      place.messages.begin());
            place.count = static_cast<std::uint8_t>(place.count - gone);
            place.last_by_sc =
                static_cast<std::uint8_t>(place.last_by_sc > gone ? place.last_by_sc - gone : 0);
        }
        for (int i = 0; i < place.count; ++i) {
            rebase(place.messages[i].view, base);
        }
    }
}

void Memory::rebase(View& view, const View& base) noexcept
{
    for (int at = 0; at < kAtomics; ++at) {
        view[at] = static_cast<std::uint8_t>(view[at] > base[at] ? view[at] - base[at] : 0);
    }
}

void Memory::add_view(const View& view, Digest& digest) const noexcept
{
    std::array<std::uint64_t, kPlaces / 8> words{};
    std::memcpy(words.data(), view.data(), kPlaces);
    std::array<std::uint64_t, (kPlaces - kAtomics) / 8> last{};
    std::memcpy(last.data(), plain_.data(), plain_.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i < kAtomics / 8) {
            digest.add(words[i]);
            continue;
        }
        // One bit for each byte that is equal.
        constexpr std::uint64_t kLow = 0x7F7F7F7F7F7F7F7FU;
        const std::uint64_t difference = words[i] ^ last[i - kAtomics / 8];
        digest.add(~(((difference & kLow) + kLow) | difference | kLow));
    }
}

void Memory::add_to(Digest& digest) const noexcept
{
    for (const Place& place : places_) {
        digest.add(std::uint64_t{place.count} << 8U | place.last_by_sc);
        for (int i = 0; i < place.count; ++i) {
            digest.add(place.messages[i].value);
            add_view(place.messages[i].view, digest);
        }
    }
}

void Memory::save(std::vector<std::byte>& bytes) const
{
    const auto put = [&bytes](const auto* from, std::size_t count) {
        const auto* first = reinterpret_cast<const std::byte*>(from);
        bytes.insert(bytes.end(), first, first + count);
    };
    put(&plain_, sizeof plain_);
    for (const Place& place : places_) {
        put(&place, offsetof(Place, messages) + place.count * sizeof(Message));
    }
}

const std::byte* Memory::restore(const std::byte* bytes) noexcept
{
    std::memcpy(plain_.data(), bytes, sizeof plain_);
    bytes += sizeof plain_;
    for (Place& place : places_) {
        const auto count = static_cast<std::size_t>(bytes[offsetof(Place, count)]);
        const std::size_t size = offsetof(Place, messages) + count * sizeof(Message);
        std::memcpy(static_cast<void*>(&place), bytes, size);
        bytes += size;
    }
    return bytes;
}

}  // namespace tensor_ipc::model

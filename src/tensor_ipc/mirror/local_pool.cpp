#include "tensor_ipc/mirror/local_pool.hpp"

#include <cstring>

#include "tensor_ipc/os/clock.hpp"

namespace tensor_ipc::mirror {

namespace {

constexpr std::uint64_t kRetryNs = 1'000'000'000;

}  // namespace

Result<void> check_name_is_free(const std::string& pool_name)
{
    const auto facts = inspect(pool_name);
    if (!facts) {
        // Nothing there; or what no pool is, which a producer may remove or refuses by itself.
        return {};
    }
    if (facts->producer_alive) {
        return Error{ErrorCode::PoolInUse,
                     "there is a pool '" + pool_name + "' here with a living producer (process " +
                         std::to_string(facts->producer_pid) +
                         "): mirror to another name, or in another TENSOR_IPC_NAMESPACE"};
    }
    return {};
}

void LocalPool::interrupt() noexcept
{
    loan_.reset();
}

void LocalPool::close() noexcept
{
    interrupt();
    missing_ = 0;
    producer_.reset();
    description_.reset();
    latest_.reset();
}

void LocalPool::accept(const Piece& piece)
{
    if (piece.session != session_) {
        interrupt();
        session_ = piece.session;
        turn_ = piece.turn - (piece.kind == PieceKind::Frame ? 1 : 0);
    }
    switch (piece.kind) {
        case PieceKind::NoPool:
            close();
            problem_.clear();
            return;
        case PieceKind::Pool:
            count_lost_before(piece);
            missing_ =
                follow(piece) && piece.frame != (latest_ ? *latest_ + 1 : 0) ? piece.frame : 0;
            return;
        case PieceKind::Frame:
            break;
    }
    if (piece.offset == 0) {
        begin(piece);
    }
    add(piece);
}

/// Makes the pool that the piece belongs to, unless it is there.
bool LocalPool::follow(const Piece& piece)
{
    if (producer_ && created_ns_ == piece.created_ns && description_ == piece.pool) {
        return true;
    }
    close();
    if (os::monotonic_ns() < retry_ns_) {
        return false;
    }
    auto name_is_free = check_name_is_free(piece.pool->metadata.name);
    auto made = name_is_free ? Producer::create(piece.pool->metadata, piece.pool->options)
                             : Result<Producer>(name_is_free.error());
    if (!made) {
        problem_ = made.error().message;
        retry_ns_ = os::monotonic_ns() + kRetryNs;
        return false;
    }
    problem_.clear();
    producer_.emplace(std::move(made).value());
    description_ = piece.pool;
    created_ns_ = piece.created_ns;
    ++counts_.pools;
    return true;
}

/// The frame that was on its way has ended without its last piece; others may not have begun here.
void LocalPool::count_lost_before(const Piece& piece) noexcept
{
    const std::uint64_t sent = piece.kind == PieceKind::Frame ? piece.turn - 1 : piece.turn;
    // Nothing is said of the pool between the pieces of a frame.
    if (loan_ && (piece.turn > turn_ || piece.kind == PieceKind::Pool)) {
        ++counts_.lost;
        interrupt();
    }
    if (sent > turn_) {
        counts_.lost += sent - turn_;
        turn_ = sent;
    }
}

void LocalPool::begin(const Piece& piece)
{
    if (piece.turn <= turn_) {
        return;  // again, or late: its frame has begun, or was given up
    }
    count_lost_before(piece);
    turn_ = piece.turn;
    if (!follow(piece)) {
        ++counts_.dropped;
        return;
    }
    if (piece.frame == latest_) {
        return;  // sent again, and there already
    }
    auto loan = producer_->loan();
    if (!loan || (latest_ && piece.frame <= *latest_) || !loan->resize(piece.extent)) {
        ++counts_.dropped;
        return;
    }
    loan->set_user_metadata(piece.user_metadata);
    loan_.emplace(std::move(loan).value());
    end_ = 0;
}

void LocalPool::add(const Piece& piece)
{
    if (!loan_ || piece.turn != turn_ || piece.offset != end_ ||
        piece.frame_bytes != loan_->bytes().size()) {
        return;  // the frame is counted as lost when the next one begins
    }
    std::memcpy(loan_->bytes().data() + end_, piece.data.data(), piece.data.size());
    end_ += piece.data.size();
    if (end_ != piece.frame_bytes) {
        return;
    }
    if (loan_->publish_as(piece.frame, piece.captured_ns)) {
        counts_.missed += latest_ ? piece.frame - *latest_ - 1 : 0;
        counts_.bytes += piece.frame_bytes;
        ++counts_.received;
        latest_ = piece.frame;
        missing_ = 0;
    } else {
        ++counts_.dropped;
    }
    loan_.reset();
}

}  // namespace tensor_ipc::mirror

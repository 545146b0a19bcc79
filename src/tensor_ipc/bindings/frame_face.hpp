/// Frames as Python holds them: tensor_ipc.Frame and tensor_ipc.FrameWindow.
#pragma once

#include <memory>
#include <optional>

#include "tensor_ipc/bindings/array_maker.hpp"

namespace tensor_ipc::bindings {

/// One frame, or several with an axis for them in front. Every array that is made of it keeps the
/// frames by itself, so that this may die before.
class FramesFace {
public:
    /// @param latest_first  the order of the frames; that in memory when not given
    FramesFace(FrameWindow window, std::shared_ptr<ArrayMaker> arrays, dlpack::FrameAxis axis,
               std::optional<bool> latest_first)
        : window_(std::make_shared<const FrameWindow>(std::move(window))),
          arrays_(std::move(arrays)),
          order_{axis, latest_first.value_or(window_->newest_first())}
    {
    }

    /// @throws ValueError after `release`
    [[nodiscard]] const FrameWindow& window() const;

    /// Whether it was not released.
    [[nodiscard]] bool is_held() const noexcept { return window_ != nullptr; }

    [[nodiscard]] dlpack::FrameOrder order() const noexcept { return order_; }

    /// Age of the frame at a place of the data.
    [[nodiscard]] std::uint32_t age_at(std::uint32_t place) const
    {
        return order_.latest_first ? place : window().count() - 1 - place;
    }

    /// Whether the frames are no one array, because each has its own extent.
    [[nodiscard]] bool is_list() const
    {
        return order_.axis == dlpack::FrameAxis::First && window().metadata().varying_extent;
    }

    /// An array of the pool's framework, or a list of arrays; always the same one.
    nb::object data();

    /// A NumPy array, or a list of arrays: a view, or a copy of frames on a device.
    nb::object numpy();

    /// A DLPack capsule.
    [[nodiscard]] nb::object to_dlpack(const DlpackArguments& asked) const;

    /// `(1, 0)`, or `(2, ordinal)` for frames on a GPU.
    [[nodiscard]] nb::tuple dlpack_device() const;

    /// Names a stream that reads frames on a device.
    void record_stream(nb::handle stream) const;

    /// Lets go of the frames; arrays that were made of this keep them.
    void release(nb::handle stream);

    /// For CuPy and Numba. Raises AttributeError for frames on the host.
    [[nodiscard]] nb::dict cuda_interface() const;

    /// A function that tells NumPy where the frames are. Raises AttributeError for frames on the
    /// host.
    [[nodiscard]] nb::object numpy_refusal() const;

    /// For NumPy. Raises AttributeError for types that NumPy has no number for, TypeError for a
    /// list.
    [[nodiscard]] nb::dict array_interface() const;

    /// `bf_getbuffer` of both classes.
    static int get_buffer(PyObject* self, Py_buffer* view, int flags);
    static void release_buffer(PyObject* self, Py_buffer* view);

private:
    [[nodiscard]] nb::object to_dlpack_copied(bool versioned) const;

    std::shared_ptr<const FrameWindow> window_;
    std::shared_ptr<ArrayMaker> arrays_;
    dlpack::FrameOrder order_;
    nb::object data_;
};

/// Different types, so that they are different classes in Python.
struct FrameFace : FramesFace {
    FrameFace(FrameWindow window, std::shared_ptr<ArrayMaker> arrays)
        : FramesFace(std::move(window), std::move(arrays), dlpack::FrameAxis::None, std::nullopt)
    {
    }
};

struct FrameWindowFace : FramesFace {
    FrameWindowFace(FrameWindow window, std::shared_ptr<ArrayMaker> arrays,
                    std::optional<bool> latest_first)
        : FramesFace(std::move(window), std::move(arrays), dlpack::FrameAxis::First, latest_first)
    {
    }
};

}  // namespace tensor_ipc::bindings

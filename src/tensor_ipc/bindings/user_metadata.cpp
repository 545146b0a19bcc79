#include "tensor_ipc/bindings/user_metadata.hpp"

namespace tensor_ipc::bindings {

namespace {

/// A str in UTF-8, which lives as long as the object.
std::string_view text_of(nb::handle object, const char* what)
{
    if (!PyUnicode_Check(object.ptr())) {
        refuse(PyExc_TypeError, std::string("user_metadata: ") + what + " are str, got " +
                                    nb::cast<std::string>(nb::repr(object)));
    }
    Py_ssize_t bytes = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object.ptr(), &bytes);
    if (text == nullptr) {
        throw nb::python_error();
    }
    return {text, static_cast<std::size_t>(bytes)};
}

nb::object str_of(std::string_view text)
{
    PyObject* made =
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
    if (made == nullptr) {
        PyErr_Clear();
        raise(Error{ErrorCode::BadSegment, "the user metadata of a frame is damaged: '" +
                                               printable(text) + "' is not UTF-8"});
    }
    return nb::steal(made);
}

}  // namespace

PackedUserMetadata packed_from(nb::handle mapping)
{
    if (mapping.is_none()) {
        return {};
    }
    if (PyMapping_Check(mapping.ptr()) == 0 || !nb::hasattr(mapping, "items")) {
        refuse(PyExc_TypeError, "user_metadata: expected a mapping of str to str, got " +
                                    nb::cast<std::string>(nb::repr(mapping.type())));
    }
    const nb::list items(mapping.attr("items")());  // keeps the texts
    std::vector<UserMetadataEntry> entries;
    entries.reserve(items.size());
    for (const nb::handle item : items) {
        entries.emplace_back(text_of(item[0], "keys"), text_of(item[1], "values"));
    }
    return unwrap(PackedUserMetadata::pack(entries));
}

nb::dict dict_of(std::string_view packed)
{
    // A copy first: whoever may write there could do so while it is looked at.
    const std::string mine(packed);
    nb::dict made;
    for (const auto& [key, value] : unwrap(unpack_user_metadata(mine))) {
        made[str_of(key)] = str_of(value);
    }
    return made;
}

}  // namespace tensor_ipc::bindings

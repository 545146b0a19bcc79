/// Runs the tests in a namespace of their own, and fails when they leave anything in it.
#include "support/own_namespace.hpp"
#include "support/pool_test.hpp"

int main(int argc, char** argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    tensor_ipc::testing::enter_own_namespace();
    const int result = RUN_ALL_TESTS();
    const bool clean = tensor_ipc::testing::leftovers().empty();
    tensor_ipc::testing::remove_leftovers();
    return clean ? result : 1;
}

# `cmake --install`: headers, the library, and what find_package(tensor_ipc) needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(
  DIRECTORY ${PROJECT_SOURCE_DIR}/src/tensor_ipc
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "bindings" EXCLUDE
  PATTERN "dds_bindings" EXCLUDE
  PATTERN "dds" EXCLUDE
  PATTERN "ros" EXCLUDE)
install(TARGETS tensor_ipc_core EXPORT tensor_ipc ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(TENSOR_IPC_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tensor_ipc)
install(
  EXPORT tensor_ipc
  NAMESPACE tensor_ipc::
  DESTINATION ${TENSOR_IPC_CMAKE_DIR}
  FILE tensor_ipc-targets.cmake)

# The component `dds`, which find_package(tensor_ipc COMPONENTS dds) looks for.
if(TARGET tensor_ipc_dds)
  install(
    DIRECTORY ${PROJECT_SOURCE_DIR}/src/tensor_ipc/dds
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tensor_ipc
    FILES_MATCHING
    PATTERN "*.hpp"
    PATTERN "*.h"
    PATTERN "*.idl")
  install(TARGETS tensor_ipc_dds EXPORT tensor_ipc_dds ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  if(TARGET tensor_ipc_ros)
    install(
      DIRECTORY ${PROJECT_SOURCE_DIR}/src/tensor_ipc/ros
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tensor_ipc
      FILES_MATCHING
      PATTERN "*.hpp")
    install(TARGETS tensor_ipc_ros EXPORT tensor_ipc_dds ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
  install(
    EXPORT tensor_ipc_dds
    NAMESPACE tensor_ipc::
    DESTINATION ${TENSOR_IPC_CMAKE_DIR}
    FILE tensor_ipc-dds-targets.cmake)
endif()
configure_package_config_file(cmake/tensor_ipc-config.cmake.in tensor_ipc-config.cmake
                              INSTALL_DESTINATION ${TENSOR_IPC_CMAKE_DIR})
write_basic_package_version_file(tensor_ipc-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tensor_ipc-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tensor_ipc-config-version.cmake
        DESTINATION ${TENSOR_IPC_CMAKE_DIR})

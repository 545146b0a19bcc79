# The library tensor_ipc::dds: pools and their progress over Cyclone DDS. The core never needs it.
set(TENSOR_IPC_DDS AUTO CACHE STRING "Build tensor_ipc::dds: AUTO (where Cyclone DDS is found), ON, OFF")
set_property(CACHE TENSOR_IPC_DDS PROPERTY STRINGS AUTO ON OFF)

if(TENSOR_IPC_DDS STREQUAL "AUTO")
  find_package(CycloneDDS QUIET)
  if(NOT CycloneDDS_FOUND)
    message(STATUS "tensor_ipc: no Cyclone DDS found, so without tensor_ipc::dds. To have it: "
                   "apt-get install cyclonedds-dev (or -DCMAKE_PREFIX_PATH=...), and configure again")
  endif()
elseif(TENSOR_IPC_DDS)
  find_package(CycloneDDS REQUIRED)
endif()

if(TENSOR_IPC_DDS AND CycloneDDS_FOUND)
  set(TENSOR_IPC_DDS_SOURCES
      dds/announcer.cpp
      dds/directory.cpp
      dds/endpoint.cpp
      dds/fork_gate.cpp
      dds/generated/tensor_ipc.c
      dds/names.cpp
      dds/participant.cpp
      dds/pool_record.cpp
      dds/progress_watch.cpp
      dds/return_code.cpp
      mirror/frame_sender.cpp
      mirror/generated/mirror.c
      mirror/local_pool.cpp
      mirror/mirror_server.cpp
      mirror/piece.cpp
      mirror/pool_mirror.cpp
      mirror/topics.cpp)
  list(TRANSFORM TENSOR_IPC_DDS_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/src/tensor_ipc/)
  # Not ours to mend.
  set_source_files_properties(
    ${CMAKE_CURRENT_SOURCE_DIR}/src/tensor_ipc/dds/generated/tensor_ipc.c
    ${CMAKE_CURRENT_SOURCE_DIR}/src/tensor_ipc/mirror/generated/mirror.c PROPERTIES COMPILE_OPTIONS -w)

  add_library(tensor_ipc_dds STATIC ${TENSOR_IPC_DDS_SOURCES})
  add_library(tensor_ipc::dds ALIAS tensor_ipc_dds)
  set_target_properties(tensor_ipc_dds PROPERTIES EXPORT_NAME dds)
  tensor_ipc_target(tensor_ipc_dds)
  target_link_libraries(tensor_ipc_dds PUBLIC tensor_ipc_core CycloneDDS::ddsc)
endif()

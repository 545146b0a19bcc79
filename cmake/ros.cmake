# The library tensor_ipc::ros: ROS 2 topics without ROS. It needs tensor_ipc::dds, and headers of
# Cyclone DDS whose contents are of version 0.10 (src/tensor_ipc/ros/serialized_type.cpp).
if(TARGET tensor_ipc_dds AND CycloneDDS_VERSION MATCHES "^0\\.10\\.")
  set(TENSOR_IPC_ROS_SOURCES
      ros/environment.cpp
      ros/pool_to_topic.cpp
      ros/endpoint.cpp
      ros/serialized_type.cpp
      ros/topic_name.cpp
      ros/topic_to_pool.cpp)
  list(TRANSFORM TENSOR_IPC_ROS_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/src/tensor_ipc/)

  add_library(tensor_ipc_ros STATIC ${TENSOR_IPC_ROS_SOURCES})
  add_library(tensor_ipc::ros ALIAS tensor_ipc_ros)
  set_target_properties(tensor_ipc_ros PROPERTIES EXPORT_NAME ros)
  tensor_ipc_target(tensor_ipc_ros)
  target_link_libraries(tensor_ipc_ros PUBLIC tensor_ipc_dds)
elseif(TARGET tensor_ipc_dds)
  message(STATUS "tensor_ipc: without tensor_ipc::ros, which needs Cyclone DDS 0.10, "
                 "found ${CycloneDDS_VERSION}")
endif()

# SPDX-License-Identifier: Apache-2.0
# A project that has unet's source below it, and settings, tests and targets of its own, none of which may be
# disturbed (install_test.sh copies this as its CMakeLists.txt).
cmake_minimum_required(VERSION 3.18)
project(parent C)
enable_testing()
set(CMAKE_C_FLAGS "-DPARENT_FLAG")
set(CMAKE_C_STANDARD 99)
foreach(name tests check demo format all_tests kernels docs)
  add_custom_target(${name})
endforeach()
add_test(NAME own COMMAND ${CMAKE_COMMAND} -E true)

add_subdirectory(${UNET_SOURCE} unet)

get_directory_property(leaked COMPILE_OPTIONS)
get_directory_property(leaked_too COMPILE_DEFINITIONS)
if(leaked OR leaked_too OR CMAKE_BUILD_TYPE OR NOT CMAKE_C_FLAGS STREQUAL "-DPARENT_FLAG" OR
   NOT CMAKE_C_STANDARD EQUAL 99)
  message(FATAL_ERROR "settings leaked: '${leaked}' '${leaked_too}' type '${CMAKE_BUILD_TYPE}' flags "
                      "'${CMAKE_C_FLAGS}' C${CMAKE_C_STANDARD}")
endif()
get_directory_property(targets DIRECTORY ${UNET_SOURCE} BUILDSYSTEM_TARGETS)
foreach(target IN LISTS targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE" OR NOT target MATCHES "^unet_")
    message(FATAL_ERROR "target ${target} (${type}) was not asked for")
  endif()
endforeach()
# a program's own search for a library that unet uses, too, finds what it did before
find_package(PNG REQUIRED)
if(NOT PNG_INCLUDE_DIRS OR NOT TARGET PNG::PNG)
  message(FATAL_ERROR "find_package(PNG) was disturbed")
endif()
foreach(kind unet static)
  add_executable(with_${kind} readme.c)
  target_link_libraries(with_${kind} PRIVATE unet::${kind})
endforeach()

# SPDX-License-Identifier: Apache-2.0
# A program that finds an installed unet (install_test.sh copies this as its CMakeLists.txt).
cmake_minimum_required(VERSION 3.18)
project(finds C)
find_package(unet 0.1 REQUIRED COMPONENTS static)
foreach(kind unet static)
  add_executable(with_${kind} readme.c)
  target_link_libraries(with_${kind} PRIVATE unet::${kind})
endforeach()

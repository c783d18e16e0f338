# SPDX-License-Identifier: Apache-2.0
# find_package(unet) gives unet::unet, the shared library, which needs nothing else, and unet::static
# where the libraries that it needs are here; find_package(unet COMPONENTS static) insists on that.
include(${CMAKE_CURRENT_LIST_DIR}/unet-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/unet-dependencies.cmake)
set(unet_static_FOUND FALSE)
if(NOT UNET_MISSING)
  include(${CMAKE_CURRENT_LIST_DIR}/unet-static-targets.cmake)
  set(unet_static_FOUND TRUE)
endif()
foreach(component IN LISTS unet_FIND_COMPONENTS)
  if(unet_FIND_REQUIRED_${component} AND NOT unet_${component}_FOUND)
    set(unet_FOUND FALSE)
    string(JOIN ", " names ${UNET_MISSING})
    set(unet_NOT_FOUND_MESSAGE "${component} is not here (for static, these are missing: ${names})")
  endif()
endforeach()

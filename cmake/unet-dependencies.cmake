# SPDX-License-Identifier: Apache-2.0
# The libraries that libunet is made with: for its own build, and for find_package(unet), since whoever
# links the static library links these, too.  Sets UNET_LIBRARIES to their targets, and UNET_MISSING to
# the names of those that are not here.
#
# The targets are global: a static library's needs are looked up where the program is made, which may
# be another folder.  The names by which pkg-config's answers are kept begin with UNET_, for a
# program's own find_package(PNG) reads PNG_... .
set(UNET_LIBRARIES "")
set(UNET_MISSING "")

function(unet_make_global target)
  get_target_property(imported ${target} IMPORTED)
  get_target_property(global ${target} IMPORTED_GLOBAL)
  if(imported AND NOT global)
    set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
endfunction()

# (one that is here already was made above this folder, and is seen by those who see this folder)
if(NOT TARGET Threads::Threads)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads QUIET)
  if(TARGET Threads::Threads)
    unet_make_global(Threads::Threads)
  else()
    list(APPEND UNET_MISSING threads)
  endif()
endif()
list(APPEND UNET_LIBRARIES Threads::Threads)

find_package(PkgConfig QUIET)
foreach(row IN ITEMS PNG:libpng TIFF:libtiff-4 JPEG:libjpeg ZLIB:zlib JANSSON:jansson>=2.11
        ZIP:libzip>=1.6)
  string(REPLACE ":" ";" row ${row})
  list(GET row 0 name)
  list(GET row 1 module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(UNET_${name} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(NOT TARGET PkgConfig::UNET_${name})
    list(APPEND UNET_MISSING ${module})
  endif()
  list(APPEND UNET_LIBRARIES PkgConfig::UNET_${name})
endforeach()

# with them more chunks of Zarr are unpacked; UNET_PACKERS are those that are here
set(UNET_PACKERS "")
set(UNET_PACKER_MODULES "")
foreach(row IN ITEMS ZSTD:libzstd BLOSC:blosc)
  string(REPLACE ":" ";" row ${row})
  list(GET row 0 name)
  list(GET row 1 module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(UNET_${name} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(TARGET PkgConfig::UNET_${name})
    list(APPEND UNET_PACKERS UNET_${name})
    string(APPEND UNET_PACKER_MODULES " ${module}")
    list(APPEND UNET_LIBRARIES PkgConfig::UNET_${name})
  endif()
endforeach()

if(NOT TARGET GIF::GIF) # not every giflib comes with a .pc file
  find_package(GIF 5 QUIET)
  if(TARGET GIF::GIF)
    unet_make_global(GIF::GIF)
  else()
    list(APPEND UNET_MISSING giflib)
  endif()
endif()
list(APPEND UNET_LIBRARIES GIF::GIF m ${CMAKE_DL_LIBS}) # OpenSlide is looked for at run time

# descriptions of bioimage.io packages; without it such packages are written, but not read
if(PKG_CONFIG_FOUND AND (UNET_YAML OR NOT DEFINED UNET_YAML))
  pkg_check_modules(UNET_LIBYAML QUIET IMPORTED_TARGET GLOBAL yaml-0.1)
  if(TARGET PkgConfig::UNET_LIBYAML)
    list(APPEND UNET_LIBRARIES PkgConfig::UNET_LIBYAML)
  endif()
endif()

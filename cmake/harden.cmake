# SPDX-License-Identifier: Apache-2.0
# unet_harden(TARGET): what the compiler has against overflows in code that reads files.  Not for the
# kernels, whose speed it would cost, and not beside a sanitizer, which does the same better.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(OUTPUT_VARIABLE UNET_PIE_SAYS LANGUAGES C)
check_c_compiler_flag(-fstack-protector-strong UNET_HAS_STACK_PROTECTOR)
check_linker_flag(C -Wl,-z,relro,-z,now UNET_HAS_RELRO)

# where the flags optimise, and neither they nor the compiler's own defaults have set it
string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
set(CMAKE_REQUIRED_FLAGS "${CMAKE_C_FLAGS_${type}}")
string(MD5 flags "${CMAKE_C_FLAGS} ${CMAKE_REQUIRED_FLAGS}") # asked again when they change
check_c_source_compiles("
#if defined _FORTIFY_SOURCE || !defined __OPTIMIZE__ || defined __SANITIZE_ADDRESS__
#error
#endif
int main(void) { return 0; }" UNET_CAN_FORTIFY_${flags})
unset(CMAKE_REQUIRED_FLAGS)
set(UNET_CAN_FORTIFY ${UNET_CAN_FORTIFY_${flags}})

function(unet_harden target)
  if(UNET_SANITIZE OR UNET_FUZZ OR WIN32) # mingw-w64 has it in a library of its own
    return()
  endif()
  if(UNET_HAS_STACK_PROTECTOR)
    target_compile_options(${target} PRIVATE -fstack-protector-strong)
  endif()
  if(UNET_CAN_FORTIFY)
    target_compile_definitions(${target} PRIVATE _FORTIFY_SOURCE=2)
  endif()
  if(UNET_HAS_RELRO)
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "OBJECT|STATIC")
      target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
    endif()
  endif()
endfunction()

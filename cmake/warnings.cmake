# The warnings every target of ours is compiled with.
add_library(coring_warnings INTERFACE)
if(NOT CORING_SANITIZE) # what a sanitizer inserts looks to g++ as if null were dereferenced
    set(null_dereference -Wnull-dereference)
endif()
set(common -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wformat=2
    ${null_dereference} -Wundef -Wimplicit-fallthrough)
set(cxx_only -Wold-style-cast -Wmissing-declarations -Wextra-semi)
target_compile_options(coring_warnings INTERFACE ${common} $<$<COMPILE_LANGUAGE:CXX>:${cxx_only}>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(coring_warnings INTERFACE -Wduplicated-cond -Wlogical-op)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(coring_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety>)
endif()
if(CORING_WERROR)
    target_compile_options(coring_warnings INTERFACE -Werror)
endif()

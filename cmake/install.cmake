# Where things go: cmake --install build/release --prefix /usr/local puts them where a stock lua5.4
# looks for modules.
set(lua_modules ${CMAKE_INSTALL_LIBDIR}/lua/5.4)
install(TARGETS coutil memory LIBRARY DESTINATION ${lua_modules})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/lua/coutil DESTINATION ${CMAKE_INSTALL_DATADIR}/lua/5.4
    FILES_MATCHING PATTERN "*.lua")
# It was Lua once, and would be found before the library.
install(CODE "file(REMOVE
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/lua/5.4/coutil/event.lua\")")
install(PROGRAMS ${CMAKE_SOURCE_DIR}/scripts/coutil DESTINATION ${CMAKE_INSTALL_BINDIR})

# For native modules that use memories.
install(FILES ${CMAKE_SOURCE_DIR}/src/lua/memory/luamem.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(CODE "
    set(place \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libluamem.so\")
    file(REMOVE \"\${place}\")
    file(CREATE_LINK lua/5.4/memory.so \"\${place}\" SYMBOLIC)
    message(STATUS \"Installing: \${place}\")")

-- Lua 5.4, no globals of our own: every module and test is local.
std = "lua54"
max_line_length = 100
exclude_files = { "build" }

-- These also load in states where nothing but `require` is global.
files["src/lua/coutil/*.lua"] = { std = "none", read_globals = { "require" } }

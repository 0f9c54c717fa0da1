-- Checks that the documentation is true as far as a program can: every example runs, the map of
-- the manual knows every heading and names files that exist, and relative links lead somewhere.
--
-- usage: lua5.4 tests/docs/check.lua
--
-- Works from any directory. LUA_PATH and LUA_CPATH have to lead to the modules, as for any program.
-- Examples that cannot run by themselves are marked "lua notest" in their first line.

local root <const> = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../.."
local bound <const> = 20 -- seconds for an example

-- The interpreter that runs this, with its options.
local interpreter <const> = (function()
    local words <const> = {}
    for index = -1, -math.huge, -1 do
        if not arg[index] then break end
        table.insert(words, 1, "'" .. arg[index]:gsub("'", "'\\''") .. "'")
    end
    return #words > 0 and table.concat(words, " ") or "lua5.4"
end)()

-- The headings of the manual of coutil 2.0: sections first, then functions and methods.
local sections <const> = [[
Await Function; Blocking Mode; Independent State; Transferable Values; Failures;
Object-Oriented Style; Coroutine Finalizers; State Coroutines; Thread Pools; Channels; Events;
Queued Events; Mutex; Promises; Event Processing; Thread Synchronization; Time Measure;
System Processes; Network & IPC; UDP Socket (options); TCP Socket (options);
Local Socket (options); File System; File Types; Permissions; Standard Streams;
System Information;
]]
local functions <const> = [[
spawn.catch spawn.trap
coroutine.close coroutine.load coroutine.loadfile coroutine.status
threads.create threads.resize threads.count threads.dostring threads.dofile threads.close
channel.close channel.create channel.getname channel.getnames channel.sync
event.await event.awaitall event.awaitany event.emitall event.emitone event.pending
queued.await queued.awaitall queued.awaitany queued.emitall queued.emitone queued.isqueued
queued.pending
mutex.lock mutex.unlock mutex.islocked mutex.ownlock
promise.create promise.awaitall promise.awaitany promise.onlypending promise.pickready
system.run system.isrunning system.halt system.awaitch system.resume
system.nanosecs system.time system.suspend
system.emitsig system.awaitsig system.getpriority system.setpriority system.getdir system.setdir
system.getenv system.setenv system.packenv system.unpackenv system.execute
system.address system.nameaddr system.findaddr
addresses:close addresses:next addresses:reset addresses:getaddress addresses:getdomain
addresses:getsocktype
system.socket socket:close socket:getdomain socket:setoption socket:bind socket:connect
socket:getaddress socket:write socket:read socket:shutdown socket:listen socket:accept
system.linkfile system.copyfile system.movefile system.removefile system.maketemp system.makedir
system.listdir system.touchfile system.ownfile system.grantfile system.openfile
file:close file:read file:write file:resize file:flush file:touch file:own file:grant file:info
system.filebits system.fileinfo
system.stdin system.stdout system.stderr
terminal:close terminal:read terminal:write terminal:shutdown terminal:setmode terminal:winsize
system.procinfo system.cpuinfo system.netinfo system.random
]]

local passed, failed = 0, 0

-- Counts a check, and says where it failed.
local function check(condition, path, number, form, ...)
    if condition then
        passed = passed + 1
        return true
    end
    failed = failed + 1
    print(("%s:%d: %s"):format(path, number, form:format(...)))
    return false
end

local function quoted(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The lines of a file below the root, or nil.
local function lines_of(path)
    local file <close> = io.open(root .. "/" .. path)
    if not file then return nil end
    local lines <const> = {}
    for line in file:lines() do lines[#lines + 1] = line end
    return lines
end

local function exists(path)
    return os.execute("test -e " .. quoted(root .. "/" .. path)) == true
end

-- The files of the documentation, as paths from the root.
local function pages()
    local found <const> = {}
    local pipe <close> = assert(io.popen("cd " .. quoted(root)
        .. " && ls README.md CHANGELOG.md && find docs -name '*.md' | sort"))
    for path in pipe:lines() do found[#found + 1] = path end
    return found
end

-- --- examples --------------------------------------------------------------------------------

-- Calls `visit` with the language, the first line's number and the lines of each fenced block.
local function each_block(lines, visit)
    local language, first, block
    for number, line in ipairs(lines) do
        if block and line:find("^```%s*$") then
            visit(language, first, block)
            block = nil
        elseif block then
            block[#block + 1] = line
        elseif line:find("^```") then
            language, first, block = line:match("^```(.-)%s*$"), number + 1, {}
        end
    end
    return block == nil
end

local function run_example(path, first, block)
    local name <const> = os.tmpname()
    do -- with the lines where they are in the page, so that errors name them
        local file <close> = assert(io.open(name, "w"))
        file:write(("\n"):rep(first - 1), table.concat(block, "\n"), "\n")
    end
    local pipe <const> = assert(io.popen(("timeout -k 5 %d %s %s </dev/null 2>&1")
        :format(bound, interpreter, quoted(name))))
    local said <const> = pipe:read("a")
    local done <const>, how <const>, code <const> = pipe:close()
    os.remove(name)
    if done then
        passed = passed + 1
        return
    end
    local place <const> = name:gsub("%p", "%%%0") .. ":(%d+): "
    local number <const>, message <const> = said:match(place .. "([^\n]*)")
    if code == 124 then
        check(false, path, first, "the example did not end within %d seconds", bound)
    else
        check(false, path, tonumber(number) or first, "%s",
            message or ("the example ended by %s %d: %s"):format(how, code, said))
    end
end

local function check_examples(path, lines)
    local closed <const> = each_block(lines, function(language, first, block)
        if language == "lua" then
            run_example(path, first, block)
        else
            check(language == "" or language == "lua notest", path, first - 1,
                "blocks of '%s' are unknown here", language)
        end
    end)
    check(closed, path, #lines, "a block is not closed")
end

-- --- links -----------------------------------------------------------------------------------

-- The anchor that a heading gets: letters, digits, underscores and hyphens of its text in lower
-- case, with hyphens for blanks.
local function anchor_of(heading)
    local text <const> = heading:gsub("`", ""):gsub("%[(.-)%]%(.-%)", "%1"):lower()
    return (text:gsub("[^%w _\x80-\xff-]", ""):gsub(" ", "-"))
end

local anchors <const> = {}

local function anchors_in(path)
    if anchors[path] then return anchors[path] end
    local found, fenced, seen = {}, false, {}
    for _, line in ipairs(lines_of(path) or {}) do
        if line:find("^```") then fenced = not fenced end
        local heading <const> = not fenced and line:match("^#+%s+(.-)%s*$")
        if heading then
            local anchor <const> = anchor_of(heading)
            found[seen[anchor] and anchor .. "-" .. seen[anchor] or anchor] = true
            seen[anchor] = (seen[anchor] or 0) + 1
        end
    end
    anchors[path] = found
    return found
end

-- The path without "." and "..", or nil when it leaves the tree.
local function resolved(path)
    local parts <const> = {}
    for part in path:gmatch("[^/]+") do
        if part == ".." then
            if #parts == 0 then return nil end
            parts[#parts] = nil
        elseif part ~= "." then
            parts[#parts + 1] = part
        end
    end
    return table.concat(parts, "/")
end

local function check_link(path, number, target)
    if target:find("^%a[%w+.-]*:") then return end -- of the outside world
    local file <const>, anchor <const> = target:match("^([^#]*)#?(.*)$")
    local goal <const> = file == "" and path or resolved((path:match("^.*/") or "") .. file)
    if check(goal and exists(goal), path, number, "there is no %s", target) and anchor ~= "" then
        check(anchors_in(goal)[anchor], path, number, "%s has no heading #%s", goal, anchor)
    end
end

local function check_links(path, lines)
    local fenced = false
    for number, line in ipairs(lines) do
        if line:find("^```") then fenced = not fenced end
        if not fenced and not line:find("^    ") then
            local prose <const> = line:gsub("`[^`]*`", "x")
            local defined <const> = line:match("^%[.-%]: (%S+)$")
            if defined then check_link(path, number, defined) end
            for target in prose:gmatch("%]%(<?([^%s)>]+)[^)]*%)") do
                check_link(path, number, target)
            end
        end
    end
end

-- --- lines -----------------------------------------------------------------------------------

-- Rows of tables cannot be broken and may be longer.
local function check_lines(path, lines)
    local most <const> = 100
    for number, line in ipairs(lines) do
        local columns <const> = line:find("^|") and 0 or utf8.len(line) or #line
        if columns > most then
            check(false, path, number, "%d columns, and %d is the most", columns, most)
        elseif line:find("%s$") then
            check(false, path, number, "white space at the end")
        end
    end
end

-- --- the map ---------------------------------------------------------------------------------

local map <const> = "docs/manual-map.md"

local binding <const> = "src/lua/%s.cpp"

-- `with_room` is for names that say which room of src the file is in. Bindings may be Lua.
local function check_files(number, cell, form, with_room)
    for name in cell:gmatch("[^%s,]+") do
        local in_lua <const> = form == binding and name:find("%.lua$")
        local path <const> = (in_lua and "src/lua/%s"
            or name:find("/", 1, true) and with_room or form):format(name)
        check(name == "-" or exists(path), map, number, "there is no %s", path)
    end
end

-- A row is: heading, page, binding, verb, tests; or: heading, part N, and empty cells.
local function check_row(number, cells)
    local heading <const>, page <const> = cells[1], cells[2]
    local later <const> = page:match("^part (%d)$")
    if later then
        local part <const> = tonumber(later)
        check(part >= 2 and part <= 5, map, number, "%s: there is no part %s", heading, later)
        check(cells[3] .. cells[4] .. cells[5] == "", map, number, "%s has files already", heading)
        return
    end
    check_files(number, page:match("^%[(.-)%]$") or "of: " .. heading, "docs/manual/%s.md")
    for column = 3, 5 do
        check(cells[column] ~= "", map, number, "%s: column %d is empty", heading, column)
    end
    check_files(number, cells[3], binding)
    check_files(number, cells[4], "src/io/%s.cpp", "src/%s.cpp")
    check_files(number, cells[5], "tests/lua/%s.lua")
end

local function check_map()
    local lines <const> = lines_of(map)
    if not check(lines, map, 0, "there is no map") then return end
    local rows <const> = {}
    for number, line in ipairs(lines) do
        local cells <const> = {}
        for cell in line:gmatch("|([^|]*)") do cells[#cells + 1] = cell:match("^%s*(.-)%s*$") end
        if line:find("^|") and cells[1] ~= "heading" and not line:find("^|[%s|-]+$") then
            local heading <const> = cells[1]:gsub("`", "")
            check(not rows[heading], map, number, "%s has two rows", heading)
            rows[heading] = true
            if check(#cells == 6 or #cells == 5, map, number, "%d cells", #cells) then
                check_row(number, cells)
            end
        end
    end
    for name in functions:gmatch("%S+") do check(rows[name], map, 1, "%s has no row", name) end
    for name in sections:gmatch("%s*([^;]-);") do
        check(rows[name], map, 1, "section %s has no row", name)
    end
end

for _, path in ipairs(pages()) do
    local lines <const> = lines_of(path)
    check_lines(path, lines)
    check_links(path, lines)
    if path == "README.md" or path:find("^docs/manual/") then check_examples(path, lines) end
end
check_map()
print(("docs: %d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)

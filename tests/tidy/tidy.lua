-- Checks that the tree is kept as docs/architecture.md describes it: who may include whom, what
-- only one room may know, how long lines and files may be, that links lead somewhere and that
-- scripts parse.
-- Looks at the files git knows or would add, so that a new file is checked before it is committed.
--
-- usage: lua5.4 tests/tidy/tidy.lua [root of the tree]

local root <const> = arg[1] or arg[0]:match("^(.*)/tests/tidy/[^/]*$") or "."

local function quoted(word)
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function output_of(command)
    local pipe <close> = assert(io.popen(command, "r"))
    return pipe:read("a")
end

-- All files, as paths from the root. Without git, or in a tree that is no checkout, all there are.
local function list_files()
    local at <const> = "cd " .. quoted(root) .. " && "
    local listed = output_of(at .. "git -c safe.directory='*' ls-files --cached --others"
        .. " --exclude-standard -z 2>/dev/null")
    if listed == "" then
        listed = output_of(at .. "find . -type f -not -path './.git/*' -not -path './build/*'"
            .. " -printf '%P\\0'")
    end
    local found <const> = {}
    for path in listed:gmatch("[^\0]+") do found[#found + 1] = path end
    table.sort(found)
    return found
end

-- The lines of a file; nil for one that was deleted but is still known to git, and for binaries.
local function lines_of(path)
    local file <close> = io.open(root .. "/" .. path, "rb")
    local text <const> = file and file:read("a")
    if not text or text:find("\0", 1, true) then return nil end
    local lines <const> = {}
    for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do
        lines[#lines + 1] = line
    end
    return lines
end

local broken, warned = 0, 0

local function complain(path, number, form, ...)
    broken = broken + 1
    print(("%s:%d: %s"):format(path, number, form:format(...)))
end

local function is_cpp(path)
    return path:find("%.[ch]pp$") or path:find("%.[ch]$")
end

local function is_shell(path, lines)
    return path:find("%.sh$") or (lines[1] or ""):find("^#!.*sh%f[%A]")
end

local function is_code(path, lines)
    return is_cpp(path) or path:find("%.lua$") or path:find("%.cmake$")
        or path:find("CMakeLists%.txt$") or is_shell(path, lines)
end

-- The arrows: a room may include those with a smaller number, and itself. Rooms of the same number
-- do not see each other.
local rank <const> = {
    base = 1, op = 2, proactor = 3, reactor = 3, threadpool = 3, loop = 4, io = 5, lua = 6,
}

-- What only one room may include or use, and why a stranger to the house should care.
local included_only_by <const> = {
    ["lua.h"] = "lua", ["lua.hpp"] = "lua", ["lauxlib.h"] = "lua", ["lualib.h"] = "lua",
    ["luaconf.h"] = "lua", ["linux/io_uring.h"] = "proactor", ["liburing.h"] = "proactor",
    ["sys/epoll.h"] = "reactor", ["sys/signalfd.h"] = "reactor",
}
local used_only_by <const> = {
    ["std::thread%f[^%w_]"] = "threadpool", ["std::jthread%f[^%w_]"] = "threadpool",
    ["std::async%f[^%w_]"] = "threadpool", ["pthread_create%f[^%w_]"] = "threadpool",
    ["thrd_create%f[^%w_]"] = "threadpool",
}

local rules <const> = {}

function rules.rooms_include_only_rooms_to_their_right(path, lines)
    local room <const> = path:match("^src/(%w+)/")
    if not (room and is_cpp(path)) then return end
    if not rank[room] then return complain(path, 1, "%s is not a room of src", room) end
    for number, line in ipairs(lines) do
        local name <const> = line:match('^%s*#%s*include%s*"([^"]+)"')
        local other <const> = name and name:match("^(%w+)/")
        if other and rank[other] and other ~= room and rank[other] >= rank[room] then
            complain(path, number, "%s must not include %s", room, name)
        elseif name and not rank[other or ""] then
            complain(path, number, "%s is not named by its room, as in room/%s", name, name)
        end
    end
end

function rules.some_headers_belong_to_one_room(path, lines)
    local room <const> = path:match("^src/(%w+)/")
    if not (room and is_cpp(path)) then return end
    for number, line in ipairs(lines) do
        local name <const> = line:match('^%s*#%s*include%s*[<"]([^>"]+)[>"]')
        local owner <const> = included_only_by[name and (name:match("^lua5%.4/(.*)") or name)]
        if owner and owner ~= room then
            complain(path, number, "only %s may include %s", owner, name)
        end
    end
end

function rules.only_the_threadpool_starts_threads(path, lines)
    local room <const> = path:match("^src/(%w+)/")
    if not (room and is_cpp(path)) then return end
    for number, line in ipairs(lines) do
        local code <const> = line:gsub("//.*", "")
        for use, owner in pairs(used_only_by) do
            -- std::thread::id and the like name a thread but start none.
            local from, to = code:find(use)
            if from and owner ~= room and code:sub(to + 1, to + 2) ~= "::" then
                complain(path, number, "only %s may use %s", owner, code:sub(from, to))
            end
        end
    end
end

function rules.lines_fit(path, lines)
    if not is_code(path, lines) then return end
    local most <const> = is_cpp(path) and 96 or 100
    for number, line in ipairs(lines) do
        local columns <const> = utf8.len(line) or #line
        if columns > most then
            complain(path, number, "%d columns, and %d is the most", columns, most)
        end
    end
end

function rules.sources_are_short(path, lines)
    if not (path:find("^src/") and is_code(path, lines)) then return end
    if #lines >= 500 then
        complain(path, #lines, "%d lines, and it should stay under 500", #lines)
    elseif #lines > 400 then
        warned = warned + 1
        print(("%s: note: %d lines; most files stay under 400"):format(path, #lines))
    end
end

function rules.white_space_is_clean(path, lines)
    local spaced = is_cpp(path) or path:find("%.lua$")
    for number, line in ipairs(lines) do
        if line:find("[ \t\r]$") then complain(path, number, "white space at the end") end
        if spaced and line:find("^ *\t") then
            complain(path, number, "indented with a tab, as others may be from here on")
            spaced = false
        end
    end
end

local function exists(path)
    local file <close> = io.open(root .. "/" .. path, "rb")
    return file ~= nil
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

function rules.links_lead_somewhere(path, lines)
    if not path:find("%.md$") then return end
    local fenced = false
    for number, line in ipairs(lines) do
        if line:find("^%s*```") then fenced = not fenced end
        local prose <const> = fenced and "" or line:gsub("`[^`]*`", "")
        for target in prose:gmatch("%]%(<?([^%s)>]+)[^)]*%)") do
            local file <const> = target:match("^[^#]*")
            if file ~= "" and not file:find("^%a[%w+.-]*:") then
                local goal <const> = file:sub(1, 1) ~= "/"
                    and resolved((path:match("^.*/") or "") .. file)
                if not (goal and exists(goal == "" and "." or goal)) then
                    complain(path, number, "there is no %s", target)
                end
            end
        end
    end
end

function rules.shell_scripts_parse(path, lines)
    if not is_shell(path, lines) then return end
    local full <const> = quoted(root .. "/" .. path)
    local said <const> = output_of("bash -n " .. full .. " 2>&1")
    if said ~= "" then complain(path, 1, "bash cannot parse it: %s", said) end
end

function rules.programs_may_be_executed(path, lines)
    if not (lines[1] or ""):find("^#!") then return end
    if not os.execute("test -x " .. quoted(root .. "/" .. path)) then
        complain(path, 1, "it begins with #! but is not executable")
    end
end

local names <const> = {}
for name in pairs(rules) do names[#names + 1] = name end
table.sort(names)

local checked = 0
for _, path in ipairs(list_files()) do
    local lines <const> = lines_of(path)
    if lines then
        checked = checked + 1
        for _, name in ipairs(names) do rules[name](path, lines) end
    end
end
if checked == 0 then complain(root, 0, "no files found to check") end
print(("tidy: %d rules, %d files, %d complaints, %d notes"):format(#names, checked, broken, warned))
os.exit(broken == 0)

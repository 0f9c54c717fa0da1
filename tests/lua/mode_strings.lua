-- Goal: every function with a mode takes exactly the characters it knows, in any order and number,
-- and names the first one it does not know; then it has done nothing. Method: strings from a seeded
-- generator, and a model of each function's letters (behaviour 12.1).

local system = require "coutil.system"
local suite = require("support.suite").strict()
local paths = require "support.paths"
local tasks = require "support.tasks"

local case, equal, ok = suite.case, suite.equal, suite.ok

local rounds = 300
local pool = "~~~dsjlncCafmotwxrN46uiyzAZ?@=_ 0\0\t\xff"

-- The same strings each time, whatever else draws random numbers.
local state = 20
local function draw(limit)
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return (state >> 33) % limit + 1
end

-- Up to five characters, most of them from those that the function knows.
local function random_mode(letters)
    local made = {}
    for index = 1, draw(6) - 1 do
        local from = #letters > 0 and draw(4) < 4 and letters or pool
        local place = draw(#from)
        made[index] = string.sub(from, place, place)
    end
    return table.concat(made)
end

-- The error that a mode must give, or nil: `known` in any place; those of `prefix`, if any,
-- only before all others. Modes end at a zero.
local function expected_error(rule, mode)
    mode = string.match(mode, "^[^\0]*")
    local position = 0
    if rule.prefix ~= nil then
        position = #string.match(mode, "^[" .. rule.prefix .. "]*")
    end
    for place = position + 1, #mode do
        local letter = string.sub(mode, place, place)
        if rule.prefix ~= nil and string.find(rule.prefix, letter, 1, true) then
            return "'" .. letter .. "' must be in the begin of 'mode'"
        end
        if not string.find(rule.known, letter, 1, true) then
            local text = "unknown mode char (got '" .. letter .. "')"
            local number = rule.number
            if number == "place" then number = 2 + place - position end
            return number and "bad argument #" .. number .. ", " .. text or text
        end
    end
    return nil
end

-- What a directory looks like to somebody else.
local function look(at)
    return paths.shell("cd %s && find . -printf '%%P %%y %%m %%s %%T@ %%U\n' | sort", at.path)
end

local info_letters = "?M_ugDd*BbivasmcUGSrwx421RWX"

-- Each rule: how to call the function with a mode, and the letters it knows.
local rules = {
    linkfile = { known = "~sdj", number = 3, call = function(at, mode)
        return system.linkfile(at "file", at "link", mode) end },
    copyfile = { known = "~ncC", number = 3, call = function(at, mode)
        return system.copyfile(at "file", at "copy", mode) end },
    movefile = { known = "~", call = function(at, mode)
        return system.movefile(at "file", at "moved", mode) end },
    removefile = { known = "~d", number = 2, call = function(at, mode)
        return system.removefile(at "file", mode) end },
    makedir = { known = "~", call = function(at, mode)
        return system.makedir(at "made", 448, mode) end },
    maketemp = { known = "fo", prefix = "~", number = 2, call = function(at, mode)
        return system.maketemp(at "temporary-", mode) end },
    listdir = { known = "~", call = function(at, mode)
        return system.listdir(at.path, mode) end },
    touchfile = { known = "amb", prefix = "~l", number = "place", call = function(at, mode)
        return system.touchfile(at "file", mode, 1, 2, 3, 4, 5) end },
    ownfile = { known = "~l", number = 4, call = function(at, mode)
        return system.ownfile(at "file", -1, -1, mode) end },
    grantfile = { known = "~", call = function(at, mode)
        return system.grantfile(at "file", 384, mode) end },
    openfile = { known = "~aNnrftwx", call = function(at, mode)
        local file = system.openfile(at "file", mode, "rwU")
        if file then file:close("~") end end },
    fileinfo = { known = info_letters .. "p=@NIAFfTt", prefix = "~l", call = function(at, mode)
        return system.fileinfo(at "file", mode) end },
    ["file:info"] = { known = info_letters, prefix = "~", call = function(_, mode, file)
        return file:info(mode) end },
    ["file:touch"] = { known = "amb", prefix = "~", number = "place", call = function(_, mode, file)
        return file:touch(mode, 1, 2, 3, 4, 5) end },
    ["file:own"] = { known = "~", call = function(_, mode, file)
        return file:own(-1, -1, mode) end },
    ["file:grant"] = { known = "~", call = function(_, mode, file)
        return file:grant(384, mode) end },
    ["file:resize"] = { known = "~", call = function(_, mode, file)
        return file:resize(3, mode) end },
    ["file:flush"] = { known = "~d", number = 3, call = function(_, mode, file)
        return file:flush(mode) end },
    ["file:write"] = { known = "~", call = function(_, mode, file)
        return file:write("text", 1, -1, nil, mode) end },
    findaddr = { known = "46mdsn", call = function(_, mode)
        if string.find(mode, "m") and string.find(mode, "4") then mode = "6" .. mode end
        return system.findaddr("127.0.0.1", "80", mode) end },
}

local function walk(name)
    local rule = rules[name]
    local at <close> = paths.directory()
    local refused, taken = 0, 0
    for _ = 1, rounds do
        local mode = random_mode(rule.known .. (rule.prefix or ""))
        local expected = expected_error(rule, mode)
        if not paths.exists(at "file") then paths.write(at "file", "some text") end
        local file = assert(system.openfile(at "file", "~rw"))
        local before = expected and refused < 8 and look(at)
        local done, problem = pcall(rule.call, at, mode, file)
        file:close("~")
        if expected ~= nil then
            refused = refused + 1
            ok(not done, string.format("%s takes %q", name, mode))
            -- The position in front is that of this file.
            equal(string.match(problem, "^[^:]*:%d+: (.*)$") or problem, expected,
                  string.format("%s with %q", name, mode))
            if before then equal(look(at), before) end
        else
            taken = taken + 1
            ok(done, string.format("%s refuses %q: %s", name, mode, problem))
        end
    end
    ok(refused > 20 and taken > 20, name .. ": the generator finds both kinds")
end

local names <const> = {}
for name in pairs(rules) do names[#names + 1] = name end
table.sort(names) -- so that each gets the same strings in every run

for _, name in ipairs(names) do
    case(name .. " takes what it knows and names what it does not know", function()
        tasks.spawn(walk, name)
        tasks.run(60)
    end)
end

suite.finish()

-- Turns the records of one job into a table and machine-readable lines.
-- Arguments: the file of records, then key=value words: job, unit, machine, and with commas
-- between their items metrics, floors, estimated. A record is a line COMPETITOR, KIND, TEXT with
-- tabs between; the kinds are engine, skipped, failed, and round, whose text is key=value words.

-- What a program for luv costs, as a share of what the same program for the reference costs.
local luv_share = 0.95

local shown = { -- other figures worth a column, if any competitor has them
    { key = "rate", title = "rate/s", form = "%.0f" },
    { key = "p50_us", title = "p50 µs", form = "%.0f" },
    { key = "p99_us", title = "p99 µs", form = "%.0f" },
    { key = "rss_mib", title = "MiB", form = "%.1f" },
    { key = "busy", title = "busy", form = "%.2f" },
    { key = "load_busy", title = "load", form = "%.2f" },
}

local function split(text)
    local items = {}
    for item in text:gmatch("[^,]+") do
        items[#items + 1] = item
    end
    return items
end

local function read_arguments()
    local options = {}
    for index = 2, #arg do
        local key, value = arg[index]:match("^(%w+)=(.*)$")
        options[key] = value
    end
    options.metrics = split(options.metrics)
    options.floors = split(options.floors)
    options.may_estimate = {}
    for _, metric in ipairs(split(options.estimated)) do
        options.may_estimate[metric] = true
    end
    return options
end

-- The competitors in the order of the file; `values[key]` lists what the rounds measured.
local function read_records(path)
    local list, by_name = {}, {}
    for line in io.lines(path) do
        local name, kind, text = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
        local competitor = by_name[name]
        if not competitor then
            competitor = { name = name, rounds = 0, values = {} }
            by_name[name] = competitor
            list[#list + 1] = competitor
        end
        if kind == "round" then
            competitor.rounds = competitor.rounds + 1
            for key, value in text:gmatch("([%w_]+)=([%d.]+)") do
                competitor.values[key] = competitor.values[key] or {}
                table.insert(competitor.values[key], tonumber(value))
            end
        else
            competitor[kind] = text
        end
    end
    return list, by_name
end

-- Median, least and greatest of what was measured; nil if nothing was.
local function spread(competitor, key)
    local values = competitor and competitor.values[key]
    if not values then
        return nil
    end
    table.sort(values)
    local middle = (#values + 1) // 2
    local median = #values % 2 == 1 and values[middle] or (values[middle] + values[middle + 1]) / 2
    return median, values[1], values[#values]
end

-- How many times better than the named competitor; nil if either has no figure.
local function gain(competitor, other, key)
    local ours, theirs = spread(competitor, key), spread(other, key)
    if ours and theirs and ours > 0 then
        return theirs / ours
    end
    return nil
end

-- The gain over the reference, and whether it is only estimated from luv.
local function reference_gain(competitor, by_name, key, options)
    local measured = gain(competitor, by_name.reference, key)
    if measured then
        return measured, false
    end
    local against_luv = gain(competitor, by_name.luv, key)
    if against_luv and options.may_estimate[key] then
        return against_luv / luv_share, true
    end
    return nil, false
end

local function number(form, value)
    return value and form:format(value) or "–"
end

-- Four significant digits or so, whatever the size.
local function figure(value)
    if not value then
        return "–"
    end
    return (value >= 1000 and "%.0f" or value >= 100 and "%.1f" or value >= 1 and "%.2f" or "%.3f")
        :format(value)
end

local function print_rows(rows)
    local widths = {}
    for _, row in ipairs(rows) do
        for column, cell in ipairs(row) do
            widths[column] = math.max(widths[column] or 0, utf8.len(cell))
        end
    end
    for _, row in ipairs(rows) do
        local line = {}
        for column, cell in ipairs(row) do
            local padding = string.rep(" ", widths[column] - utf8.len(cell))
            line[column] = column == 1 and cell .. padding or padding .. cell
        end
        print("  " .. table.concat(line, "  "))
    end
end

local function columns_with_figures(list, metric)
    local columns = {}
    for _, column in ipairs(shown) do
        for _, competitor in ipairs(list) do
            if column.key ~= metric and competitor.values[column.key] then
                columns[#columns + 1] = column
                break
            end
        end
    end
    return columns
end

local function print_table(list, by_name, metric, options)
    local others = columns_with_figures(list, metric)
    local header = { "competitor", metric, "min–max", "× reference", "× luv" }
    for _, floor in ipairs(options.floors) do
        header[#header + 1] = "over " .. floor
    end
    for _, column in ipairs(others) do
        header[#header + 1] = column.title
    end
    local rows = { header }
    for _, competitor in ipairs(list) do
        local median, least, greatest = spread(competitor, metric)
        if median then
            local against, estimated = reference_gain(competitor, by_name, metric, options)
            local row = {
                competitor.name, figure(median), figure(least) .. "–" .. figure(greatest),
                (estimated and "~" or "") .. number("%.2f", against),
                number("%.2f", gain(competitor, by_name.luv, metric)),
            }
            for _, floor in ipairs(options.floors) do
                local inverse = gain(competitor, by_name[floor], metric)
                row[#row + 1] = number("%+.1f %%", inverse and (1 / inverse - 1) * 100)
            end
            for _, column in ipairs(others) do
                row[#row + 1] = number(column.form, (spread(competitor, column.key)))
            end
            rows[#rows + 1] = row
        end
    end
    print_rows(rows)
end

local function add(words, key, value)
    if value then
        words[#words + 1] = key .. "=" .. (type(value) == "number" and ("%.6g"):format(value)
            or (tostring(value):gsub("%s+", "_")))
    end
end

-- The words of one metric of one competitor: the figure, its spread, its ratios.
local function add_metric(words, competitor, by_name, metric, options)
    local median, least, greatest = spread(competitor, metric)
    add(words, metric, median)
    add(words, metric .. "_min", least)
    add(words, metric .. "_max", greatest)
    local against, estimated = reference_gain(competitor, by_name, metric, options)
    add(words, metric .. (estimated and "_vs_reference_estimated" or "_vs_reference"), against)
    add(words, metric .. "_vs_luv", gain(competitor, by_name.luv, metric))
    for _, floor in ipairs(options.floors) do
        local inverse = gain(competitor, by_name[floor], metric)
        add(words, metric .. "_over_" .. floor, inverse and 1 / inverse)
    end
end

local function print_line(competitor, by_name, options)
    local words = {}
    add(words, "bench job", options.job)
    add(words, "competitor", competitor.name)
    add(words, "status", competitor.skipped and "skipped" or competitor.failed and "failed" or "ok")
    add(words, "reason", competitor.skipped or competitor.failed)
    add(words, "engine", competitor.engine)
    add(words, "rounds", competitor.rounds)
    local is_metric = {}
    for _, metric in ipairs(options.metrics) do
        add_metric(words, competitor, by_name, metric, options)
        is_metric[metric] = true
    end
    for _, column in ipairs(shown) do
        if not is_metric[column.key] then
            add(words, column.key, (spread(competitor, column.key)))
        end
    end
    words[#words + 1] = options.machine
    print(table.concat(words, " "))
end

local options = read_arguments()
local list, by_name = read_records(arg[1])
print(("\n%s: %s"):format(options.job, options.unit))
for _, metric in ipairs(options.metrics) do
    print_table(list, by_name, metric, options)
end
for _, competitor in ipairs(list) do
    if competitor.skipped then
        print(("  %s SKIPPED: %s"):format(competitor.name, competitor.skipped))
    elseif competitor.failed then
        print(("  %s FAILED: %s"):format(competitor.name, competitor.failed))
    end
end
for _, competitor in ipairs(list) do
    print_line(competitor, by_name, options)
end

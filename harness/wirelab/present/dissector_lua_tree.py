"""The part of a Wireshark dissector that is the same for every protocol profile, in Lua: messages, answers and the tree.

It goes on where ``present/dissector_lua`` ends.
"""

from __future__ import annotations

GO_ON = r"""
-- Messages ---------------------------------------------------------------------------------------------------------

-- The matches of a message's groups, by number; nil when a search gives up (too much backtracking) or finds nothing.
local function matched(pattern, text, init)
  local ok, first, last, groups = pcall(pattern.tfind, pattern, text, init or 1)
  if ok and first then return first, last, groups end
end

local function recognise(sender, text)
  for _, message in ipairs(PROFILE.messages) do
    if message.sender == sender and not message.raw then
      local first, _, groups = matched(message.whole, text)
      if first then return message, groups end
    end
  end
end

-- A piece of a stream: {start, stop} in bytes of the tvb from 0 (stop exclusive), body {start, stop}, problem.
local function lines(tvb, final)
  local raw, found, at = tvb:range():raw(), {}, 0
  while at < #raw do
    local feed = raw:find("\n", at + 1, true)
    local stop = feed or #raw
    local long = stop - at > PROFILE.limit
    if not feed and not final and stop - at <= PROFILE.limit + PATIENCE then break end
    local piece = { start = at, stop = stop, from = at, to = stop }
    if long then
      piece.problem, piece.to = "too-long", at + PROFILE.limit
    elseif not feed then
      piece.problem = "unfinished"
    else
      piece.to = stop - 1
      if piece.to > at and raw:byte(piece.to) == 13 then piece.to = piece.to - 1 end
    end
    found[#found + 1] = piece
    at = stop
  end
  return found, at
end

local function prefixed(tvb, final)
  local length, width, found, at = tvb:len(), PROFILE.width, {}, 0
  while at < length do
    local left = length - at
    local size = nil
    if left >= width then
      local prefix = tvb:range(at, width)
      size = PROFILE.big and prefix:uint() or prefix:le_uint()
    end
    if size and width + size > PROFILE.limit then
      found[#found + 1] = { start = at, stop = at + width, from = at, to = at + width, problem = "too-long", length = size }
      return found, at + width, true
    elseif size and left >= width + size then
      local stop = at + width + size
      found[#found + 1] = { start = at, stop = stop, from = at + width, to = stop, length = size }
      at = stop
    elseif final then
      local from = size and at + width or at
      found[#found + 1] = { start = at, stop = length, from = from, to = length, problem = "unfinished", length = size }
      at = length
    else
      break
    end
  end
  return found, at
end

-- Where the end of the text may be the beginning of a message: {start, rank}, as offsets from 0.
local function beginnings(text, at, sender)
  local found = {}
  for rank, message in ipairs(PROFILE.messages) do
    if message.sender == sender and not message.raw then
      for length = math.min(#message.head - 1, #text - at), 1, -1 do
        if text:sub(-length) == message.head:sub(1, length) then
          found[#found + 1] = { #text - length, rank }
          break
        end
      end
    end
  end
  return found
end

local function nonempty(message, text, at)
  local init = at + 1
  while init <= #text do
    local first, last, groups = matched(message.rex, text, init)
    if not first then return nil end
    if last >= first then return { start = first - 1, stop = last, groups = groups } end
    init = math.max(first, init) + 1
    while init <= #text and text:byte(init) >= 0x80 and text:byte(init) < 0xC0 do init = init + 1 end
  end
end

local function anywhere(tvb, final, sender)
  local text, _, kept, map = decode(tvb:range(), "\26", not final)
  local function offset(position)
    if map then return map[position + 1] - 1 end
    return position
  end
  local found, at, raw_message = {}, 0, nil
  for _, message in ipairs(PROFILE.messages) do
    if message.raw and message.sender == sender then raw_message = message end
  end
  local function between(stop)
    local first, last = at, stop
    while first < last and text:find("^[\r\n]", first + 1) do first = first + 1 end
    while last > first and text:find("^[\r\n]", last) do last = last - 1 end
    if first < last then
      found[#found + 1] = {
        start = offset(at), stop = offset(stop), from = offset(first), to = offset(last), message = raw_message, raw = true
      }
    end
  end
  local coming = {}
  local function look(from)
    for rank, message in ipairs(PROFILE.messages) do
      local known = coming[rank]
      if message.sender == sender and not message.raw and known ~= false and (known == nil or known.start < from) then
        coming[rank] = nonempty(message, text, from) or false
      end
    end
  end
  while true do
    look(at)
    local best = nil
    for rank = 1, #PROFILE.messages do
      if coming[rank] and (best == nil or coming[rank].start < coming[best].start) then best = rank end
    end
    if best == nil then break end
    local match, early = coming[best], false
    if not final then
      for _, begun in ipairs(beginnings(text, at, sender)) do
        if begun[1] < match.start or begun[1] == match.start and begun[2] < best then early = true end
      end
    end
    if early then break end
    between(match.start)
    local start, stop = offset(match.start), offset(match.stop)
    found[#found + 1] = {
      start = start, stop = stop, from = start, to = stop, message = PROFILE.messages[best], groups = match.groups, raw = true
    }
    at = match.stop
  end
  local stop = #text
  if not final then
    for _, begun in ipairs(beginnings(text, at, sender)) do stop = math.min(stop, begun[1]) end
    for _, message in ipairs(PROFILE.messages) do
      if message.sender == sender and not message.raw and message.head ~= "" then
        local begun = text:find(message.head, math.max(at, #text - PROFILE.limit) + 1, true)
        if begun then stop = math.min(stop, begun - 1) end
      end
    end
  end
  between(stop)
  if stop == #text then return found, kept and kept - 1 or tvb:len() end
  return found, offset(stop)
end

local cutters = { line = lines, ["length-prefix"] = prefixed, none = anywhere }
local cut = cutters[PROFILE.framing]

-- Questions and answers ---------------------------------------------------------------------------------------------

local function seconds(number)
  local whole = math.floor(number)
  return NSTime.new(whole, math.floor((number - whole) * 1e9 + 0.5))
end

local function value_of(groups, number) return number and (groups[number] or "") or "" end

-- Keep what a message is, at its first reading; the same for every later one.
local function fact(key, stream, pinfo, message, groups)
  local known = facts[key]
  if known or pinfo.visited then return known or {} end
  known = { frame = pinfo.number, time = pinfo.rel_ts }
  facts[key] = known
  local book = waiting[stream] or {}
  waiting[stream] = book
  if message.answers then
    local name = message.answers .. "\n" .. (message.by_name or "") .. "\n" .. value_of(groups, message.by)
    local queue = book[name] or { first = 1, last = 0 }
    known.unsolicited = true
    while queue.first <= queue.last do
      local question = facts[queue[queue.first]]
      queue.first = queue.first + 1
      if not question.answered_in then
        question.answered_in, known.answer_to = pinfo.number, question.frame
        known.delay, known.unsolicited = seconds(known.time - question.time), false
        break
      end
    end
  end
  for _, other in ipairs(message.asked_by) do
    local name = message.name .. "\n" .. (other.name or "") .. "\n" .. value_of(groups, other.group)
    local queue = book[name] or { first = 1, last = 0 }
    book[name] = queue
    if queue[queue.last] ~= key then
      queue.last = queue.last + 1
      queue[queue.last] = key
    end
  end
  return known
end

-- The tree -----------------------------------------------------------------------------------------------------------

local function told(message, groups, text)
  if message.raw then return message.name .. ": " .. text end
  local parts = { message.name }
  for _, group in ipairs(message.groups) do
    parts[#parts + 1] = (#message.groups > 1 and group.name .. "=" or "") .. (groups[group.number] or "")
  end
  return table.concat(parts, " ")
end

-- Add one message; gives what the info column says of it.
local function add(tree, tvb, pinfo, stream, sender, piece, key)
  local range = tvb:range(piece.start, piece.stop - piece.start)
  local text, good = "", true
  local body = range
  if piece.to > piece.from then
    body = tvb:range(piece.from, piece.to - piece.from)
    text, good = decode(body)
  end
  local problem = piece.problem or (not good and "encoding" or nil)
  local message, groups = piece.message, piece.groups or {}
  if not piece.raw and not piece.problem then
    message, groups = recognise(sender, text)
    groups = groups or {}
  end
  local summary = message and told(message, groups, text) or "unknown: " .. text
  if piece.problem then summary = piece.problem .. ": " .. text end
  summary = shown(summary)
  local item = tree:add(proto, range)
  item:set_text("wirelab " .. PROFILE.name .. ", " .. sender .. ": " .. summary)
  item:add(fields.sender, range, sender):set_generated()
  item:add(fields.kind, range, message and message.name or "unknown")
  if piece.length then item:add(fields.length, tvb:range(piece.start, PROFILE.width), piece.length) end
  item:add(fields.text, body, shown(text))
  if message then
    for _, group in ipairs(message.groups) do
      local value = message.raw and text or groups[group.number] or ""
      item:add(group.field, body, shown(value))
    end
    local known = fact(key, stream, pinfo, message, groups)
    if known.answered_in then item:add(fields.answered_in, known.answered_in):set_generated() end
    if known.answer_to then item:add(fields.answer_to, known.answer_to):set_generated() end
    if known.delay then item:add(fields.time, known.delay):set_generated() end
    if known.unsolicited then item:add_proto_expert_info(experts.unanswered) end
  elseif not problem then
    item:add_proto_expert_info(experts.unknown)
  end
  if problem then
    item:add(fields.problem, range, problem):set_generated()
    item:add_proto_expert_info(experts[problem])
  end
  return summary
end

local function sender_of(pinfo)
  local to, from = pinfo.dst_port, pinfo.src_port
  if to == PROFILE.port or from == PROFILE.port then return to == PROFILE.port and "client" or "server" end
  return to == pinfo.match_uint and "client" or "server" -- Decode As: on another port
end

local function stream_of(pinfo, sender)
  local from, to = tostring(pinfo.src) .. " " .. pinfo.src_port, tostring(pinfo.dst) .. " " .. pinfo.dst_port
  return sender == "client" and from .. " " .. to or to .. " " .. from
end

local function add_all(tree, tvb, pinfo, stream, sender, final)
  local found, taken, astray = cut(tvb, final, sender)
  local said = {}
  for _, piece in ipairs(found) do
    local key = pinfo.number .. (final and "/end/" .. sender .. "/" or "/") .. piece.start
    said[#said + 1] = add(tree, tvb, pinfo, stream, sender, piece, key)
  end
  return said, taken, astray
end

local function add_lost(tree, tvb, at, since)
  if at < tvb:len() then
    tree:add(fields.lost, tvb:range(at)):append_text(" (since frame " .. since .. ")")
  end
end

function proto.dissector(tvb, pinfo, tree)
  local sender = sender_of(pinfo)
  local stream = stream_of(pinfo, sender)
  local direction = stream .. "/" .. sender
  pinfo.cols.protocol:set("wirelab " .. PROFILE.name)
  if lost[direction] and lost[direction] < pinfo.number then
    add_lost(tree, tvb, 0, lost[direction])
    pinfo.cols.info:set("cannot be told apart since frame " .. lost[direction])
    return tvb:len()
  end
  local said, taken, astray = add_all(tree, tvb, pinfo, stream, sender, pinfo.can_desegment == 0)
  if #said > 0 then pinfo.cols.info:set(table.concat(said, "; ")) end
  if astray then
    if not pinfo.visited then lost[direction] = pinfo.number end
    add_lost(tree, tvb, taken, pinfo.number)
    taken = tvb:len()
  end
  if taken < tvb:len() then
    pinfo.desegment_offset = taken
    pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
  end
  if not pinfo.visited then
    pending[direction] = taken < tvb:len() and { frame = pinfo.number, bytes = tvb:range(taken):raw() } or nil
  end
  return tvb:len()
end

-- A stream ends with FIN, both with RST: what is pending then is all that there will be.
function at_end.dissector(tvb, pinfo, tree)
  local finished, reset = fin(), rst()
  if not finished or not (finished.value or reset.value) then return end
  local mine = sender_of(pinfo)
  local stream = stream_of(pinfo, mine)
  for _, sender in ipairs({ "client", "server" }) do
    local rest = pending[stream .. "/" .. sender]
    if rest and rest.frame <= pinfo.number and (reset.value or sender == mine) then
      rest.ended = rest.ended or pinfo.number -- and not where a FIN is repeated
      if rest.ended == pinfo.number then
        local bytes = ByteArray.new(rest.bytes, true):tvb("Unfinished, from the " .. sender)
        local said = add_all(tree, bytes, pinfo, stream, sender, true)
        pinfo.cols.info:append(" [" .. table.concat(said, "; ") .. "]")
      end
    end
  end
end
register_postdissector(at_end)

DissectorTable.get("tcp.port"):add(PROFILE.port, proto)
"""

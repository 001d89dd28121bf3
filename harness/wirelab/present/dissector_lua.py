"""The part of a Wireshark dissector that is the same for every protocol profile, in Lua: its fields, and text from bytes.

Knows Wireshark's Lua, no profile. The rest of it is ``present/dissector_lua_tree``.

It reads a table ``PROFILE``, which ``present/dissector`` writes before it, and does what ``observe/messages`` does, on the
bytes that Wireshark has put in order. Wireshark's User's Guide, part "Lua Support in Wireshark", tells the functions.

What was found out when a frame was read first is kept by frame number: a person may click on frames in any order.
"""

from __future__ import annotations

BEGIN = r"""
local rex = rex_pcre2
if rex == nil then
  error("this dissector needs Wireshark 4.0 or later (regular expressions: rex_pcre2)")
end

local MARK = "\239\191\189" -- U+FFFD, for what is not in the encoding
local PATIENCE = 65536 -- bytes over the limit for which the end of a line is waited for
local NAME = PROFILE.filter
local proto = Proto(NAME, "wirelab protocol " .. PROFILE.name)
local at_end = Proto(NAME .. "_end", "wirelab protocol " .. PROFILE.name .. ", end of stream")

local fields = {
  sender = ProtoField.string(NAME .. ".sender", "Sent by"),
  kind = ProtoField.string(NAME .. ".kind", "Message"),
  text = ProtoField.string(NAME .. ".text", "Text"),
  length = ProtoField.uint32(NAME .. ".length", "Length"),
  problem = ProtoField.string(NAME .. ".problem", "Problem"),
  lost = ProtoField.bytes(NAME .. ".lost", "Cannot be told apart"),
  answered_in = ProtoField.framenum(NAME .. ".answered_in", "Answered in frame", base.NONE, frametype.RESPONSE),
  answer_to = ProtoField.framenum(NAME .. ".answer_to", "Answer to frame", base.NONE, frametype.REQUEST),
  time = ProtoField.relative_time(NAME .. ".time", "Time from question to answer"),
}
local all = {}
for _, field in pairs(fields) do all[#all + 1] = field end
for _, message in ipairs(PROFILE.messages) do
  -- UTF: characters, not bytes; UCP: \d, \w and \s as in Python; LF: what $ takes for the end of a line.
  message.rex = rex.new("(*UTF)(*UCP)(*LF)(?s)(?:" .. message.pattern .. ")")
  message.whole = rex.new("(*UTF)(*UCP)(*LF)(?s)\\A(?:" .. message.pattern .. ")\\z")
  for _, group in ipairs(message.groups) do
    group.field = ProtoField.string(group.filter, group.name)
    all[#all + 1] = group.field
  end
end
proto.fields = all

local experts = {
  unknown = ProtoExpert.new(NAME .. ".unknown", "No message of this protocol", expert.group.UNDECODED, expert.severity.NOTE),
  unfinished = ProtoExpert.new(
    NAME .. ".unfinished", "The stream ended inside this message", expert.group.MALFORMED, expert.severity.WARN),
  ["too-long"] = ProtoExpert.new(
    NAME .. ".too_long", "Longer than the protocol allows", expert.group.MALFORMED, expert.severity.ERROR),
  encoding = ProtoExpert.new(
    NAME .. ".encoding", "Not in the protocol's encoding", expert.group.MALFORMED, expert.severity.WARN),
  unanswered = ProtoExpert.new(
    NAME .. ".no_question", "Answers no question that waits", expert.group.SEQUENCE, expert.severity.NOTE),
}
proto.experts = {
  experts.unknown, experts.unfinished, experts["too-long"], experts.encoding, experts.unanswered
}

-- Fields have values only where Wireshark builds a tree, which it does not when it reads a file for the first time.
local fin, rst = Field.new("tcp.flags.fin"), Field.new("tcp.flags.reset")

-- What is kept between frames.
local facts -- by a message's key: {frame, time, answered_in, answer_to, delay}
local waiting -- by stream, then by what must be equal: the keys of questions without an answer
local pending -- by stream and sender: bytes that came last and are no whole message: {frame, bytes, ended}
local lost -- by stream and sender: the frame from which on nothing can be told apart
local function forget()
  facts, waiting, pending, lost = {}, {}, {}, {}
end
proto.init = forget
forget()

-- Text -----------------------------------------------------------------------------------------------------------

-- How many bytes the character at `at` has, and whether it is one; 0: the bytes end inside it.
local function utf8_unit(raw, at)
  local lead = raw:byte(at)
  if lead < 0x80 then return 1, true end
  local more, low, high = 0, 0x80, 0xBF
  if lead >= 0xC2 and lead <= 0xDF then more = 1
  elseif lead >= 0xE0 and lead <= 0xEF then
    more = 2
    if lead == 0xE0 then low = 0xA0 elseif lead == 0xED then high = 0x9F end
  elseif lead >= 0xF0 and lead <= 0xF4 then
    more = 3
    if lead == 0xF0 then low = 0x90 elseif lead == 0xF4 then high = 0x8F end
  else return 1, false end
  for index = 1, more do
    local byte = raw:byte(at + index)
    if byte == nil then return 0, false, index end
    if byte < low or byte > high then return index, false end
    low, high = 0x80, 0xBF
  end
  return more + 1, true
end

local function gb18030_unit(raw, at)
  local lead, second = raw:byte(at, at + 1)
  if lead < 0x80 then return 1, true end
  if lead == 0x80 or lead == 0xFF then return 1, false end
  if second == nil then return 0, false, 1 end
  if second >= 0x40 and second ~= 0x7F and second ~= 0xFF then return 2, true end
  if second < 0x30 or second > 0x39 then return 1, false end
  local third, fourth = raw:byte(at + 2, at + 3)
  if fourth == nil then return 0, false, #raw - at + 1 end
  if third < 0x81 or third > 0xFE or fourth < 0x30 or fourth > 0x39 then return 1, false end
  return 4, true
end

local function latin1_unit() return 1, true end

local units = { ["utf-8"] = utf8_unit, gb18030 = gb18030_unit, ["latin-1"] = latin1_unit }
local unit = units[PROFILE.encoding]

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  local tail, first = "", 0x40
  repeat
    tail, code, first = string.char(0x80 + code % 64) .. tail, math.floor(code / 64), first / 2
  until code < first
  return string.char(256 - 2 * first + code) .. tail
end

-- GB18030 by tables in the profile: two bytes from a list, four from runs (Wireshark 4.0 cuts such strings short).
local function gb18030_of(raw, at, size)
  local one, two, three, four = raw:byte(at, at + 3)
  if size == 2 then
    local place = ((one - 0x81) * 190 + two - (two > 0x7F and 0x41 or 0x40)) * 3
    return (PROFILE.gb2:sub(place + 1, place + 3):gsub(" ", ""))
  end
  local index = (((one - 0x81) * 10 + two - 0x30) * 126 + three - 0x81) * 10 + four - 0x30
  for last = #PROFILE.gb4, 1, -1 do
    local run = PROFILE.gb4[last]
    if index >= run[1] then return index < run[2] and utf8_of(index - run[1] + run[3]) or MARK end
  end
  return MARK
end

local function character(raw, at, size)
  local code = raw:byte(at)
  if code < 0x80 or PROFILE.encoding == "utf-8" then return raw:sub(at, at + size - 1) end
  if PROFILE.encoding == "latin-1" then return utf8_of(code) end
  return gb18030_of(raw, at, size)
end

-- The bytes of a range as UTF-8, whether all of them are text, and for every byte of that text which byte of the range
-- it came from (nil where they are the same). `stand_in` takes the place of what is no text; the third of three answers
-- is where a character begins that the bytes end in, where `more` may follow.
local function decode(range, stand_in, more)
  local raw = range:raw()
  local parts, map, at, good, same = {}, {}, 1, true, PROFILE.encoding == "utf-8"
  local length, kept = 0, nil
  local function take(text, from, step)
    parts[#parts + 1] = text
    if not same then
      for index = 1, #text do map[length + index] = step and from + index - 1 or from end
      length = length + #text
      map[length + 1] = nil
    end
  end
  while at <= #raw do
    local _, stop = raw:find("^[\1-\127]+", at)
    if stop then
      take(raw:sub(at, stop), at, true)
      at = stop + 1
    elseif raw:byte(at) == 0 then
      take("\0", at)
      at = at + 1
    else
      local size, fine, missing = unit(raw, at)
      if size == 0 and more then
        kept = at
        break
      end
      if size == 0 then size = missing end
      local text = fine and character(raw, at, size) or nil
      if text == nil or text == MARK and PROFILE.encoding ~= "utf-8" then
        good = false
        text = stand_in and stand_in:rep(size) or MARK
      end
      take(text, at)
      at = at + size
    end
  end
  map[length + 1] = kept or #raw + 1
  return table.concat(parts), good, kept, not same and map or nil
end

local function shown(text) return (text:gsub("%z", "\226\144\128")) end -- Wireshark's strings end at NUL

"""

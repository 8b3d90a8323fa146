-- status or '', limit, the id of the job before the first one or '', the time of making that its id tells, in ms,
-- whose
-- Reads only.
local NEARLY = 5 -- ms
local limit, after = tonumber(ARGV[2]), ARGV[3]
local list = list_of(ARGV[5], ARGV[1])
local highest, same = '+inf', 0
if after ~= '' then
  local created = try('ZSCORE', key('jobs'), after)
  if created then
    highest, same = created, try('ZCOUNT', list, created, created) or 0
  else
    -- A job that was removed meanwhile has left its id, which tells its time nearly: its maker's clock is not Redis's.
    highest = ARGV[4] + NEARLY
    same = try('ZCOUNT', list, ARGV[4] - NEARLY, highest) or 0
  end
end
local found = try('ZREVRANGEBYSCORE', list, highest, '-inf', 'LIMIT', 0, limit + same + 1) or {}
local jobs = {}
for i, id in ipairs(found) do
  if after == '' or i > same or id < after then
    table.insert(jobs, id)
  end
end
local page = {}
for i = 1, math.min(limit, #jobs) do
  page[i] = brief(jobs[i])
end
return {'page', #jobs > limit and 1 or 0, page}

-- status or '', limit, the id of the job before the first one or '', the time of making that its id tells, in ms
-- Reads only.
local limit, after = tonumber(ARGV[2]), ARGV[3]
local list = ARGV[1] == '' and key('jobs') or key('jobs', ARGV[1])
local highest, same = '+inf', 0
if after ~= '' then
  -- A job that was removed meanwhile has left its id, which tells its time nearly.
  highest = redis.call('HGET', key('job', after), 'created_at') or ARGV[4]
  same = redis.call('ZCOUNT', list, highest, highest)
end
local found = redis.call('ZREVRANGEBYSCORE', list, highest, '-inf', 'LIMIT', 0, limit + same + 1)
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

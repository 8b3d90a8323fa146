-- age in ms, limit
-- Reads only. A damaged one goes as the others do; what is not finished stays, whatever the index says.
local ids = {}
for _, id in ipairs(try('ZRANGEBYSCORE', key('finished'), '-inf', NOW - ARGV[1], 'LIMIT', 0, ARGV[2]) or {}) do
  local job = load(id)
  if not job.status or finished(job) then
    table.insert(ids, id)
  end
end
return {'ids', ids}

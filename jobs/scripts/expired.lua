-- age in ms, limit
-- Reads only.
local page = {}
for i, id in ipairs(redis.call('ZRANGEBYSCORE', key('finished'), '-inf', NOW - ARGV[1], 'LIMIT', 0, ARGV[2])) do
  page[i] = brief(id)
end
return {'page', 0, page}

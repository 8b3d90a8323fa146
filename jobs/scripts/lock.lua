-- name, owner, time in ms
-- Repeated: the owner keeps it a little longer.
local holder = redis.call('GET', key('lock', ARGV[1]))
if holder and holder ~= ARGV[2] then
  return {'no'}
end
redis.call('SET', key('lock', ARGV[1]), ARGV[2], 'PX', ARGV[3])
return {'yes'}

-- name, the call's token
-- Repeated: the token is known, so it was there.
local name, once = ARGV[1], key('once', ARGV[2])
if redis.call('EXISTS', once) == 1 then
  return {'yes'}
end
if redis.call('HDEL', key('aliases'), name) == 0 then
  return {'no'}
end
redis.call('SET', once, 1, 'PX', ONCE)
return {'yes'}

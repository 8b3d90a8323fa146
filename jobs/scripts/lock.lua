-- name, owner, time in ms
-- Repeated: the owner keeps it a little longer.
-- The first change frees memory, so that a full Redis takes it, and with it the rest.
local holder = try('GET', key('lock', ARGV[1]))
-- More than anybody asks for where the clock was set back, and negative where somebody else has set the key.
local left = redis.call('PTTL', key('lock', ARGV[1]))
if holder and holder ~= ARGV[2] and left >= 0 and left <= tonumber(ARGV[3]) then
  return {'no'}
end
redis.call('DEL', key('lock', ARGV[1]))
redis.call('SET', key('lock', ARGV[1]), ARGV[2], 'PX', ARGV[3])
return {'yes'}

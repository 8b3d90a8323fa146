-- a worker's token, ms for which it counts as alive; 0: it leaves
-- Repeated: it counts a little longer.
-- The first change frees memory, so that a full Redis takes it, and with it the rest.
if not try('ZREMRANGEBYSCORE', key('workers'), '-inf', NOW) then
  redis.call('DEL', key('workers'))
end
if ARGV[2] == '0' then
  redis.call('ZREM', key('workers'), ARGV[1])
else
  -- Nobody counts for longer, unless the clock was set back: then each is counted when it is heard of again.
  redis.call('ZREMRANGEBYSCORE', key('workers'), '(' .. NOW + ARGV[2], '+inf')
  redis.call('ZADD', key('workers'), NOW + ARGV[2], ARGV[1])
end
return {'done'}

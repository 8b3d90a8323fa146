-- name, id or alias, most aliases
-- Repeated: it stands for what the other one means by then, which is also the answer.
local name, id = ARGV[1], resolve(ARGV[2], '*')
if not id then
  return {'missing'}
end
if redis.call('HEXISTS', key('aliases'), name) == 0 and redis.call('HLEN', key('aliases')) >= tonumber(ARGV[3]) then
  return {'full'}
end
redis.call('HSET', key('aliases'), name, id)
return record(id)

-- id, 'unnamed' or '', the call's token
-- Repeated: the token is known, so it was there.
-- The first change frees memory, so that a full Redis takes it, and with it the rest.
local id, once = ARGV[1], key('once', ARGV[3])
if redis.call('EXISTS', once) == 1 then
  return {'yes'}
end
if not exists(id, '*') or ARGV[2] == 'unnamed' and (aliased()[id] or leads(id)) then
  return {'no'}
end
local user = users_of('base')[id]
if user then
  return ARGV[2] == 'unnamed' and {'no'} or {'used', user}
end
local owner = owner_of_model(id)
redis.call('DEL', key('model', id))
for _, whose in ipairs({'*', owner}) do
  local by_time, by_rank = models_of(whose)
  try('ZREM', by_time, id)
  try('ZREM', by_rank, id)
end
local aliases = try('HGETALL', key('aliases')) or {}
for i = 1, #aliases, 2 do
  if aliases[i + 1] == id then
    redis.call('HDEL', key('aliases'), aliases[i])
  end
end
try('SADD', key('models', 'removed'), id)
redis.call('SET', once, 1, 'PX', ONCE)
return {'yes'}

-- id, whose, the call's token
-- Repeated: the token is known, so it was there.
-- The first change frees memory, so that a full Redis takes it, and with it the rest.
local id, once = ARGV[1], key('once', ARGV[3])
if redis.call('EXISTS', once) == 1 then
  return {'done'}
end
local owner, learner = dataset_owner(id, ARGV[2]), users_of('dataset_id')[id]
if not owner then
  return {'missing'}
elseif learner then
  return {'used', learner}
end
local parts = cjson.decode(redis.call('HGET', key('dataset', id), 'parts'))
redis.call('DEL', key('dataset', id))
for _, whose in ipairs({'*', owner}) do
  redis.call('ZREM', datasets_of(whose), id)
end
for _, part in ipairs(parts) do
  redis.call('ZADD', key('datasets', 'leftovers'), NOW, part.id)
end
redis.call('SET', once, 1, 'PX', ONCE)
return {'done'}

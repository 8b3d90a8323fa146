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
-- The files of a damaged one, of which nobody knows what they are, stay.
local read, parts = pcall(cjson.decode, try('HGET', key('dataset', id), 'parts'))
redis.call('DEL', key('dataset', id))
for _, whose in ipairs({'*', owner}) do
  try('ZREM', datasets_of(whose), id)
end
for _, part in ipairs(read and type(parts) == 'table' and parts or {}) do
  if type(part) == 'table' and type(part.id) == 'string' then
    try('ZADD', key('datasets', 'leftovers'), NOW, part.id)
  end
end
redis.call('SET', once, 1, 'PX', ONCE)
return {'done'}

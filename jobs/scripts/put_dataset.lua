-- id, name, owner, the version that this one replaces or 0, what is read of it in a list (JSON), all of it (JSON), parts
-- (JSON), the new part's id or '', most data sets of an owner
-- Repeated: what stands there is this version already, of this content and these parts, which is the answer.
local id, name, owner, before, brief, details, parts, part = unpack(ARGV)
local found = try('HMGET', key('dataset', id), 'version', 'details', 'parts') or {}
local version = found[1] and tonumber(found[1]) or 0
if version == before + 1 and found[2] == details and found[3] == parts then
  return dataset(id)
end
if version == 0 and before + 0 > 0 then
  return {'missing'}
elseif version ~= before + 0 then
  return {'changed'}
elseif version == 0 and size_of(datasets_of(owner)) >= tonumber(ARGV[9]) then
  return {'full'}
end
local learner = version > 0 and users_of('dataset_id')[id]
if learner then
  return {'used', learner}
end
if part ~= '' and not try('ZSCORE', key('datasets', 'leftovers'), part) then
  return {'changed'} -- it took so long that its files are removed
end
redis.call('HSET', key('dataset', id), 'name', name, 'owner', owner, 'version', before + 1, 'brief', brief,
  'details', details, 'parts', parts)
redis.call('HSETNX', key('dataset', id), 'created_at', NOW)
for _, whose in ipairs({'*', owner}) do
  try('ZADD', datasets_of(whose), 0, id)
end
try('ZREM', key('datasets', 'leftovers'), part)
return dataset(id)

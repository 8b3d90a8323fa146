-- id, kind, params (JSON), idempotency key's digest or '', body's digest, most queued jobs, the key's life in ms, owner,
-- most unfinished jobs of that owner or 0 for no such bound, where it comes from (JSON) or '', the data set that it
-- learns from or '', and that one's version
-- Repeated: the id, or the key, finds the job that the first call made.
local id, kind, params, idempotency, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local owner, quota = ARGV[8], tonumber(ARGV[9])
local made = load(id)
if made.damaged then
  return {'damaged', id, made.damaged}
elseif made.status then
  return full(id)
end
local known = wished(idempotency, digest)
if known then
  return known
end
-- From here on the data set stays, for the job's sake; what was asked fits the version that was looked at.
if ARGV[11] ~= '' then
  local version = try('HGET', key('dataset', ARGV[11]), 'version')
  if version ~= ARGV[12] then
    return {version and 'changed' or 'missing'}
  end
end
if size_of(key('jobs', 'queued')) >= tonumber(ARGV[6]) then
  return {'full'}
end
if quota > 0 then
  local unfinished = 0
  for _, status in ipairs({'queued', 'running', 'cancelling'}) do
    for _, id in ipairs(ids_in(list_of(owner, status))) do
      -- Of a damaged job that was removed nobody could say whose it was, so it is still in its owner's list.
      unfinished = unfinished + redis.call('EXISTS', key('job', id))
    end
  end
  if unfinished >= quota then
    return {'quota'}
  end
end
-- The maker publishes it right now, so a reconciler need not look at it for a while.
redis.call('HSET', key('job', id), 'status', 'queued', 'kind', kind, 'params', params, 'created_at', NOW,
  'published_at', NOW, 'attempt', 0, 'crashes', 0, 'fence', 0, 'step', -1, 'history_step', -1, 'belongs_to', owner)
if ARGV[10] ~= '' then
  redis.call('HSET', key('job', id), 'origin', ARGV[10])
end
for _, whose in ipairs({'*', owner}) do
  try('ZADD', list_of(whose), NOW, id)
  try('ZADD', list_of(whose, 'queued'), NOW, id)
end
if idempotency ~= '' then
  try('HSET', key('idempotency', idempotency), 'job', id, 'digest', digest)
  redis.call('PEXPIRE', key('idempotency', idempotency), ARGV[7])
end
event(id, 'created', cjson.encode({kind = kind}))
return full(id)

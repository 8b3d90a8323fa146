-- id, owner's token, lease in ms
-- Repeated: the token is that of the one who has it, who gets the same fence and attempt again.
local id, owner = ARGV[1], ARGV[2]
local job = load(id)
if job.damaged then
  return {'damaged', id, job.damaged}
end
if not (active(job) and job.owner == owner) then
  if lost(job) then
    recover(id, job)
  end
  if job.status ~= 'queued' then
    return {'none'}
  end
  move(id, job, 'running')
  job.fence = redis.call('HINCRBY', key('job', id), 'fence', 1)
  job.attempt = redis.call('HINCRBY', key('job', id), 'attempt', 1)
  redis.call('HSETNX', key('job', id), 'started_at', NOW)
  job.waited = since(job.queued_at or job.created_at)
  redis.call('HSET', key('job', id), 'waited', job.waited)
  observe('waited', job.waited)
  event(id, 'started', cjson.encode({attempt = job.attempt}))
end
redis.call('HSET', key('job', id), 'owner', owner, 'lease_until', NOW + ARGV[3], 'lease', ARGV[3])
return {'claim', id, job.fence, job.attempt, job.params, job.waited or 0, job.origin or ''}

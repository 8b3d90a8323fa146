-- id, fence
-- Repeated: the job remembers which fence released it, until the next one does.
local id, fence = ARGV[1], ARGV[2]
local job = load(id)
if job.released == fence then
  return {'status', job.released_to}
end
if not holds(job, fence) then
  return {'lost'}
end
revoke(id, job)
if job.status == 'cancelling' then
  close(id, job, 'cancelled')
else
  requeue(id, job, 'worker-stopped')
end
redis.call('HSET', key('job', id), 'released', fence, 'released_to', job.status)
return {'status', job.status}

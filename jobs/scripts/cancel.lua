-- id, whose
-- Repeated: the job is `cancelling` or `cancelled` already, which is the answer.
local id = ARGV[1]
local job = load(id)
local refused = refusal(id, job, ARGV[2])
if refused then
  return refused
end
if job.status == 'succeeded' or job.status == 'failed' then
  return {'finished', job.status}
end
if job.status == 'queued' or job.status == 'running' then
  redis.call('HSET', key('job', id), 'cancel_requested_at', NOW)
end
if job.status == 'queued' then
  close(id, job, 'cancelled')
elseif job.status == 'running' then
  move(id, job, 'cancelling')
  event(id, 'cancelling', '{}')
end
return full(id)

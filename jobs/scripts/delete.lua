-- id
-- Repeated: there is nothing left to remove.
local id = ARGV[1]
local job = load(id)
if job.status and not finished(job) then
  return {'unfinished', job.status}
end
redis.call('DEL', key('job', id), key('job', id, 'history'), key('job', id, 'events'))
redis.call('ZREM', key('jobs'), id)
redis.call('ZREM', key('finished'), id)
if job.status then
  redis.call('ZREM', key('jobs', job.status), id)
  redis.call('PUBLISH', key('changes'), id)
end
return {'done'}

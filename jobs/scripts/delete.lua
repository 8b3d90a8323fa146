-- id
-- Repeated: there is nothing left to remove.
local id = ARGV[1]
local job = load(id)
if job.status and not finished(job) then
  return {'unfinished', job.status}
end
redis.call('DEL', key('job', id), key('job', id, 'history'), key('job', id, 'events'))
redis.call('ZREM', key('finished'), id)
for _, whose in ipairs({'*', owner_of(job)}) do
  redis.call('ZREM', list_of(whose), id)
  redis.call('ZREM', list_of(whose, job.status), id)
end
if job.status then
  redis.call('PUBLISH', key('changes'), id)
end
return {'done'}

-- id, whose, the call's token: only if the job is damaged; or '': if it is finished or damaged
-- '1': a finished job counts as damaged, as its readers cannot read it
-- Repeated: there is nothing left to remove; or the token is known, so it was there.
-- The first change frees memory, so that a full Redis takes it, and with it the rest.
-- The files of a damaged job, which no purge will find, are left to whoever removes those of removed models.
local id, whose, token = ARGV[1], ARGV[2], ARGV[3]
local job, unreadable = load(id), ARGV[4] == '1'
if token ~= '' then
  if redis.call('EXISTS', key('once', token)) == 1 then
    return {'done'}
  elseif not visible(job, whose) then
    return {'missing'}
  elseif job.status and not (unreadable and finished(job)) then
    return {'healthy'}
  end
elseif job.status and not finished(job) then
  return {'unfinished', job.status}
end
redis.call('DEL', key('job', id), key('job', id, 'history'), key('job', id, 'events'))
try('ZREM', key('finished'), id)
for _, each in ipairs({'*', owner_of(job), whose}) do
  try('ZREM', list_of(each), id)
  for _, status in ipairs(STATUSES) do
    try('ZREM', list_of(each, status), id)
  end
end
if (job.damaged or unreadable) and redis.call('EXISTS', key('model', id)) == 0 then
  try('SADD', key('models', 'removed'), id)
end
if token ~= '' then
  redis.call('SET', key('once', token), 1, 'PX', ONCE)
end
if job.status or job.damaged then
  redis.call('PUBLISH', key('changes'), id)
end
return {'done'}

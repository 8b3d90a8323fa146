-- age in ms
-- The queue is bounded, so it may be looked through. Reads only, unless the clock was set back: then what was published
-- is due, and a lease that would outlast its length begins anew, for its holder may be there.
local unpublished, gone = {}, {}
for _, id in ipairs(redis.call('ZRANGE', key('jobs', 'queued'), 0, -1)) do
  local published_at = tonumber(redis.call('HGET', key('job', id), 'published_at'))
  if published_at + ARGV[1] <= NOW or published_at > NOW then
    table.insert(unpublished, brief(id))
  end
end
for _, status in ipairs({'running', 'cancelling'}) do
  for _, id in ipairs(redis.call('ZRANGE', key('jobs', status), 0, -1)) do
    local job = load(id)
    if lost(job) then
      table.insert(gone, brief(id))
    elseif job.lease and job.lease_until - NOW > tonumber(job.lease) then
      redis.call('HSET', key('job', id), 'lease_until', NOW + job.lease)
    end
  end
end
return {'due', unpublished, gone}

-- age in ms
-- The queue is bounded, so it may be looked through. Reads only, unless the clock was set back: then what was published
-- is due, and a lease that would outlast its length begins anew, for its holder may be there.
-- Of each job only what is needed to hand it over, so that nothing else in its record can stand in its way.
local unpublished, gone, damaged = {}, {}, {}
for _, status in ipairs({'queued', 'running', 'cancelling'}) do
  for _, id in ipairs(ids_in(key('jobs', status))) do
    local job = load(id)
    if job.damaged then
      table.insert(damaged, {id, job.damaged})
    elseif job.status == 'queued' then
      local published_at = tonumber(job.published_at or 0)
      if published_at + ARGV[1] <= NOW or published_at > NOW then
        table.insert(unpublished, {id, job.kind})
      end
    elseif lost(job) then
      table.insert(gone, {id, job.kind})
    elseif active(job) and job.lease and job.lease_until - NOW > tonumber(job.lease) then
      redis.call('HSET', key('job', id), 'lease_until', NOW + job.lease)
    end
  end
end
return {'due', unpublished, gone, damaged, broken_keys()}

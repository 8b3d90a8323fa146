-- age in ms
-- Reads only. The queue is bounded, so it may be looked through.
local unpublished, gone = {}, {}
for _, id in ipairs(redis.call('ZRANGE', key('jobs', 'queued'), 0, -1)) do
  if redis.call('HGET', key('job', id), 'published_at') + ARGV[1] <= NOW then
    table.insert(unpublished, brief(id))
  end
end
for _, status in ipairs({'running', 'cancelling'}) do
  for _, id in ipairs(redis.call('ZRANGE', key('jobs', status), 0, -1)) do
    if lost(load(id)) then
      table.insert(gone, brief(id))
    end
  end
end
return {'due', unpublished, gone}

-- the statuses
-- Reads only. What the metrics tell of all jobs and workers; the queue is bounded, and a worker runs one job.
local counts = {}
for i, status in ipairs(ARGV) do
  counts[i] = redis.call('ZCARD', key('jobs', status))
end
local oldest = 0
for _, id in ipairs(redis.call('ZRANGE', key('jobs', 'queued'), 0, -1)) do
  local from = redis.call('HMGET', key('job', id), 'queued_at', 'created_at')
  oldest = math.max(oldest, since(from[1] or from[2] or NOW))
end
local speed = 0
for _, id in ipairs(redis.call('ZRANGE', key('jobs', 'running'), 0, -1)) do
  local progress = redis.call('HGET', key('job', id), 'progress')
  local images = progress and cjson.decode(progress).images_per_second
  speed = speed + (type(images) == 'number' and images or 0)
end
local bounds = {}
for i, bound in ipairs(BOUNDS) do
  bounds[i] = tostring(bound)
end
local workers = redis.call('ZCOUNT', key('workers'), NOW, '+inf')
local models = redis.call('ZCARD', key('models'))
local datasets = redis.call('ZCARD', key('datasets'))
return {'figures', counts, oldest, workers, models, datasets, tostring(speed), bounds,
  redis.call('HGETALL', key('totals'))}

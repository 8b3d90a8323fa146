-- the statuses
-- Reads only. What the metrics tell of all jobs and workers; the queue is bounded, and a worker runs one job.
local counts, damaged = {}, {}
for i, status in ipairs(ARGV) do
  counts[i] = size_of(key('jobs', status))
end
local oldest, speed = 0, 0
for _, status in ipairs({'queued', 'running', 'cancelling'}) do
  for _, id in ipairs(ids_in(key('jobs', status))) do
    local job = load(id)
    if job.damaged then
      table.insert(damaged, {id, job.damaged})
    elseif job.status == 'queued' then
      oldest = math.max(oldest, since(job.queued_at or job.created_at))
    elseif job.status == 'running' then
      speed = speed + (member(job.progress, 'images_per_second', 'number') or 0)
    end
  end
end
local bounds = {}
for i, bound in ipairs(BOUNDS) do
  bounds[i] = tostring(bound)
end
local workers = try('ZCOUNT', key('workers'), NOW, '+inf') or 0
return {'figures', counts, oldest, workers, size_of(key('models')), size_of(key('datasets')), tostring(speed), bounds,
  try('HGETALL', key('totals')) or {}, damaged, broken_keys()}

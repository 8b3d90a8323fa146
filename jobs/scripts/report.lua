-- id, fence, step, progress (JSON), history entry's step or '', the entry (JSON)
-- Repeated: the progress is what stands there already, and the entry's step is not after the last, so nothing is added.
-- What lies before the last known step is passed over: a training that was resumed goes over it again.
local id, fence, step, progress, entry_step, entry = unpack(ARGV)
local job = load(id)
if not holds(job, fence) then
  return {'lost'}
end
local last = tonumber(job.step or -1)
if tonumber(step) >= last and progress ~= job.progress then
  redis.call('HSET', key('job', id), 'step', step, 'progress', progress)
  local batch_size = member(job.params, 'batch_size', 'number')
  if batch_size then
    count('images', (step - math.max(0, last)) * batch_size)
  end
  event(id, 'progress', progress)
end
if entry_step ~= '' and tonumber(entry_step) > tonumber(job.history_step or -1) then
  redis.call('HSET', key('job', id), 'history_step', entry_step)
  try('RPUSH', key('job', id, 'history'), entry)
  try('LTRIM', key('job', id, 'history'), -HISTORY, -1)
end
return {'status', job.status}

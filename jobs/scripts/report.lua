-- id, fence, step, progress (JSON), history entry's step or '', the entry (JSON)
-- Repeated: the progress is what stands there already, and the entry's step is not after the last, so nothing is added.
-- What lies before the last known step is passed over: a training that was resumed goes over it again.
local id, fence, step, progress, entry_step, entry = unpack(ARGV)
local job = load(id)
if not holds(job, fence) then
  return {'lost'}
end
if tonumber(step) >= tonumber(job.step) and progress ~= job.progress then
  redis.call('HSET', key('job', id), 'step', step, 'progress', progress)
  local batch_size = cjson.decode(job.params).batch_size
  if batch_size then
    count('images', (step - math.max(0, job.step)) * batch_size)
  end
  event(id, 'progress', progress)
end
if entry_step ~= '' and tonumber(entry_step) > tonumber(job.history_step) then
  redis.call('HSET', key('job', id), 'history_step', entry_step)
  redis.call('RPUSH', key('job', id, 'history'), entry)
  redis.call('LTRIM', key('job', id, 'history'), -HISTORY, -1)
end
return {'status', job.status}

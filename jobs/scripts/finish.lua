-- id, fence, status, 'result' or 'error' or '', its JSON, the rank of the model that the result names or ''
-- Repeated: the job is finished and the fence still the last one, so the answer is the job as it ended. A model that
-- was removed meanwhile stays removed.
local id, fence, status, field, value, rank = unpack(ARGV)
local job = load(id)
if holds(job, fence) then
  if job.status == 'cancelling' or field == '' then
    -- Who asked for a cancel was told that it will be: it wins over a result that comes later.
    close(id, job, job.status == 'cancelling' and 'cancelled' or status)
  else
    close(id, job, status, field, value)
    if status == 'succeeded' and rank ~= '' then
      register(id, job, rank, value)
    end
  end
elseif not (finished(job) and job.fence == fence) then
  return {'lost'}
end
return full(id)

-- id
-- Repeated: it has no lease any more, so nothing changes, and the answer is the job as it is.
local job = load(ARGV[1])
if not job.status then
  return {'missing'}
end
if lost(job) then
  recover(ARGV[1], job)
end
return full(ARGV[1])

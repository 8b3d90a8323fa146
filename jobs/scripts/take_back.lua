-- id
-- Repeated: it has no lease any more, so nothing changes, and the answer is the job as it is.
local job = load(ARGV[1])
local refused = refusal(ARGV[1], job, '*')
if refused then
  return refused
end
if lost(job) then
  recover(ARGV[1], job)
end
return full(ARGV[1])

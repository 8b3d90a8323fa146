-- id
-- Repeated: it only reads.
local job = load(ARGV[1])
if not (active(job) and job.owner) then
  return {'none'}
end
return {'hold', job.owner, job.fence}

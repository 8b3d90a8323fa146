-- id, fence, lease in ms
-- Repeated: the lease ends a little later, and the answer is the same.
local job = load(ARGV[1])
if not holds(job, ARGV[2]) then
  return {'lost'}
end
redis.call('HSET', key('job', ARGV[1]), 'lease_until', NOW + ARGV[3], 'lease', ARGV[3])
return {'status', job.status}

-- What an idempotency key stands for: the job that it made, or the word that it belongs to another request; nil where
-- it stands for nothing, or its job was removed.
local function wished(idempotency, digest)
  if idempotency == '' then
    return
  end
  local seen = try('HMGET', key('idempotency', idempotency), 'job', 'digest')
  local job = seen and seen[1] and load(seen[1]) or {}
  if job.damaged then
    return {'damaged', seen[1], job.damaged}
  elseif job.status then
    return seen[2] == digest and full(seen[1]) or {'conflict', seen[1]}
  end
end

-- What every script begins with. KEYS[1] is the prefix of all keys, so all of them have to be on one Redis server.
-- Times are Redis's own, whole milliseconds since 1970: one clock for all machines. Replies begin with one word.
local PREFIX = KEYS[1]
local EVENTS = 10000   -- about as many events are kept of a job, the newest,
local HISTORY = 10000  -- and exactly so many entries of its history
local CRASHES = 3      -- so many attempts may end with the loss of their worker

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local function key(...)
  return PREFIX .. table.concat({...}, ':')
end

-- A job's hash as a table; an empty one where there is no job.
local function load(id)
  local job, flat = {}, redis.call('HGETALL', key('job', id))
  for i = 1, #flat, 2 do
    job[flat[i]] = flat[i + 1]
  end
  return job
end

local function active(job)
  return job.status == 'running' or job.status == 'cancelling'
end

local function finished(job)
  return job.status == 'succeeded' or job.status == 'failed' or job.status == 'cancelled'
end

-- Whether the fence is the running job's: the right to change it.
local function holds(job, fence)
  return active(job) and job.fence == fence
end

local function full(id)
  return {'job', id, redis.call('HGETALL', key('job', id)), redis.call('LRANGE', key('job', id, 'history'), 0, -1)}
end

local function brief(id)
  return {'job', id, redis.call('HGETALL', key('job', id)), {}}
end

-- `data` is a JSON object. The word on the channel wakes those who watch.
local function event(id, type, data)
  redis.call('XADD', key('job', id, 'events'), 'MAXLEN', '~', EVENTS, '*', 'type', type, 'data', data)
  redis.call('PUBLISH', key('changes'), id)
end

-- Changes the status, in the hash and in the lists.
local function move(id, job, status)
  redis.call('HSET', key('job', id), 'status', status)
  redis.call('ZREM', key('jobs', job.status), id)
  redis.call('ZADD', key('jobs', status), job.created_at, id)
  job.status = status
end

-- Ends the job; `field` is `result` or `error` and `value` its JSON, or both nil.
local function close(id, job, status, field, value)
  move(id, job, status)
  redis.call('HSET', key('job', id), 'finished_at', NOW)
  redis.call('ZADD', key('finished'), NOW, id)
  redis.call('HDEL', key('job', id), 'owner', 'lease_until')
  if field then
    redis.call('HSET', key('job', id), field, value)
    event(id, status, '{"' .. field .. '":' .. value .. '}')
  else
    event(id, status, '{}')
  end
end

-- Shuts the owner of an active job out, whatever becomes of the job.
local function revoke(id, job)
  job.fence = redis.call('HINCRBY', key('job', id), 'fence', 1)
end

-- Puts a running job back into the queue, due to be published at once.
local function requeue(id, job, reason)
  move(id, job, 'queued')
  redis.call('HDEL', key('job', id), 'owner', 'lease_until')
  redis.call('HSET', key('job', id), 'published_at', 0)
  event(id, 'retried', cjson.encode({attempt = tonumber(job.attempt), reason = reason}))
end

-- What becomes of an active job whose lease ran out.
local function recover(id, job)
  revoke(id, job)
  local crashes = redis.call('HINCRBY', key('job', id), 'crashes', 1)
  if job.status == 'cancelling' then
    close(id, job, 'cancelled')
  elseif crashes >= CRASHES then
    local detail = 'The worker was lost in each of ' .. crashes .. ' attempts (killed, out of memory, or cut off)'
    close(id, job, 'failed', 'error', cjson.encode({code = 'worker-lost', detail = detail}))
  else
    requeue(id, job, 'worker-lost')
  end
end

local function lost(job)
  return active(job) and tonumber(job.lease_until) <= NOW
end

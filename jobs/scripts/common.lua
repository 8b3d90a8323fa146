-- What every script begins with. KEYS[1] is the prefix of all keys, so all of them have to be on one Redis server.
-- Times are Redis's own, whole milliseconds since 1970: one clock for all machines. Replies begin with one word.
-- The clock may be set back: a time that can only be past, and is not yet, was told by a clock that was ahead.
local PREFIX = KEYS[1]
local EVENTS = 10000   -- about as many events are kept of a job, the newest,
local HISTORY = 10000  -- and exactly so many entries of its history
local ONCE = 60000     -- ms for which an answer is remembered, for a call that is sent again because its reply was lost
local CRASHES = 3      -- so many attempts may end with the loss of their worker
local BOUNDS = {0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}  -- seconds: up to which the metrics count together

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local function key(...)
  return PREFIX .. table.concat({...}, ':')
end

-- The ms since a moment; none where the clock was set back meanwhile, for counts only grow.
local function since(moment)
  return math.max(0, NOW - moment)
end

-- Runs a command on a key that may be damaged, by itself or as an index: false where it is of another type, or has no
-- number where one belongs, so that one bad key does not end a script that is about many. Other errors are raised.
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then
    return reply
  end
  for _, damage in ipairs({'WRONGTYPE', 'not an integer', 'not a valid float', 'would overflow'}) do
    if string.find(reply.err, damage, 1, true) then
      return false
    end
  end
  return redis.call(...)
end

-- The ids in a sorted set; none where it is damaged.
local function ids_in(list)
  return try('ZRANGE', list, 0, -1) or {}
end

local function size_of(list)
  return try('ZCARD', list) or 0
end

-- Those of the indexes and counts that are of another type, which `try` passes over.
local function broken_keys()
  local broken = {}
  local function look(kind, command, names)
    for _, name in ipairs(names) do
      if try(command, key(name)) == false then
        table.insert(broken, {name, 'it is of another type than ' .. kind})
      end
    end
  end
  look('a sorted set', 'ZCARD', {'jobs', 'jobs:queued', 'jobs:running', 'jobs:cancelling', 'jobs:succeeded',
    'jobs:failed', 'jobs:cancelled', 'finished', 'workers', 'models', 'models:rank', 'datasets', 'datasets:leftovers'})
  look('a hash', 'HLEN', {'aliases', 'totals'})
  look('a set', 'SCARD', {'models:removed'})
  return broken
end

-- A member of a JSON object, where it is of that type; else nil.
local function member(text, name, kind)
  local read, object = pcall(cjson.decode, text)
  local value = read and type(object) == 'table' and object[name]
  return type(value) == kind and value or nil
end

local STATUSES = {'queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'}
local NUMBERS = {'created_at', 'started_at', 'finished_at', 'queued_at', 'published_at', 'lease_until', 'lease',
  'attempt', 'crashes', 'fence', 'step', 'history_step', 'waited'}

local function has(list, wanted)
  for _, value in ipairs(list) do
    if value == wanted then
      return true
    end
  end
  return false
end

-- Why no script can work with a job's hash; nil where each can. What is in its other JSON only readers understand.
local function damage_of(job)
  if not has(STATUSES, job.status) then
    return 'its status is none that this version knows'
  end
  for _, name in ipairs({'kind', 'params', 'created_at'}) do
    if not job[name] then
      return 'it has no ' .. name
    end
  end
  if not string.find(job.params, '^%s*{') or not pcall(cjson.decode, job.params) then
    return 'its params are no JSON object'
  end
  for _, name in ipairs(NUMBERS) do
    if job[name] and (#job[name] > 16 or not string.find(job[name], '^-?%d+$')) then
      return 'its ' .. name .. ' is no number'
    end
  end
end

-- A job's hash as a table; an empty one where there is no job. A damaged job has no status here, so that no script
-- changes it, and `damaged` says why. No id has a colon: with one, it would name the history or the events of a job.
local function load(id)
  if string.find(id, ':', 1, true) then
    return {}
  end
  local job, flat = {}, try('HGETALL', key('job', id))
  if not flat then
    return {damaged = 'its key is of another type'}
  end
  for i = 1, #flat, 2 do
    job[flat[i]] = flat[i + 1]
  end
  local damage = next(job) and damage_of(job)
  if damage then
    return {damaged = damage, belongs_to = job.belongs_to}
  end
  return job
end

-- Whose a job is; '' for what was made without a key.
local function owner_of(job)
  return job.belongs_to or ''
end

-- `whose` is an owner, or '*' for everybody's.
local function visible(job, whose)
  return (job.status or job.damaged) and (whose == '*' or owner_of(job) == whose)
end

-- The answer to who asks for a job that is not there, or damaged; nil where it can be had.
local function refusal(id, job, whose)
  if not visible(job, whose) then
    return {'missing'}
  elseif job.damaged then
    return {'damaged', id, job.damaged}
  end
end

-- The list of an owner's jobs, or of everybody's; of one status, or of all where that is nil or ''.
local function list_of(whose, status)
  local parts = whose == '*' and {'jobs'} or {'owner', whose, 'jobs'}
  if status and status ~= '' then
    table.insert(parts, status)
  end
  return key(unpack(parts))
end

-- Likewise of models: by time, and by rank.
local function models_of(whose)
  if whose == '*' then
    return key('models'), key('models', 'rank')
  end
  return key('owner', whose, 'models'), key('owner', whose, 'models', 'rank')
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

-- By what a parameter of theirs names, such as a data set: a job that is not over and needs it. Those that wait are
-- bounded, and a worker runs one.
local function users_of(parameter)
  local users = {}
  for _, status in ipairs({'queued', 'running', 'cancelling'}) do
    for _, id in ipairs(ids_in(key('jobs', status))) do
      local named = member(try('HGET', key('job', id), 'params'), parameter, 'string')
      if named and not users[named] then
        users[named] = id
      end
    end
  end
  return users
end

local function full(id)
  return {'job', id, redis.call('HGETALL', key('job', id)), try('LRANGE', key('job', id, 'history'), 0, -1) or {}}
end

-- A job without its history, or why it is damaged; an empty hash where there is no job.
local function brief(id)
  local damage = load(id).damaged
  return damage and {'damaged', id, damage} or {'job', id, redis.call('HGETALL', key('job', id)), {}}
end

-- Counts for the metrics. `totals` has a field a count; they only grow, as Prometheus wants it.
local function count(name, by)
  try('HINCRBY', key('totals'), name, by)
end

-- Counts a time in the first bucket that it fits into, and adds it up.
local function observe(name, ms)
  local bucket = '+Inf'
  for _, bound in ipairs(BOUNDS) do
    if ms <= bound * 1000 then
      bucket = bound
      break
    end
  end
  count(name .. ':' .. bucket, 1)
  count(name .. ':ms', ms)
end

-- `data` is a JSON object. The word on the channel wakes those who watch.
local function event(id, type, data)
  try('XADD', key('job', id, 'events'), 'MAXLEN', '~', EVENTS, '*', 'type', type, 'data', data)
  redis.call('PUBLISH', key('changes'), id)
end

-- Changes the status, in the hash and in the lists.
local function move(id, job, status)
  redis.call('HSET', key('job', id), 'status', status)
  for _, whose in ipairs({'*', owner_of(job)}) do
    try('ZREM', list_of(whose, job.status), id)
    try('ZADD', list_of(whose, status), job.created_at, id)
  end
  job.status = status
end

-- Ends the job; `field` is `result` or `error` and `value` its JSON, or both nil.
local function close(id, job, status, field, value)
  move(id, job, status)
  redis.call('HSET', key('job', id), 'finished_at', NOW)
  try('ZADD', key('finished'), NOW, id)
  redis.call('HDEL', key('job', id), 'owner', 'lease_until')
  count('finished:' .. job.kind .. ':' .. status, 1)
  if job.started_at then
    observe('taken', since(job.started_at))
  end
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
  redis.call('HSET', key('job', id), 'published_at', 0, 'queued_at', NOW)
  count('retried', 1)
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
  return active(job) and tonumber(job.lease_until or 0) <= NOW
end

-- What the scripts about trained models share. A model is a hash under its id, which is its job's. `models` has the ids
-- by time and `models:rank` by how good they are, and so has each owner of its own; `aliases` has what names stand for,
-- and `models:removed` the ids of models that were removed and whose files may still be there.
local function register(id, job, rank, result)
  local owner = owner_of(job)
  try('HSET', key('model', id), 'kind', job.kind, 'created_at', NOW, 'params', job.params, 'result', result,
    'owner', owner)
  for _, whose in ipairs({'*', owner}) do
    local by_time, by_rank = models_of(whose)
    try('ZADD', by_time, NOW, id)
    try('ZADD', by_rank, rank, id)
  end
end

local function owner_of_model(id)
  return try('HGET', key('model', id), 'owner') or ''
end

-- Whether there is this model, and `whose` may know it.
local function exists(id, whose)
  return redis.call('EXISTS', key('model', id)) == 1 and (whose == '*' or owner_of_model(id) == whose)
end

local function record(id)
  return {'model', id, try('HGETALL', key('model', id))}
end

local function latest(whose)
  return (try('ZREVRANGE', (models_of(whose)), 0, 0) or {})[1]
end

-- The newest of those with the highest rank; of those made in the same millisecond the last by id, as in `latest`.
local function best(whose)
  local by_time, by_rank = models_of(whose)
  local top = try('ZREVRANGE', by_rank, 0, 0, 'WITHSCORES') or {}
  local found, at = nil, -1
  for _, id in ipairs(top[1] and redis.call('ZRANGEBYSCORE', by_rank, top[2], top[2]) or {}) do
    local created = tonumber(try('ZSCORE', by_time, id) or 0)
    if created >= at then
      found, at = id, created
    end
  end
  return found
end

-- What names stand for, as far as `whose` may know it: name and id, flat.
local function aliases_of(whose)
  local all, found = try('HGETALL', key('aliases')) or {}, {}
  for i = 1, #all, 2 do
    if exists(all[i + 1], whose) then
      table.insert(found, all[i])
      table.insert(found, all[i + 1])
    end
  end
  return found
end

-- The id that an id or an alias stands for; nil or false where it stands for none that `whose` may know.
local function resolve(name, whose)
  if exists(name, whose) then
    return name
  elseif name == 'latest' then
    return latest(whose)
  elseif name == 'best' then
    return best(whose)
  end
  local id = try('HGET', key('aliases'), name)
  return id and exists(id, whose) and id
end

-- The ids that some alias stands for, as a set.
local function aliased()
  local ids = {}
  for _, id in ipairs(try('HVALS', key('aliases')) or {}) do
    ids[id] = true
  end
  return ids
end

-- Whether a model is its owner's newest or best; whoever is so among all is so among its owner's.
local function leads(id)
  local owner = owner_of_model(id)
  return id == latest(owner) or id == best(owner)
end

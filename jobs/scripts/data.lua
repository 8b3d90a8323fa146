-- What the scripts about data sets share. A data set is a hash under its id; `datasets` has all ids, which sort by time,
-- and so has each owner of its own. `datasets:leftovers` has what lies in the store of artifacts and no record names,
-- with the time from which it may be removed: what is being published, and what was of a data set that is removed.
local ONCE = 60000  -- ms for which an answer is remembered, for a call that is sent again because its reply was lost

local function datasets_of(whose)
  return whose == '*' and key('datasets') or key('owner', whose, 'datasets')
end

-- Whose a data set is; false where there is none that `whose` may know.
local function dataset_owner(id, whose)
  local owner = redis.call('HGET', key('dataset', id), 'owner')
  return owner and (whose == '*' or owner == whose) and owner
end

local function dataset(id)
  return {'dataset', id, redis.call('HGETALL', key('dataset', id))}
end

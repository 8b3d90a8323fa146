-- What the scripts about data sets share. A data set is a hash under its id; `datasets` has all ids, which sort by time,
-- and so has each owner of its own. `datasets:leftovers` has what lies in the store of artifacts and no record names,
-- with the time from which it may be removed: what is being published, and what was of a data set that is removed.
local function datasets_of(whose)
  return whose == '*' and key('datasets') or key('owner', whose, 'datasets')
end

-- Whose a data set is; false where there is none that `whose` may know.
local function dataset_owner(id, whose)
  local owner = try('HGET', key('dataset', id), 'owner') or redis.call('EXISTS', key('dataset', id)) == 1 and ''
  return owner and (whose == '*' or owner == whose) and owner
end

local function dataset(id)
  return {'dataset', id, try('HGETALL', key('dataset', id))}
end

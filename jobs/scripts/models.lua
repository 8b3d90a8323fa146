-- whose
-- Reads only. The newest first; there are a few hundred of an owner at most.
local found = {'models'}
for i, id in ipairs(try('ZREVRANGE', (models_of(ARGV[1])), 0, -1) or {}) do
  found[i + 1] = record(id)
end
return found

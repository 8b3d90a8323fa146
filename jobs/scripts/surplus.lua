-- how many of the newest of each owner are kept
-- Reads only. The oldest first.
local kept, bases, beyond, seen = aliased(), users_of('base'), {}, {}
for _, id in ipairs(try('ZREVRANGE', key('models'), 0, -1) or {}) do
  local owner = owner_of_model(id)
  seen[owner] = (seen[owner] or 0) + 1
  if seen[owner] > tonumber(ARGV[1]) and not kept[id] and not bases[id] and not leads(id) then
    table.insert(beyond, 1, id)
  end
end
local found = {'models'}
for i, id in ipairs(beyond) do
  found[i + 1] = record(id)
end
return found

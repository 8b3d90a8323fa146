-- id or alias, whose
-- Reads only.
local id = resolve(ARGV[1], ARGV[2])
if not id then
  return {'missing'}
end
return record(id)

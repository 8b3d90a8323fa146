-- id or alias, whose
-- Reads only, but for what `adopt` does once.
if ARGV[2] == '' then
  adopt()
end
local id = resolve(ARGV[1], ARGV[2])
if not id then
  return {'missing'}
end
return record(id)

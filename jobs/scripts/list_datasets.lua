-- limit, the id before the first one or '', whose
-- Reads only. The newest first; an id that was removed meanwhile still says where to go on.
local limit, highest = tonumber(ARGV[1]), ARGV[2] == '' and '+' or '(' .. ARGV[2]
local found = try('ZREVRANGEBYLEX', datasets_of(ARGV[3]), highest, '-', 'LIMIT', 0, limit + 1) or {}
local page = {}
for i = 1, math.min(limit, #found) do
  local fields = try('HMGET', key('dataset', found[i]), 'name', 'owner', 'version', 'created_at', 'brief')
  page[i] = {'dataset', found[i], fields}
end
return {'datasets', #found > limit and 1 or 0, page}

-- the statuses
-- Reads only.
local counts = {'counts'}
for i, status in ipairs(ARGV) do
  counts[i + 1] = size_of(key('jobs', status))
end
return counts

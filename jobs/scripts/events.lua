-- id, the id of the event before the first one or '', limit, whose
-- Reads only. One event more than asked for tells whether there are more.
local job = load(ARGV[1])
if not visible(job, ARGV[4]) then
  return {'missing'}
end
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found = redis.call('XRANGE', key('job', ARGV[1], 'events'), from, '+', 'COUNT', ARGV[3] + 1)
return {'events', finished(job) and 1 or 0, found}

-- id, the id of the event before the first one or '', limit, whose
-- Reads only. One event more than asked for tells whether there are more.
local job = load(ARGV[1])
local refused = refusal(ARGV[1], job, ARGV[4])
if refused then
  return refused
end
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found = try('XRANGE', key('job', ARGV[1], 'events'), from, '+', 'COUNT', ARGV[3] + 1)
if not found then
  return {'damaged', ARGV[1], 'the key of its events is of another type'}
end
return {'events', finished(job) and 1 or 0, found}

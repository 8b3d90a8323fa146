-- id, whose
-- Reads only.
if not visible(load(ARGV[1]), ARGV[2]) then
  return {'missing'}
end
return full(ARGV[1])

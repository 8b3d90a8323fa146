-- id
-- Reads only.
if not load(ARGV[1]).status then
  return {'missing'}
end
return full(ARGV[1])

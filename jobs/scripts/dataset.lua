-- id, whose
-- Reads only.
if not dataset_owner(ARGV[1], ARGV[2]) then
  return {'missing'}
end
return dataset(ARGV[1])

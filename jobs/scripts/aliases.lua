-- whose
-- Reads only, but for what `adopt` does once.
if ARGV[1] == '' then
  adopt()
end
return {'aliases', latest(ARGV[1]) or '', best(ARGV[1]) or '', aliases_of(ARGV[1])}

-- whose
-- Reads only.
return {'aliases', latest(ARGV[1]) or '', best(ARGV[1]) or '', aliases_of(ARGV[1])}

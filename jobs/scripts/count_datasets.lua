-- owner
-- Reads only.
return {'count', size_of(datasets_of(ARGV[1]))}

-- id, whose
-- Reads only.
return {visible(load(ARGV[1]), ARGV[2]) and 'known' or 'missing'}

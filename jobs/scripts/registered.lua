-- id
-- Reads only.
return {exists(ARGV[1], '*') and 'yes' or 'no'}

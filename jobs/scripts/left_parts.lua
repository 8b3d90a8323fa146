-- limit
-- Reads only.
return {'leftovers', try('ZRANGEBYSCORE', key('datasets', 'leftovers'), '-inf', NOW, 'LIMIT', 0, ARGV[1]) or {}}

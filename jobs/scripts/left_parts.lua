-- limit
-- Reads only.
return {'leftovers', redis.call('ZRANGEBYSCORE', key('datasets', 'leftovers'), '-inf', NOW, 'LIMIT', 0, ARGV[1])}

-- owner
-- Reads only.
return {'count', redis.call('ZCARD', datasets_of(ARGV[1]))}

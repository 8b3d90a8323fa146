-- a part's id, ms for which it may lie in the store without a record
-- Repeated: it gets a little longer.
redis.call('ZADD', key('datasets', 'leftovers'), NOW + ARGV[2], ARGV[1])
return {'done'}

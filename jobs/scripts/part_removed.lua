-- a part's id
-- Repeated: there is nothing left to forget.
redis.call('ZREM', key('datasets', 'leftovers'), ARGV[1])
return {'done'}

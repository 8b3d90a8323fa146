-- id
-- Repeated: there is nothing left to forget.
redis.call('SREM', key('models', 'removed'), ARGV[1])
return {'done'}

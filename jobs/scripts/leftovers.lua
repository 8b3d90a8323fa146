-- nothing
-- Reads only.
return {'leftovers', redis.call('SMEMBERS', key('models', 'removed'))}

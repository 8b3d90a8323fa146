-- Asks for a key and the channel, as far as no data are changed: a user may be kept from either.
redis.call('PUBLISH', key('changes'), '')
redis.call('ZCARD', key('jobs'))
return {'ready'}

-- Whether Redis would run what a job needs. SETRANGE with nothing changes nothing, and is refused where a write would be
-- (READONLY, OOM, NOREPLICAS, MISCONF), but for a key of another type; a user may be kept from the keys or from the
-- channel.
try('SETRANGE', key('ready'), 0, '')
redis.call('PUBLISH', key('changes'), '')
return {'ready'}

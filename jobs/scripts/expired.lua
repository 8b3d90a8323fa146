-- age in ms, limit
-- Reads only. No record is read, so that a damaged one goes as the others do.
return {'ids', try('ZRANGEBYSCORE', key('finished'), '-inf', NOW - ARGV[1], 'LIMIT', 0, ARGV[2]) or {}}

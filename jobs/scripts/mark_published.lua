-- id
-- Repeated: a little later.
if load(ARGV[1]).status == 'queued' then
  redis.call('HSET', key('job', ARGV[1]), 'published_at', NOW)
end
return {'done'}

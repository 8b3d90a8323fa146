-- name, owner
-- Repeated: it is not the owner's any more, and nothing happens.
if try('GET', key('lock', ARGV[1])) == ARGV[2] then
  redis.call('DEL', key('lock', ARGV[1]))
end
return {'done'}

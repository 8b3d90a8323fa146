-- idempotency key's digest, body's digest
-- Reads only.
return wished(ARGV[1], ARGV[2]) or {'none'}

-- nothing
-- Reads only.
return {'leftovers', try('SMEMBERS', key('models', 'removed')) or {}}

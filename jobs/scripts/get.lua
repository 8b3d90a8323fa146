-- id, whose
-- Reads only.
return refusal(ARGV[1], load(ARGV[1]), ARGV[2]) or full(ARGV[1])

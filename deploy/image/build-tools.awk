# Print the entries of a lock file, with their hashes, that build our package: hatchling and what it imports.
/^[^ ]/ { wanted = /^(editables|hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ }
wanted

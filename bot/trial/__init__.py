"""`issuewright try`: the whole job on a person's own repository, on this machine alone."""

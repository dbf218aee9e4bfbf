"""One pass from commit to outcome: what it opens, its steps, several repositories, and looking into it."""
